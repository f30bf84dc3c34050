"""Pages by key: each page costs the same however far back it is, and no row comes twice."""

import uuid

from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request


class KeyPagination(CursorPagination):
    """Newest first by `id`. `?cursor=` is opaque, `?page_size=` is 50, at most 200."""

    ordering = "-id"
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200
    offset_cutoff = 0

    def decode_cursor(self, request: Request) -> Cursor | None:
        """Refuses, with the field's name, a cursor that this API did not make."""
        try:
            cursor = super().decode_cursor(request)
        except Exception as error:
            raise _strange() from error
        if cursor is not None and cursor.position is not None:
            position = str(cursor.position)
            if not (position.isascii() and position.isdigit() and len(position) < 19):
                try:
                    uuid.UUID(position)
                except ValueError as error:
                    raise _strange() from error
        return cursor


def _strange() -> ValidationError:
    return ValidationError({"cursor": [_("This page does not exist. Start from the first.")]})
