"""Django's admin for looking things up. It changes nothing and shows no secret."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise as LazyText

    Base = admin.ModelAdmin[Any]
else:
    Base = admin.ModelAdmin


def name_models(names: "dict[type[models.Model], tuple[LazyText, LazyText]]") -> None:
    """Gives models the singular and plural by which readers know them, in small letters.

    Said where they are registered and not in their Meta: the admin alone shows these names, and in
    Meta each would be a migration that changes no table.
    """
    for model, (one, many) in names.items():
        model._meta.verbose_name = one
        model._meta.verbose_name_plural = many


def _hidden(field: "models.Field[Any, Any]") -> bool:
    secret = ("password", "ciphertext", "hash", "fingerprint")
    return isinstance(field, models.BinaryField) or any(word in field.name for word in secret)


class ReadOnlyAdmin(Base):
    """Every field to read but binary and secret ones; related rows are links, never boxes.

    `market_path` is the look-up that leads from the model to its market: a reader sees the rows of
    the markets where they hold one of `readers`. None: the model belongs to no market.
    """

    actions = None
    list_per_page = 50
    show_full_result_count = False
    market_path: str | None = "market"
    readers: tuple[str, ...] = ("auditor",)
    hidden: tuple[str, ...] = ()

    def get_queryset(self, request: HttpRequest) -> "models.QuerySet[Any]":
        rows = super().get_queryset(request)
        if self.market_path is None:
            return rows
        markets = request.user.markets_with(*self.readers)  # type: ignore[union-attr]
        return rows.filter(**{f"{self.market_path}__in": markets}).distinct()

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return [
            field.name
            for field in self.model._meta.get_fields()
            if isinstance(field, models.Field)
            and not _hidden(field)
            and field.name not in self.hidden
        ]

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        return self.get_fields(request)[:7]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return self.get_fields(request, obj)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        roles: frozenset[str] = getattr(request.user, "roles", frozenset())
        return bool(roles & set(self.readers)) and super().has_view_permission(request, obj)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
