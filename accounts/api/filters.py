"""What a list's address may say."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from django_filters import ChoiceFilter, MultipleChoiceFilter
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from .choosing import unknown_choice

PAGING = {"cursor", "page_size"}


class OnlyKnownParameters:
    """Refuses a query parameter that no filter reads: a misspelt filter would list everything."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)  # type: ignore[misc]
        if request.method != "GET":
            return
        filters = getattr(self, "filterset_class").base_filters  # noqa: B009
        unknown = sorted(set(request.query_params) - PAGING - set(filters))
        if unknown:
            raise ValidationError(
                {name[:60]: [_("There is no such filter here.")] for name in unknown}
            )
        for name, values in request.query_params.lists():
            self._check_choice(name, values, filters.get(name))

    def _check_choice(self, name: str, values: list[str], narrowing: Any) -> None:
        """The filter's own refusal would say that a choice is none, and not which there are."""
        if not isinstance(narrowing, ChoiceFilter | MultipleChoiceFilter):
            return
        offered = [str(value) for value, _label in narrowing.extra["choices"]]
        if any(value and value not in offered for value in values):
            raise ValidationError({name: [unknown_choice(offered)]})
