"""The translation catalogues: compiled on start, brought up to date, checked to be complete.

`python -m recovery.embedded.catalogues` compiles what is newer than its compiled form; `--update`
adds and retires texts; `--check` fails on a text that is missing, unsure, or whose placeholders
differ from the original's.
"""

import argparse
import os
import re
import sys
from pathlib import Path

import polib

from . import wording

ROOT = Path(__file__).resolve().parents[2]
LANGUAGES = ("es",)  # English is the language the texts are written in
_PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]|(?<!%)%[sd]|\{(\w*)\}")


def catalogues(root: Path) -> list[Path]:
    """Every catalogue of the project."""
    return sorted((root / "locale").glob("*/LC_MESSAGES/*.po"))


def compile_stale(root: Path = ROOT) -> list[str]:
    """Compile each catalogue whose compiled form is missing or older; names of those compiled."""
    done = []
    for source in catalogues(root):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime_ns > source.stat().st_mtime_ns:
            continue
        scratch = target.with_name(f"{target.name}.{os.getpid()}")
        polib.pofile(str(source)).save_as_mofile(str(scratch))
        scratch.replace(target)
        done.append(str(source.relative_to(root)))
    return done


def update(root: Path = ROOT) -> list[str]:
    """Add texts that are new in the code, retire those that are gone; a line for each catalogue."""
    lines = []
    for language in LANGUAGES:
        for domain in ("django", "djangojs"):
            found = wording.find(root, domain)
            path = root / "locale" / language / "LC_MESSAGES" / f"{domain}.po"
            if path.exists() or found:
                lines.append(f"{path.relative_to(root)}: {_update_one(path, language, found)}")
    return lines


def _empty(language: str) -> polib.POFile:
    catalogue = polib.POFile(wrapwidth=100)
    catalogue.metadata = {
        "Language": language,
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit",
        "Plural-Forms": "nplurals=2; plural=(n != 1);",
    }
    return catalogue


def _update_one(path: Path, language: str, found: wording.Found) -> str:
    catalogue = polib.pofile(str(path), wrapwidth=100) if path.exists() else _empty(language)
    have: dict[tuple[str | None, str], polib.POEntry] = {
        (entry.msgctxt, entry.msgid): entry for entry in catalogue
    }
    added = retired = 0
    for key, text in found.items():
        entry = have.get(key)
        if entry is None:
            entry = polib.POEntry(msgid=text.text, msgctxt=text.context)
            catalogue.append(entry)
            added += 1
        entry.obsolete = False
        entry.occurrences = [(name, "") for name in sorted(text.files)]
        if text.plural and entry.msgid_plural != text.plural:
            entry.msgid_plural = text.plural
            entry.msgstr_plural = entry.msgstr_plural or {0: entry.msgstr, 1: ""}
            entry.msgstr = ""
        if "%(" in text.text and "python-format" not in entry.flags:
            entry.flags.append("python-format")
    for key, entry in have.items():
        if key not in found and not entry.obsolete:
            entry.obsolete = True
            retired += 1
    path.parent.mkdir(parents=True, exist_ok=True)
    catalogue.save(str(path))
    empty = sum(1 for entry in catalogue.untranslated_entries() if not entry.obsolete)
    return f"{added} added, {retired} retired, {empty} to translate"


def check(root: Path = ROOT) -> list[str]:
    """What keeps the translations from being complete, a line each; empty when they are."""
    problems: list[str] = []
    for language in LANGUAGES:
        for domain in ("django", "djangojs"):
            path = root / "locale" / language / "LC_MESSAGES" / f"{domain}.po"
            found = wording.find(root, domain)
            if path.exists():
                problems += _check_one(path, found, str(path.relative_to(root)))
            elif found:
                problems.append(f"{path.relative_to(root)}: there is no such catalogue")
    return problems


def _check_one(path: Path, found: wording.Found, name: str) -> list[str]:
    problems = []
    entries = [entry for entry in polib.pofile(str(path)) if not entry.obsolete]
    have = {(entry.msgctxt, entry.msgid) for entry in entries}
    for key, text in found.items():
        if key not in have:
            problems.append(f"{name}: missing {text.text!r} of {', '.join(sorted(text.files))}")
    for entry in entries:
        if entry.fuzzy:
            problems.append(f"{name}: unsure (fuzzy) {entry.msgid!r}")
        elif not entry.translated():
            problems.append(f"{name}: not translated {entry.msgid!r}")
        else:
            problems += _placeholders(entry, name)
    return problems


def _placeholders(entry: polib.POEntry, name: str) -> list[str]:
    """A translation with other placeholders shows nonsense, or fails when it is shown."""
    wanted = set(_PLACEHOLDER.findall(entry.msgid))
    if entry.msgid_plural:
        # A singular may say "one" in words instead of using the number.
        allowed = wanted | set(_PLACEHOLDER.findall(entry.msgid_plural))
        wrong = [
            form
            for form in entry.msgstr_plural.values()
            if not set(_PLACEHOLDER.findall(form)) <= allowed
        ]
    else:
        wrong = [entry.msgstr] if set(_PLACEHOLDER.findall(entry.msgstr)) != wanted else []
    return [f"{name}: other placeholders in {form!r} than in {entry.msgid!r}" for form in wrong]


def main() -> int:
    """The command line; 1 when `--check` finds something."""
    reader = argparse.ArgumentParser(description="Compiles the translation catalogues.")
    reader.add_argument("--check", action="store_true", help="fail on anything incomplete")
    reader.add_argument("--update", action="store_true", help="add and retire texts")
    asked = reader.parse_args()
    if asked.update:
        sys.stdout.write("".join(f"{line}\n" for line in update()))
    if asked.check:
        problems = check()
        sys.stdout.write("".join(f"{line}\n" for line in problems))
        sys.stdout.write(f"Translations: {len(problems)} problems\n")
        if problems:
            return 1
    compile_stale()
    return 0


if __name__ == "__main__":
    sys.exit(main())
