"""Reads of versions: which a person may see, what one is compared with, what stands in its way."""

import datetime as dt

from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import ApiClient, Market, Staff
from accounts.states import Role

from .models import ScaleVersion
from .scale_content import content_of
from .scale_diff import Difference, compare
from .states import ScaleState

READERS = (Role.AGENT, Role.SUPERVISOR, Role.FINANCE, Role.AUDITOR)
# Who sees a version before it is decided.
INSIDERS = (Role.FINANCE, Role.AUDITOR)
DECIDED = (ScaleState.SCHEDULED, ScaleState.LIVE, ScaleState.RETIRED)


def visible_scales(user: Staff | ApiClient) -> QuerySet[ScaleVersion]:
    """What was in force, for everybody who reads the scale; the rest for finance and auditors."""
    rows = ScaleVersion.objects.select_related("market", "author", "based_on")
    if isinstance(user, ApiClient):
        return rows.none()
    in_force = Q(
        market_id__in=user.markets_with(*READERS),
        state__in=[ScaleState.LIVE, ScaleState.RETIRED],
    )
    return rows.filter(in_force | Q(market_id__in=user.markets_with(*INSIDERS)))


def live_of(market: Market | int) -> ScaleVersion | None:
    """The live version as it stands in the database now."""
    return ScaleVersion.objects.filter(market=market, state=ScaleState.LIVE).first()


def newer_decided(version: ScaleVersion) -> ScaleVersion | None:
    """The highest version above this one that was approved: it keeps this one from being so.

    A scheduled version is passed over only by one that went live.
    """
    states = (
        (ScaleState.LIVE, ScaleState.RETIRED) if version.state == ScaleState.SCHEDULED else DECIDED
    )
    rows = ScaleVersion.objects.filter(
        market_id=version.market_id, number__gt=version.number, state__in=states
    )
    return rows.order_by("-number").first()


def compared_with(version: ScaleVersion, planned: dt.datetime | None = None) -> ScaleVersion | None:
    """What will be live just before this version, as the plans stand: its difference is from that.

    A scheduled version that comes before it by number and moment, else the live one. `planned` is
    an aware moment for a version that has none yet; None means now. For one that is or was live,
    what was live until then.
    """
    if version.state in {ScaleState.LIVE, ScaleState.RETIRED}:
        return ScaleVersion.objects.filter(
            market_id=version.market_id, effective_until=version.effective_from
        ).first()
    at = version.effective_from or planned or timezone.now()
    before = (
        ScaleVersion.objects.filter(
            market_id=version.market_id,
            state=ScaleState.SCHEDULED,
            number__lt=version.number,
            effective_from__lte=at,
        )
        .order_by("-number")
        .first()
    )
    live = live_of(version.market_id)
    if before is not None and (live is None or before.number > live.number):
        return before
    return live


def difference(base: ScaleVersion | None, version: ScaleVersion) -> Difference:
    """What `version` changes of `base`; without a base, everything it has is added."""
    return compare(content_of(base) if base is not None else {}, content_of(version))


def passed_over_by(version: ScaleVersion) -> list[ScaleVersion]:
    """Scheduled versions that this one, once live, keeps from ever being so."""
    at = version.effective_from or timezone.now()
    rows = ScaleVersion.objects.filter(
        market_id=version.market_id,
        state=ScaleState.SCHEDULED,
        number__lt=version.number,
        effective_from__gt=at,
    )
    return list(rows.order_by("number"))
