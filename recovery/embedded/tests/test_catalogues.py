"""Translations: everything marked is found, and nothing incomplete passes."""

import gettext
import os
from pathlib import Path

import polib
import pytest

from recovery.embedded import catalogues

PYTHON = """
from django.utils.translation import gettext_lazy as _, gettext_noop as later, ngettext, pgettext
table = {"undone": later("Undone")}
plain = _("Redeem the coupon")
counted = ngettext("%(n)s case", "%(n)s cases", 2)
told_apart = pgettext("verb", "Open")
variable = _(plain)
"""
TEMPLATE = (
    '{% load i18n %}{% translate "Close" %}{% blocktranslate trimmed with who=name %}\n'
    "  Hello {{ who }}\n{% endblocktranslate %}{{ x|default:_('None yet') }}"
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "desk" / "tests").mkdir(parents=True)
    (tmp_path / "desk" / "views.py").write_text(PYTHON)
    (tmp_path / "desk" / "tests" / "test_x.py").write_text('_("Never shown")')
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "page.html").write_text(TEMPLATE)
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "copy.js").write_text('button.title = gettext("Copied");')
    return tmp_path


def catalogue(root: Path, domain: str = "django") -> Path:
    return root / "locale" / "es" / "LC_MESSAGES" / f"{domain}.po"


def translate_all(root: Path) -> None:
    for domain in ("django", "djangojs"):
        file = polib.pofile(str(catalogue(root, domain)))
        for entry in file:
            if entry.msgid_plural:
                entry.msgstr_plural = {0: f"es {entry.msgid}", 1: f"es {entry.msgid_plural}"}
            else:
                entry.msgstr = f"es {entry.msgid}"
        file.save()


def test_every_marked_text_is_found(root: Path) -> None:
    catalogues.update(root)

    entries = {(entry.msgctxt, entry.msgid) for entry in polib.pofile(str(catalogue(root)))}
    assert entries == {
        (None, "Redeem the coupon"),
        (None, "Undone"),
        (None, "%(n)s case"),
        ("verb", "Open"),
        (None, "Close"),
        (None, "Hello %(who)s"),
        (None, "None yet"),
    }
    scripts = polib.pofile(str(catalogue(root, "djangojs")))
    assert [entry.msgid for entry in scripts] == ["Copied"]


def test_a_complete_catalogue_passes_and_compiles(root: Path) -> None:
    catalogues.update(root)
    assert len(catalogues.check(root)) == 8  # nothing is translated yet
    translate_all(root)

    assert catalogues.check(root) == []
    assert len(catalogues.compile_stale(root)) == 2
    assert catalogues.compile_stale(root) == []
    with catalogue(root).with_suffix(".mo").open("rb") as file:
        spanish = gettext.GNUTranslations(file)
    assert spanish.gettext("Close") == "es Close"
    assert spanish.ngettext("%(n)s case", "%(n)s cases", 3) == "es %(n)s cases"
    assert spanish.pgettext("verb", "Open") == "es Open"


def test_a_newer_catalogue_is_compiled_again(root: Path) -> None:
    catalogues.update(root)
    catalogues.compile_stale(root)
    after = catalogue(root).with_suffix(".mo").stat().st_mtime_ns + 1_000_000_000
    os.utime(catalogue(root), ns=(after, after))

    assert catalogues.compile_stale(root) == ["locale/es/LC_MESSAGES/django.po"]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('msgid "Close"\n', '#, fuzzy\nmsgid "Close"\n', "unsure"),
        ('msgstr "es Close"', 'msgstr ""', "not translated"),
        ('msgstr "es Hello %(who)s"', 'msgstr "es Hello"', "other placeholders"),
        ('msgstr "es Hello %(who)s"', 'msgstr "es Hello %(quien)s"', "other placeholders"),
        ('msgid "Close"', 'msgid "Shut"', "missing 'Close'"),
    ],
)
def test_each_defect_is_named(root: Path, before: str, after: str, said: str) -> None:
    catalogues.update(root)
    translate_all(root)
    text = catalogue(root).read_text(encoding="utf-8")
    assert before in text
    catalogue(root).write_text(text.replace(before, after), encoding="utf-8")

    problems = catalogues.check(root)

    assert len(problems) == 1
    assert said in problems[0]


def test_an_update_keeps_translations_and_retires_what_is_gone(root: Path) -> None:
    catalogues.update(root)
    translate_all(root)
    (root / "templates" / "page.html").write_text('{% load i18n %}{% translate "Close" %}')

    catalogues.update(root)

    entries = {entry.msgid: entry for entry in polib.pofile(str(catalogue(root)))}
    assert entries["Close"].msgstr == "es Close"
    assert entries["None yet"].obsolete
    assert catalogues.check(root) == []
