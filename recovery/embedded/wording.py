"""Finds every text marked for translation in Python, templates and scripts.

Works without gettext's own programs, which a machine with only Python does not have. Python is read
as syntax, templates through Django's own reader, scripts by their calls of gettext.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from django.utils.translation.template import templatize

# For each function: where its context, its text and its plural stand among the arguments.
_PLACES: dict[str, tuple[int | None, int, int | None]] = {
    "_": (None, 0, None),
    "gettext": (None, 0, None),
    "ngettext": (None, 0, 1),
    "pgettext": (0, 1, None),
    "npgettext": (0, 1, 2),
}
_STRING = r"""u?(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")"""
_CALL = re.compile(rf"(?<![\w.])(_|n?p?gettext)\(\s*({_STRING}(?:\s*,\s*{_STRING})*)", re.DOTALL)
_ONE_STRING = re.compile(_STRING, re.DOTALL)
# Not the product's own text.
_LEFT_OUT = {".venv", "var", "tests", "migrations", "bench", "node_modules", "vendor", "deploy"}


@dataclass
class Text:
    """One marked text: its context, its plural where it has one, the files it stands in."""

    text: str
    context: str | None
    plural: str | None
    files: set[str] = field(default_factory=set)


Found = dict[tuple[str | None, str], Text]


def _own_names(tree: ast.Module) -> dict[str, str]:
    """What a file calls the library's functions, where it gives one a name of its own."""
    return {
        alias.asname: alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation"
        for alias in node.names
        if alias.asname
    }


def _name(function: ast.expr, own: dict[str, str]) -> str:
    if isinstance(function, ast.Name):
        name = own.get(function.id, function.id)
    elif isinstance(function, ast.Attribute):
        name = function.attr
    else:
        return ""
    return name.removesuffix("_lazy").removesuffix("_noop")


def _from_python(source: str) -> Iterator[tuple[str, list[str | None]]]:
    tree = ast.parse(source)
    own = _own_names(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _name(node.func, own) in _PLACES:
            yield (
                _name(node.func, own),
                [
                    part.value
                    if isinstance(part, ast.Constant) and isinstance(part.value, str)
                    else None
                    for part in node.args
                ],
            )


def _from_calls(source: str) -> Iterator[tuple[str, list[str | None]]]:
    for match in _CALL.finditer(source):
        yield match[1], [ast.literal_eval(word) for word in _ONE_STRING.findall(match[2])]


def _add(found: Found, calls: Iterator[tuple[str, list[str | None]]], where: str) -> None:
    for name, words in calls:
        context_at, text_at, plural_at = _PLACES[name]
        if len(words) <= max(text_at, plural_at or 0):
            continue
        text = words[text_at]
        if not text:
            continue  # a variable: its text is marked where it is written
        context = None if context_at is None else words[context_at]
        plural = None if plural_at is None else words[plural_at]
        entry = found.setdefault((context, text), Text(text, context, plural))
        entry.plural = entry.plural or plural
        entry.files.add(where)


def _files(root: Path, *endings: str) -> Iterator[Path]:
    for path in sorted(root.rglob("*")):
        inside = path.relative_to(root)
        if path.suffix in endings and not _LEFT_OUT.intersection(inside.parts) and path.is_file():
            yield path


def find(root: Path, domain: str) -> Found:
    """Every text marked in the checkout: `django` (Python, templates) or `djangojs` (scripts)."""
    found: Found = {}
    if domain == "djangojs":
        for path in _files(root / "static", ".js"):
            source = path.read_text(encoding="utf-8")
            _add(found, _from_calls(source), str(path.relative_to(root)))
        return found
    for path in _files(root, ".py"):
        source = path.read_text(encoding="utf-8")
        _add(found, _from_python(source), str(path.relative_to(root)))
    for path in _files(root, ".html", ".txt"):
        if "templates" not in path.relative_to(root).parts:
            continue
        where = str(path.relative_to(root))
        _add(found, _from_calls(templatize(path.read_text(encoding="utf-8"), where)), where)
    return found
