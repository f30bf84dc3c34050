"""Where a person works: the markets in which they hold a role, and the one they are in now.

The choice of market is kept in the session and shared by every page of staff. What may be seen is
never decided here: every object comes from its own app's `visible_to`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Concatenate, ParamSpec
from zoneinfo import ZoneInfo

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase
from django.utils import timezone

from common.errors import NotAllowed, NotFound

from .models import Market, Staff
from .permissions import staff_required, visible_markets

P = ParamSpec("P")

SESSION_KEY = "market"


@dataclass(frozen=True, slots=True)
class Workplace:
    """A person, the market they are in, and those they may switch to."""

    staff: Staff
    market: Market
    markets: list[Market]

    def holds(self, *roles: str) -> bool:
        """Whether the page should offer what these roles do here; the actions decide again."""
        return self.staff.has_role(self.market, *roles)


WorkplaceView = Callable[Concatenate[HttpRequest, Workplace, P], HttpResponseBase]


def workplace_of(request: HttpRequest, *roles: str) -> Workplace | None:
    """Where the signed-in person holds one of `roles`; None for whoever holds none anywhere.

    The market of the session where that is one of them, else that of their team, else the first.
    """
    staff = request.user
    if not isinstance(staff, Staff):
        return None
    markets = list(visible_markets(staff, *roles).filter(is_active=True))
    if not markets:
        return None
    chosen = next((m for m in markets if m.pk == request.session.get(SESSION_KEY)), None)
    if chosen is None and len(markets) > 1 and staff.team is not None:
        chosen = next((m for m in markets if m.pk == staff.team.market_id), None)
    return Workplace(staff, chosen or markets[0], markets)


def workplace_page(*roles: str) -> Callable[[WorkplaceView[P]], Callable[..., HttpResponseBase]]:
    """Opens a page to people who hold one of `roles`, in one of those markets and its local time.

    Refusals about permission or existence become the plain 403 or 404; the others are the view's,
    which knows the form to keep.
    """

    def decorate(view: WorkplaceView[P]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def opened(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            here = workplace_of(request, *roles)
            if here is None:
                raise PermissionDenied
            with timezone.override(ZoneInfo(here.market.time_zone)):
                try:
                    return view(request, here, *args, **kwargs)
                except NotFound as refusal:
                    raise Http404 from refusal
                except NotAllowed as refusal:
                    raise PermissionDenied(str(refusal)) from refusal

        return staff_required(*roles)(opened)

    return decorate
