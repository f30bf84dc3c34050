"""The scale as a manual to read: the live one, and every version a person may see."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.models import Market
from accounts.states import Role
from accounts.workplace import Workplace, workplace_page
from common.errors import NotAllowed, NotFound
from incidents.states import Segment

from ..models import ScaleVersion
from ..scale_content import content_of
from ..scale_grid import SEGMENTS, Grid, sheet
from ..scale_versions import READERS, live_of, newer_decided, visible_scales
from ..states import ScaleState

MOST_VERSIONS = 40
# Takes the request, the workplace and the version, then what else the address names.
VersionView = Callable[..., HttpResponseBase]


def version_page(*roles: str) -> Callable[[VersionView], Callable[..., HttpResponseBase]]:
    """A page of one version, named by its market and number, for those who hold a role there.

    What a person may not see does not exist. Times are those of the version's market.
    """

    def decorate(view: VersionView) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def opened(
            request: HttpRequest, here: Workplace, /, code: str, number: int, **kwargs: Any
        ) -> HttpResponseBase:
            rows = visible_scales(here.staff).select_related(
                "approved_by", "second_approved_by", "returned_by"
            )
            version = rows.filter(market__code=code, number=number).first()
            if version is None:
                raise NotFound
            if not here.staff.has_role(version.market, *roles):
                raise NotAllowed
            with timezone.override(ZoneInfo(version.market.time_zone)):
                return view(request, here, version, **kwargs)

        return workplace_page(*roles)(opened)

    return decorate


def versions_of(here: Workplace, market: Market) -> list[ScaleVersion]:
    """The market's versions that the person may see, the newest first."""
    rows = visible_scales(here.staff).select_related("approved_by", "second_approved_by")
    return list(rows.filter(market=market).order_by("-number")[:MOST_VERSIONS])


def segment_in(request: HttpRequest) -> str:
    """The segment that the address asks for; any for whatever is none."""
    wanted = request.GET.get("segment", "")
    return wanted if wanted in SEGMENTS else ""


def segment_tabs(request: HttpRequest, grid: Grid) -> list[dict[str, Any]]:
    """The switch between segments; the count is of the rules each has of its own."""
    names = {"": _("Every customer"), **{str(one): str(one.label) for one in Segment}}
    chosen = segment_in(request)
    kept = {key: request.GET[key] for key in ("q", "subs", "terms") if request.GET.get(key)}
    return [
        {
            "label": names[segment],
            "url": f"{request.path}?{urlencode({**kept, 'segment': segment})}",
            "current": segment == chosen,
            "count": count if segment else "",
        }
        for segment, count in zip(SEGMENTS, grid.rules, strict=True)
    ]


def frame(here: Workplace, market: Market, version: ScaleVersion | None) -> dict[str, Any]:
    """What every page of the scale shows around its own part."""
    return {
        "market": market,
        "market_locale": market.locale,
        "version": version,
        "versions": versions_of(here, market),
        "is_finance": here.staff.has_role(market, Role.FINANCE),
    }


def _manual(
    request: HttpRequest, here: Workplace, market: Market, version: ScaleVersion | None
) -> HttpResponse:
    context = frame(here, market, version)
    if version is not None:
        wanted = request.GET.get("q", "")[:120]
        page = sheet(market, content_of(version), segment=segment_in(request))
        grid = page.build(all_subs=bool(wanted), wanted=wanted)
        decides = (
            context["is_finance"]
            and here.staff.pk != version.author_id
            and here.staff.pk not in version.editors
        )
        newer = newer_decided(version) if version.state == ScaleState.SCHEDULED else None
        context |= {
            "grid": grid,
            "tabs": segment_tabs(request, grid),
            "segment": segment_in(request),
            "q": wanted,
            # A search also finds words of the terms, so what it finds is shown with them.
            "has_terms": bool(wanted or request.GET.get("terms")),
            "terms_url": _terms_url(request),
            "newer": newer,
            "can_publish": decides and version.state == ScaleState.SCHEDULED and newer is None,
        }
    return render(request, "compensations/scale.html", context)


def _terms_url(request: HttpRequest) -> str:
    """The same part of the manual with every offer's terms, or without them again."""
    kept = {"segment": segment} if (segment := segment_in(request)) else {}
    if not request.GET.get("terms"):
        kept["terms"] = "1"
    return f"{request.path}?{urlencode(kept)}" if kept else request.path


@require_safe
@workplace_page(*READERS)
def index(request: HttpRequest, here: Workplace) -> HttpResponse:
    """The live scale of the market."""
    return _manual(request, here, here.market, live_of(here.market))


@require_safe
@version_page(*READERS)
def version(request: HttpRequest, here: Workplace, version: ScaleVersion) -> HttpResponse:
    """One version of the scale."""
    return _manual(request, here, version.market, version)
