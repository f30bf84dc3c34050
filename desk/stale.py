"""What a form shows when somebody else saved while it was being filled in.

Three states are compared, field by field: what the form was opened with, what is saved now, and
what was sent. A field that the person left alone takes what is saved; one that only they changed
keeps their text; one that both changed is a difference to settle.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django import forms

from common.errors import Stale

from .forms import OPENED, show_refusal


@dataclass(frozen=True, slots=True)
class Difference:
    """One field in the reader's words: what is saved now beside what this person wrote."""

    label: str
    now: Any
    typed: Any


@dataclass(frozen=True, slots=True)
class Merge:
    """A stale form put together again: what both changed, and what it now holds as saved."""

    differences: list[Difference] = field(default_factory=list)
    taken: list[Difference] = field(default_factory=list)


def opened_with(shown: Mapping[str, Any]) -> dict[str, Any]:
    """`shown`, what a form starts from, with the mark of it that the form carries along."""
    marks = {name: _mark(value) for name, value in shown.items()}
    return {**shown, OPENED: json.dumps(marks, separators=(",", ":"))}


def show_stale(form: forms.Form, refusal: Stale, saved: Mapping[str, Any]) -> Merge:
    """Refuses the form, keeps what was changed in it and tells where `saved` was changed too.

    `saved` is what the form would start from now. The form takes its hidden fields, so that sending
    it again is meant against what the person has now been shown. A form that says nothing of what
    it was opened with keeps all of its text.
    """
    opened = _opened(str(form.data.get(OPENED, "")))
    held = dict(form.data.items())
    merge = Merge()
    for name, now in saved.items():
        if form[name].is_hidden:
            held[name] = str(now)
            continue
        typed = held.get(name, "")
        before = opened.get(name)
        if _mark(now) in (_mark(typed), before):
            continue
        if _mark(typed) == before:
            held[name] = str(now)
            merge.taken.append(_difference(form, name, now, typed))
        else:
            merge.differences.append(_difference(form, name, now, typed))
    form.data = held
    show_refusal(form, refusal)
    return merge


def _mark(value: Any) -> str:
    """Stands for a value whatever its white space: short, however long the text."""
    return hashlib.sha256(" ".join(str(value).split()).encode()).hexdigest()[:16]


def _opened(text: str) -> dict[str, str]:
    """The marks that a form carried, by field; none where it did not or somebody wrote over it."""
    try:
        marks = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return marks if isinstance(marks, dict) else {}


def _difference(form: forms.Form, name: str, now: Any, typed: Any) -> Difference:
    box = form.fields[name]
    labels = dict(_flat(getattr(box, "choices", [])))
    return Difference(str(box.label), labels.get(str(now), now), labels.get(str(typed), typed))


def _flat(choices: Any) -> list[tuple[str, Any]]:
    """Choices with their groups opened."""
    flat = []
    for value, label in choices:
        if isinstance(label, list | tuple):
            flat += [(str(key), text) for key, text in label]
        else:
            flat.append((str(value), label))
    return flat
