"""What a form shows when somebody else saved while it was being filled in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms

from common.errors import Stale

from .forms import show_refusal


@dataclass(frozen=True, slots=True)
class Difference:
    """One field in the reader's words: what is saved now beside what this person wrote."""

    label: str
    now: Any
    typed: Any


def show_stale(form: forms.Form, refusal: Stale, saved: Mapping[str, Any]) -> list[Difference]:
    """Refuses the form, keeps its text and tells where that differs from `saved`.

    `saved` is what the form would start from now. The form takes its hidden fields, so that sending
    it again is meant against what the person has now been shown.
    """
    fields = {name: saved[name] for name in saved if not form[name].is_hidden}
    found = [_difference(form, name, now) for name, now in fields.items()]
    hidden = {name: str(value) for name, value in saved.items() if name not in fields}
    form.data = {**dict(form.data.items()), **hidden}
    show_refusal(form, refusal)
    return [row for row in found if row is not None]


def _difference(form: forms.Form, name: str, now: Any) -> Difference | None:
    typed = form.data.get(name, "")
    if str(now).split() == str(typed).split():
        return None
    field = form.fields[name]
    labels = dict(_flat(getattr(field, "choices", [])))
    return Difference(str(field.label), labels.get(str(now), now), labels.get(str(typed), typed))


def _flat(choices: Any) -> list[tuple[str, Any]]:
    """Choices with their groups opened."""
    flat = []
    for value, label in choices:
        if isinstance(label, list | tuple):
            flat += [(str(key), text) for key, text in label]
        else:
            flat.append((str(value), label))
    return flat
