"""Pages by key: each page costs the same however far back it is, and no row comes twice."""

from typing import Any

from django.core.exceptions import ValidationError as NotAKey
from django.db.models import Field
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request


class KeyPagination(CursorPagination):
    """Newest first by `id`. `?cursor=` is opaque, `?page_size=` is 50, at most 200."""

    ordering = "-id"
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200

    def paginate_queryset(
        self, queryset: Any, request: Request, view: Any = None
    ) -> list[Any] | None:
        self._key: Field[Any, Any] = queryset.model._meta.pk
        return super().paginate_queryset(queryset, request, view)

    def get_page_size(self, request: Request) -> int:
        """Refuses a size out of bounds rather than answer another one than was asked for."""
        given = request.query_params.get("page_size", str(self.page_size))
        whole = given.isascii() and given.isdigit() and len(given) < 4
        if not whole or not 1 <= int(given) <= self.max_page_size:
            message = _("Use a number from 1 to %(most)s.") % {"most": self.max_page_size}
            raise ValidationError({"page_size": [message]})
        return int(given)

    def decode_cursor(self, request: Request) -> Cursor | None:
        """Refuses, with the field's name, a cursor that this API did not make."""
        if self.cursor_query_param not in request.query_params:
            return None
        try:
            cursor = super().decode_cursor(request)
            if cursor is None or cursor.offset or cursor.position is None:
                raise _strange()
            self._key.to_python(cursor.position)
        except (ValueError, NotAKey, NotFound) as error:
            raise _strange() from error
        return cursor


def _strange() -> ValidationError:
    return ValidationError({"cursor": [_("This page does not exist. Start from the first.")]})
