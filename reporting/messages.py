"""The mail of a nightly report to one reader. Registered with delivery's outbox.

Its words are made when it leaves, in the reader's language and from what the reader may see then;
who may see nothing any more is sent nothing.
"""

from django.conf import settings
from django.urls import reverse
from django.utils import formats, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Market, Staff, Team
from delivery.mailing import build_mail
from delivery.models import Message
from delivery.registry import Recipient, Rendered, register_topic

from .actions.reports import REPORT_TOPIC, read_ref
from .models import NightlyReport
from .night_words import attention, count, money, summary
from .selectors.reports import part_of, reading_sight
from .selectors.sight import LOOKERS


def _reader(message: Message) -> Staff | None:
    """Who it is for, while they work here and read this market's reports."""
    if message.contact is None:
        return None
    reader = Staff.objects.filter(pk=message.contact, is_active=True).first()
    if reader is None or not reader.has_role(message.market_id, *LOOKERS):
        return None
    return None if reading_sight(reader, message.market).blind else reader


def resolve(message: Message) -> Recipient | None:
    reader = _reader(message)
    if reader is None:
        return None
    return Recipient(
        name=reader.name, address=reader.email, fingerprint=bytes(reader.email_fingerprint)
    )


def _given(people: list[dict[str, int]], market: Market) -> str:
    given = sum(person["issued"] for person in people)
    return ngettext("%(count)s granted, %(value)s", "%(count)s granted, %(value)s", given) % {
        "count": count(market, given),
        "value": money(market, sum(person["issued_face"] for person in people)),
    }


def render(message: Message) -> Rendered:
    """The day in sentences and a line for each team; the rest is behind the link."""
    report = NightlyReport.objects.select_related("market").get(pk=read_ref(message.ref)[0])
    reader = _reader(message)
    assert reader is not None
    market = report.market
    part = part_of(report.content, reading_sight(reader, market))
    names = dict(Team.objects.filter(market=market).values_list("pk", "name"))
    with translation.override(message.language):
        date = formats.date_format(report.date, "DATE_FORMAT")
        subject = _("%(market)s, %(date)s: nightly report")
        if report.revision > 1:
            subject = _("%(market)s, %(date)s: nightly report, corrected")
        facts = [
            (
                names.get(team["team"], _("Without a team")),
                _given(team["people"], market),
            )
            for team in part["teams"]
        ]
        address = reverse("nightly-report", args=[market.code, report.date.isoformat()])
        return build_mail(
            subject=subject % {"market": market.name, "date": date},
            brand=market.brand,
            greeting=_("Nightly report of %(date)s") % {"date": date},
            paragraphs=[" ".join(summary(part, market)), *attention(part)],
            facts=facts,
            link=(_("Read and sign"), f"{settings.PUBLIC_BASE_URL}{address}"),
            footer=_("For you alone: it shows what your role sees."),
            language=message.language,
        )


def register() -> None:
    """Called once when the app is ready."""
    register_topic(REPORT_TOPIC, render=render, resolve=resolve)
