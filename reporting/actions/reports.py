"""Building nightly reports, and what people say of them: comments and sign-off.

A report is built under the market's lock, in one transaction with the rollup it reads, its audit
row and the mails to its readers.
"""

import datetime as dt
import uuid
from dataclasses import dataclass

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Market, Staff, Team
from accounts.states import Role
from audit.actions import SYSTEM, record
from common.contacts import mask_email
from common.errors import InvalidInput, NotAllowed, Refusal, Stale
from common.windows import day_bounds
from delivery.actions import new_message, wake_on_commit
from delivery.channels import available_channels
from delivery.models import Message
from delivery.states import Channel

from ..models import NightlyReport, ReportComment, ReportSignature
from ..selectors.night import day_content, digest_of
from ..selectors.reports import own_row, readers_of, reading_sight, signers_of
from .rolling import lock_rolling, roll_day

REPORT_TOPIC = "report.nightly"
# Message ids are made from this and what is sent, so that nothing is sent to a reader twice.
_NAMES = uuid.UUID("6f1c2b0e-3a55-5c0f-9d8e-51d3a2c70b14")


class DayNotOver(Refusal):
    """A report speaks of a whole local day."""

    code = "day_not_over"
    default_message = _("This day is not over yet in this market.")


class AlreadySigned(Refusal):
    """Somebody signed this team's part of this revision."""

    code = "already_signed"
    default_message = _("This part was signed already.")


class OwnFigures(Refusal):
    """Nobody signs off what they granted themselves."""

    code = "own_figures"
    status = 403
    default_message = _(
        "You granted or asked for something in this team on this day, so somebody else has to sign."
    )


@dataclass(frozen=True, slots=True)
class Built:
    """What a run made of one date: a new report, a new revision, or neither; mails queued."""

    report: NightlyReport
    is_new: bool
    is_revised: bool
    mails: int


def report_ref(report: NightlyReport) -> uuid.UUID:
    """What a mail about a report refers to: the report and its revision, in one id."""
    return uuid.UUID(int=(report.pk << 32) | report.revision)


def read_ref(ref: uuid.UUID) -> tuple[int, int]:
    """The report's id and the revision of a mail."""
    return ref.int >> 32, ref.int & 0xFFFFFFFF


@transaction.atomic
def build_report(market: Market, date: dt.date, *, send: bool = True) -> Built:
    """Rolls a local date and says what happened on it; the same rows give the same report.

    Where the content differs from what was built before, it becomes the next revision, which is
    sent and has to be signed again. Without `send` nobody is written to. Raises DayNotOver.
    """
    if timezone.now() < day_bounds(date, market.time_zone)[1]:
        raise DayNotOver(field="date")
    lock_rolling(market)
    roll_day(market, date)
    content = day_content(market, date)
    digest = digest_of(content)
    report = NightlyReport.objects.filter(market=market, date=date).defer("content").first()
    if report is not None and bytes(report.digest) == digest:
        NightlyReport.objects.filter(pk=report.pk).update(checked_at=Now())
        return Built(report, is_new=False, is_revised=False, mails=0)
    is_new = report is None
    if report is None:
        report = NightlyReport(market=market, date=date)
    else:
        report.revision += 1
    report.content, report.digest = content, digest
    report.totals = content["totals"]
    report.team_ids = [part["team"] for part in content["teams"] if part["team"] is not None]
    report.difference_minor = content["difference"]
    report.built_at = report.checked_at = Now()
    report.save()
    report.refresh_from_db(fields=["built_at", "checked_at"])
    mails = _send(report) if send else 0
    record(
        act="report.built" if is_new else "report.revised",
        by=SYSTEM,
        object_kind="report",
        object_id=report.pk,
        market_code=market.code,
        after={
            "date": date.isoformat(),
            "revision": report.revision,
            "digest": digest.hex(),
            "difference_minor": report.difference_minor,
            "mails": mails,
        },
    )
    return Built(report, is_new=is_new, is_revised=not is_new, mails=mails)


def _send(report: NightlyReport) -> int:
    """Queues one mail to each reader in this transaction; their words are made when they leave."""
    market = report.market
    if Channel.EMAIL not in available_channels(market):
        return 0
    ref = report_ref(report)
    messages = []
    for person, _sight in readers_of(market, report.team_ids):
        message = new_message(
            market=market,
            topic=REPORT_TOPIC,
            ref=ref,
            about=None,
            channel=Channel.EMAIL,
            language=person.language,
            contact=person.pk,
            address_fingerprint=bytes(person.email_fingerprint),
            address_masked=mask_email(person.email),
        )
        message.pk = uuid.uuid5(_NAMES, f"{ref}:{person.pk}")
        messages.append(message)
    Message.objects.bulk_create(messages)
    for message in messages:
        wake_on_commit(message.pk)
    if messages:
        NightlyReport.objects.filter(pk=report.pk).update(emailed_at=Now())
    return len(messages)


@transaction.atomic
def comment_report(*, report: NightlyReport, body: str, by: Staff) -> ReportComment:
    """Adds a remark that every reader sees; it stays. Raises NotAllowed, InvalidInput."""
    reading_sight(by, report.market)
    body = body.strip()
    if not 1 <= len(body) <= 1000:
        raise InvalidInput(_("Write 1 to 1,000 characters."), field="body")
    comment = ReportComment.objects.create(report=report, by=by, body=body)
    _record("report.commented", report, by, {"comment": comment.pk})
    return comment


@transaction.atomic
def sign_report(
    *, report: NightlyReport, team: Team, revision: int, note: str = "", by: Staff
) -> ReportSignature:
    """Signs off one team's part of the revision that was read.

    A supervisor of the team signs, unless they have figures of their own in it; see `signers_of`
    for who does then. Raises NotAllowed, OwnFigures, Stale (a newer revision), AlreadySigned.
    """
    if not by.has_role(report.market, Role.SUPERVISOR, Role.FINANCE):
        raise NotAllowed
    row = NightlyReport.objects.select_for_update(no_key=True, of=("self",)).get(pk=report.pk)
    if row.revision != revision:
        raise Stale(
            _("This report was corrected while you were reading. Look at it again."),
            extra={"revision": row.revision},
        )
    if team.pk not in row.team_ids:
        raise InvalidInput(_("This team is not in this report."), field="team")
    if own_row(row.content, team.pk, by.pk):
        raise OwnFigures
    if by.pk not in {person.pk for person in signers_of(row.content, team)}:
        raise NotAllowed
    note = note.strip()
    if len(note) > 500:
        raise InvalidInput(_("Write at most 500 characters."), field="note")
    signature, signed = ReportSignature.objects.get_or_create(
        report=row, team=team, revision=revision, defaults={"by": by, "note": note}
    )
    if not signed:
        raise AlreadySigned
    _record("report.signed", row, by, {"team": team.pk, "revision": revision}, note)
    return signature


def _record(
    act: str, report: NightlyReport, by: Staff, after: dict[str, int], reason: str = ""
) -> None:
    record(
        act=act,
        by=by.as_actor(),
        object_kind="report",
        object_id=report.pk,
        market_code=report.market.code,
        after={"date": report.date.isoformat(), **after},
        reason=reason,
    )
