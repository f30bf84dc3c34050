"""A version's way from draft to live: submitted, returned, approved by others, published once.

Numbers decide what is newer. A version is compared with what will be live just before it, and once
a higher number is approved a lower one no longer can be: nothing approved is undone unseen. All
that changes which version is live, or will be, holds the market's rules (see `locks`).
"""

import datetime as dt
import logging

from celery import current_app
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Staff
from common.errors import InvalidInput, NotAllowed, Refusal, Stale
from common.states import check_transition

from ..locks import hold_rules
from ..models import Offer, ScaleVersion
from ..scale_refusals import DecidedAlready, ScheduleRefused, Superseded
from ..scale_versions import compared_with, difference, live_of, newer_decided
from ..states import SCALE_TRANSITIONS, ScaleState
from .scale_drafts import check_revision, locked, record_scale, require_finance

log = logging.getLogger(__name__)

FARTHEST = dt.timedelta(days=366)
TASK = "compensations.periodic.publish_due_scales"


def _require_another(row: ScaleVersion, by: Staff) -> None:
    """Raises NotAllowed for whoever wrote a word of the version or submitted it."""
    require_finance(by, row.market)
    if by.pk == row.author_id or by.pk in row.editors:
        raise NotAllowed(_("Another person decides about what you wrote."))


def _require_newest(row: ScaleVersion) -> None:
    """Raises Superseded."""
    newer = newer_decided(row)
    if newer is not None:
        words = _(
            "Version %(newer)s was approved since and this one would undo it. "
            "Draft a new version from this one: its difference shows both."
        )
        raise Superseded(words % {"newer": newer.number}, extra={"newer": newer.number})


def _needs_second(row: ScaleVersion, base: ScaleVersion | None) -> bool:
    """A first version changes nothing that is in force, so one approval is enough."""
    if base is None:
        return False
    return difference(base, row).reaches(settings.SCALE_LARGE_CHANGE_PERCENT)


@transaction.atomic
def submit_scale(
    *,
    version: ScaleVersion,
    effective_from: dt.datetime | None = None,
    note: str | None = None,
    revision: int | None = None,
    by: Staff,
) -> ScaleVersion:
    """Sends a draft to review; from here on it cannot change.

    `effective_from` is the aware moment it is to come into force, None for as soon as it is
    approved. `note` None keeps the draft's. Raises NotAllowed, TransitionRefused, Stale,
    Superseded, ScheduleRefused, and InvalidInput for a version without offers.
    """
    row = locked(version)
    require_finance(by, row.market)
    check_transition(SCALE_TRANSITIONS, row.state, ScaleState.IN_REVIEW)
    if revision is not None:
        check_revision(row, revision)
    now = timezone.now()
    if effective_from is not None and not now < effective_from <= now + FARTHEST:
        words = _("Choose a moment that is still to come, within a year.")
        raise ScheduleRefused(words, field="effective_from")
    if not Offer.objects.filter(rule__version=row).exists():
        raise InvalidInput(_("This version has no offer yet."))
    _require_newest(row)
    row.state = ScaleState.IN_REVIEW
    row.submitted_at = now
    row.effective_from = effective_from
    row.needs_second = _needs_second(row, compared_with(row))
    if note is not None:
        row.note = note.strip()[:500]
    if by.pk != row.author_id and by.pk not in row.editors:
        row.editors = [*row.editors, by.pk]
    row.save()
    record_scale(
        row,
        "scale.submitted",
        by,
        before={"state": ScaleState.DRAFT.value},
        after={
            "state": row.state.value,
            "revision": row.revision,
            "effective_from": effective_from.isoformat() if effective_from else None,
            "needs_second": row.needs_second,
        },
        reason=row.note,
    )
    return row


@transaction.atomic
def return_scale(*, version: ScaleVersion, reason: str, by: Staff) -> ScaleVersion:
    """Sends a version back to its author with what to mend; approvals given so far are void.

    Raises NotAllowed for whoever wrote it, InvalidInput without a reason, TransitionRefused.
    """
    row = locked(version)
    _require_another(row, by)
    if not reason.strip():
        raise InvalidInput(_("Write what has to change."), field="reason")
    check_transition(SCALE_TRANSITIONS, row.state, ScaleState.DRAFT)
    approved = [str(pk) for pk in (row.approved_by_id, row.second_approved_by_id) if pk]
    row.state = ScaleState.DRAFT
    row.submitted_at = row.effective_from = None
    row.approved_at = row.approved_by = row.second_approved_at = row.second_approved_by = None
    row.needs_second = False
    row.returned_at = timezone.now()
    row.returned_by = by
    row.return_reason = reason.strip()[:500]
    row.save()
    record_scale(
        row,
        "scale.returned",
        by,
        before={"state": ScaleState.IN_REVIEW.value, "approved_by": approved},
        after={"state": row.state.value},
        reason=row.return_reason,
    )
    return row


