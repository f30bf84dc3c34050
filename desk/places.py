"""Where a person works: the markets they read as desk staff, and the one they are in now.

The choice of market is kept in the session. What may be seen is never decided here: every object
comes from its own app's `visible_to`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Concatenate, ParamSpec
from zoneinfo import ZoneInfo

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone

from accounts.permissions import staff_required
from accounts.states import Role
from accounts.workplace import Workplace, workplace_of
from common.errors import NotAllowed, NotFound

P = ParamSpec("P")
DeskView = Callable[Concatenate[HttpRequest, "Desk", P], HttpResponse]

READERS = (Role.AGENT, Role.SUPERVISOR, Role.FINANCE, Role.AUDITOR)
WORKERS = (Role.AGENT, Role.SUPERVISOR)
COMMENTERS = (Role.AGENT, Role.SUPERVISOR, Role.FINANCE)


@dataclass(frozen=True, slots=True)
class Desk(Workplace):
    """The workplace of whoever reads cases, for one request.

    `counted` holds what was counted for it, by what was counted (see `lists.counts`).
    """

    counted: dict[Callable[["Desk"], Any], str] = field(default_factory=dict, compare=False)

    @property
    def can_work(self) -> bool:
        """Whether the page should offer acts; the actions decide again."""
        return self.holds(*WORKERS)

    def comments_in(self, market_id: int) -> bool:
        return self.staff.has_role(market_id, *COMMENTERS)

    def audits_in(self, market_id: int) -> bool:
        return self.staff.has_role(market_id, Role.AUDITOR)

    def works_in(self, market_id: int) -> bool:
        return self.staff.has_role(market_id, *WORKERS)


def desk_of(request: HttpRequest) -> Desk | None:
    """The person's desk, read once per request; None for whoever has none."""
    known: Desk | bool | None = getattr(request, "_desk", False)
    if isinstance(known, bool):
        known = _read(request)
        request._desk = known  # type: ignore[attr-defined]
    return known


def _read(request: HttpRequest) -> Desk | None:
    here = workplace_of(request, *READERS)
    return None if here is None else Desk(here.staff, here.market, here.markets)


def desk_page(*roles: str) -> Callable[[DeskView[P]], Callable[..., HttpResponseBase]]:
    """Opens a desk page to `roles` (all who read, when none is named), in the market's local time.

    Refusals about permission or existence become the plain 403 or 404; the others are the view's,
    which knows the form to keep.
    """

    def decorate(view: DeskView[P]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def opened(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            desk = desk_of(request)
            if desk is None:
                raise PermissionDenied
            with timezone.override(ZoneInfo(desk.market.time_zone)):
                try:
                    return view(request, desk, *args, **kwargs)
                except NotFound as refusal:
                    raise Http404 from refusal
                except NotAllowed as refusal:
                    raise PermissionDenied(str(refusal)) from refusal

        return staff_required(*(roles or READERS))(opened)

    return decorate
