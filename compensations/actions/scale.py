"""The life of a scale version: draft, review by another person, publication.

Publication locks the market, so that of two at once the second sees the first; the database holds
that exactly one version is live at every commit.
"""

from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Market, Staff
from accounts.states import Role
from audit.actions import record
from common.errors import NotAllowed
from common.states import check_transition

from ..locks import hold_rules
from ..models import Offer, ScaleRule, ScaleVersion
from ..states import SCALE_TRANSITIONS, ScaleState


def _require_finance(by: Staff, market: Market) -> None:
    if not by.has_role(market, Role.FINANCE):
        raise NotAllowed


def _record(version: ScaleVersion, act: str, by: Staff, before: str, reason: str = "") -> None:
    record(
        act=act,
        by=by.as_actor(Role.FINANCE),
        object_kind="scale",
        object_id=version.pk,
        market_code=version.market.code,
        before={"state": before},
        after={"state": str(version.state), "number": version.number},
        reason=reason,
    )


def _locked(version: ScaleVersion) -> ScaleVersion:
    return (
        ScaleVersion.objects.select_for_update(of=("self",))
        .select_related("market")
        .get(pk=version.pk)
    )


@transaction.atomic
def create_draft(*, market: Market, note: str = "", by: Staff) -> ScaleVersion:
    """A new draft with the live version's rules and offers. Raises NotAllowed."""
    _require_finance(by, market)
    Market.objects.select_for_update().get(pk=market.pk)
    last = ScaleVersion.objects.filter(market=market).aggregate(last=Max("number"))["last"] or 0
    live = ScaleVersion.objects.filter(market=market, state=ScaleState.LIVE).first()
    draft = ScaleVersion.objects.create(
        market=market, number=last + 1, based_on=live, author=by, note=note
    )
    if live is not None:
        for rule in ScaleRule.objects.filter(version=live).prefetch_related("offers"):
            offers = list(rule.offers.all())
            rule.pk, rule.version = None, draft
            rule._state.adding = True
            rule.save()
            for offer in offers:
                offer.pk, offer.rule = None, rule
            Offer.objects.bulk_create(offers)
    _record(draft, "scale.drafted", by, "")
    return draft


@transaction.atomic
def submit_scale(*, version: ScaleVersion, by: Staff) -> ScaleVersion:
    """Sends a draft to review; from here on it cannot change. Raises TransitionRefused."""
    row = _locked(version)
    _require_finance(by, row.market)
    check_transition(SCALE_TRANSITIONS, row.state, ScaleState.IN_REVIEW)
    row.state = ScaleState.IN_REVIEW
    row.submitted_at = timezone.now()
    row.save(update_fields=["state", "submitted_at"])
    _record(row, "scale.submitted", by, ScaleState.DRAFT)
    return row


@transaction.atomic
def approve_scale(*, version: ScaleVersion, by: Staff) -> ScaleVersion:
    """Approves another person's version; it may then be published.

    Raises NotAllowed for its author, TransitionRefused.
    """
    row = _locked(version)
    _require_finance(by, row.market)
    if row.author_id == by.pk:
        raise NotAllowed(_("Another person has to approve what you wrote."))
    check_transition(SCALE_TRANSITIONS, row.state, ScaleState.SCHEDULED)
    row.state = ScaleState.SCHEDULED
    row.approved_at = timezone.now()
    row.approved_by = by
    row.effective_from = row.approved_at
    row.save(update_fields=["state", "approved_at", "approved_by", "effective_from"])
    _record(row, "scale.approved", by, ScaleState.IN_REVIEW)
    return row


@transaction.atomic
def publish_scale(*, version: ScaleVersion, by: Staff) -> ScaleVersion:
    """Makes an approved version live now and retires the live one at the same moment.

    Raises NotAllowed for its author, TransitionRefused.
    """
    hold_rules(version.market_id)
    market = Market.objects.select_for_update().get(pk=version.market_id)
    row = _locked(version)
    _require_finance(by, market)
    if row.author_id == by.pk:
        raise NotAllowed(_("Another person has to publish what you wrote."))
    check_transition(SCALE_TRANSITIONS, row.state, ScaleState.LIVE)
    now = timezone.now()
    ScaleVersion.objects.filter(market=market, state=ScaleState.LIVE).update(
        state=ScaleState.RETIRED, effective_until=now
    )
    row.state = ScaleState.LIVE
    row.effective_from = now
    row.save(update_fields=["state", "effective_from"])
    _record(row, "scale.published", by, ScaleState.SCHEDULED)
    return row
