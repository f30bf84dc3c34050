"""Shapes that refuse what they do not know."""

import datetime as dt
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from .choosing import name_choices

OBJECT_WANTED = _("A JSON object is needed here.")


class Moment(serializers.DateTimeField):
    """A moment that says its offset from UTC; without one it could be any of many."""

    def enforce_timezone(self, value: dt.datetime) -> dt.datetime:
        if value.tzinfo is None:
            raise serializers.ValidationError(
                _("Say the offset from UTC too, as in 2026-11-22T10:00:00-06:00.")
            )
        return value


class StrictFields(serializers.Serializer[Any]):
    """Refuses unknown and read-only fields by name, together with whatever else is wrong."""

    # The library's own words name a type of Python.
    default_error_messages = {"invalid": OBJECT_WANTED, "null": OBJECT_WANTED}

    def get_fields(self) -> Any:
        fields = super().get_fields()
        for field in fields.values():
            name_choices(field)
        return fields

    def to_internal_value(self, data: Any) -> Any:
        unknown: dict[str, list[Any]] = {}
        if isinstance(data, Mapping):
            known = {name for name, field in self.fields.items() if not field.read_only}
            unknown = {
                str(name)[:60]: [_("There is no such field here.")]
                for name in data
                if name not in known
            }
        try:
            value = super().to_internal_value(data)
        except serializers.ValidationError as error:
            if unknown and isinstance(error.detail, dict):
                raise serializers.ValidationError({**unknown, **error.detail}) from error
            raise
        if unknown:
            raise serializers.ValidationError(unknown)
        return value


class StrictSerializer(StrictFields):
    """For what actions take: explicit fields, nothing else."""


@lru_cache(maxsize=256)
def _shared(shape: type[serializers.Serializer[Any]]) -> serializers.Serializer[Any]:
    # Making one copies every field, and neither reading nor showing changes any.
    return shape()


def checked(shape: type[serializers.Serializer[Any]], data: Any) -> dict[str, Any]:
    """A body's values, once they have the shape. Raises ValidationError."""
    values: dict[str, Any] = _shared(shape).run_validation(data)
    return values


def shown(shape: type[serializers.Serializer[Any]], row: Any) -> dict[str, Any]:
    """An object in the shape of an answer."""
    return dict(_shared(shape).to_representation(row))


class StrictModelSerializer(StrictFields, serializers.ModelSerializer[Any]):
    """The same for shapes that follow a model."""

    class Meta:
        abstract = True
