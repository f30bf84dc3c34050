"""What a list's address may say."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

PAGING = {"cursor", "page_size"}


class OnlyKnownParameters:
    """Refuses a query parameter that no filter reads: a misspelt filter would list everything."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)  # type: ignore[misc]
        if request.method != "GET":
            return
        known = PAGING | set(getattr(self, "filterset_class").base_filters)  # noqa: B009
        unknown = sorted(set(request.query_params) - known)
        if unknown:
            raise ValidationError(
                {name[:60]: [_("There is no such filter here.")] for name in unknown}
            )
