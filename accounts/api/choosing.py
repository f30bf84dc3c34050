"""Refusals of a choice that does not exist: each says what may be chosen, or where to find it."""

from collections.abc import Iterable
from typing import Any, cast

from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import serializers

from common.errors import InvalidInput


def not_offered(field: str, offered: Iterable[str]) -> InvalidInput:
    """For a code that is looked up."""
    choices = ", ".join(offered)
    words = _("There is no such value here. Choose one of: %(choices)s.") % {"choices": choices}
    return InvalidInput(words if choices else _("There is nothing to choose here."), field=field)


def unknown_choice(offered: Iterable[object]) -> str:
    """The same for a fixed set of words, in the language of the moment it is read."""
    words = format_lazy(
        gettext_lazy("There is no such value here. Choose one of: {choices}."),
        choices=", ".join(str(value) for value in offered),
    )
    return cast("str", words)


def name_choices(field: serializers.Field[Any, Any, Any, Any]) -> None:
    """Has the field name its choices where it refuses one."""
    inner = field.child if isinstance(field, serializers.ListField) else field
    if isinstance(inner, serializers.ChoiceField):
        inner.error_messages["invalid_choice"] = unknown_choice(inner.choices)
