"""JSON and nothing else, within bounds, and no key twice."""

import json
from collections.abc import Mapping
from typing import IO, Any

from django.utils.translation import gettext as _
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser

MAX_BYTES = 128 * 1024
MAX_DEPTH = 8


class TooLarge(APIException):
    status_code = 413
    default_code = "too_large"


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("the same name twice")
    return found


def _no_constant(name: str) -> float:
    raise ValueError(name)


def _deeper_than(value: object, levels: int) -> bool:
    if isinstance(value, dict):
        return levels == 0 or any(_deeper_than(item, levels - 1) for item in value.values())
    if isinstance(value, list):
        return levels == 0 or any(_deeper_than(item, levels - 1) for item in value)
    return False


class StrictJSONParser(BaseParser):
    """UTF-8 JSON up to 128 KiB and 8 levels. Raises ParseError or TooLarge."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        raw = stream.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            raise TooLarge(_("The body is larger than %(bytes)d bytes.") % {"bytes": MAX_BYTES})
        try:
            value = json.loads(
                raw.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant
            )
        except (ValueError, RecursionError) as error:
            raise ParseError(_("The body is not JSON, or names a field twice.")) from error
        if _deeper_than(value, MAX_DEPTH):
            raise ParseError(_("The body is nested too deeply."))
        return value