@transaction.atomic
def approve_scale(
    *, version: ScaleVersion, revision: int | None = None, against: int | None = None, by: Staff
) -> ScaleVersion:
    """Approves another person's version; with the last approval it needs it is scheduled.

    `revision` and `against` (the number of the version it was compared with, 0 for none) are what
    the person saw. Raises NotAllowed for whoever wrote it, DecidedAlready, Stale, Superseded,
    TransitionRefused.
    """
    hold_rules(version.market_id)
    row = locked(version)
    _require_another(row, by)
    if row.state in {ScaleState.SCHEDULED, ScaleState.LIVE, ScaleState.RETIRED}:
        raise DecidedAlready
    check_transition(SCALE_TRANSITIONS, row.state, ScaleState.SCHEDULED)
    if by.pk == row.approved_by_id:
        raise DecidedAlready(_("You approved this version. A second person has to approve it too."))
    if revision is not None:
        check_revision(row, revision)
    _require_newest(row)
    base = compared_with(row)
    if against is not None and against != (base.number if base else 0):
        words = _("What this is compared with changed meanwhile. Look at the changes again.")
        raise Stale(words, extra={"against": base.number if base else 0})
    now = timezone.now()
    if row.approved_by_id is None:
        row.approved_at, row.approved_by = now, by
        row.needs_second = row.needs_second or _needs_second(row, base)
    else:
        row.second_approved_at, row.second_approved_by = now, by
    if not row.needs_second or row.second_approved_by_id is not None:
        row.state = ScaleState.SCHEDULED
        if row.effective_from is None or row.effective_from < now:
            row.effective_from = now
            transaction.on_commit(_ring)
    row.save()
    record_scale(
        row,
        "scale.approved",
        by,
        before={"state": ScaleState.IN_REVIEW.value},
        after={
            "state": str(row.state),
            "revision": row.revision,
            "compared_with": base.number if base else None,
            "needs_second": row.needs_second,
            "effective_from": row.effective_from.isoformat() if row.effective_from else None,
        },
    )
    return row


def _ring() -> None:
    """Asks a worker to publish what is due at once; the sweep does it where that fails."""
    try:
        current_app.send_task(TASK, ignore_result=True, retry=False)
    except Exception as error:
        # Whatever the broker's library raises: what committed never fails for it.
        log.warning("broker not reached (%s); the sweep publishes", type(error).__name__)


_MOMENT = """
SELECT GREATEST(clock_timestamp(), (
    SELECT max(effective_from) + interval '1 microsecond' FROM compensations_scaleversion
    WHERE market_id = %s AND state = 'live'))
"""
_TURN = """
UPDATE compensations_scaleversion SET state = 'retired', effective_until = %(at)s
WHERE market_id = %(market)s AND state = 'live';
UPDATE compensations_scaleversion SET state = 'live', effective_from = %(at)s
WHERE id = %(version)s
"""


def _go_live(row: ScaleVersion, by: Staff | None) -> ScaleVersion:
    """Makes a locked version live and retires the live one at the same moment.

    The rules are held: what was granted until now was granted under the old version, and the moment
    is after all of it by the database's clock.
    """
    live = live_of(row.market_id)
    planned = row.effective_from
    with connection.cursor() as cursor:
        cursor.execute(_MOMENT, [row.market_id])
        (moment,) = cursor.fetchone()
        cursor.execute(_TURN, {"at": moment, "market": row.market_id, "version": row.pk})
    row.state, row.effective_from = ScaleState.LIVE, moment
    record_scale(
        row,
        "scale.published",
        by,
        before={
            "state": ScaleState.SCHEDULED.value,
            "live": live.number if live else None,
            "planned": planned.isoformat() if planned else None,
        },
        after={"state": row.state.value, "effective_from": moment.isoformat()},
    )
    return row


@transaction.atomic
def publish_scale(*, version: ScaleVersion, by: Staff) -> ScaleVersion:
    """Makes an approved version live now, before its date where it has one.

    Raises NotAllowed for whoever wrote it, DecidedAlready where it is or was live, Superseded,
    TransitionRefused.
    """
    hold_rules(version.market_id)
    row = locked(version)
    _require_another(row, by)
    if row.state in {ScaleState.LIVE, ScaleState.RETIRED}:
        raise DecidedAlready(_("This version was already published."))
    check_transition(SCALE_TRANSITIONS, row.state, ScaleState.LIVE)
    _require_newest(row)
    return _go_live(row, by)


@transaction.atomic
def _publish_if_due(version: ScaleVersion) -> bool:
    """Publishes a scheduled version whose moment has come, unless somebody else just did."""
    hold_rules(version.market_id)
    row = locked(version)
    if row.state != ScaleState.SCHEDULED or newer_decided(row) is not None:
        return False
    _go_live(row, None)
    return True


_DUE = """
SELECT version.id FROM compensations_scaleversion version
WHERE version.state = 'scheduled' AND version.effective_from <= clock_timestamp()
  AND NOT EXISTS (
    SELECT 1 FROM compensations_scaleversion newer
    WHERE newer.market_id = version.market_id AND newer.number > version.number
      AND newer.state IN ('live', 'retired'))
ORDER BY version.effective_from, version.number
"""


def publish_due() -> list[ScaleVersion]:
    """Publishes every scheduled version whose moment has come by the database's clock.

    In the order of their moments, each once however many do this at the same time, each in its own
    transaction: one that fails is logged and keeps no other market waiting.
    """
    due = ScaleVersion.objects.raw(_DUE)
    published = []
    for version in list(due):
        try:
            if _publish_if_due(version):
                published.append(version)
        except (Refusal, DatabaseError):
            log.exception("scale version %s was due and was not published", version.pk)
    return published
