"""What the customer reads when something was granted. Registered with delivery's outbox.

The text is made at the moment of sending, from the compensation as it then is, and carries a link:
the code itself is only on the page behind it.
"""

import datetime as dt
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import formats, translation
from django.utils.translation import gettext as _

from delivery.mailing import build_mail
from delivery.models import Message
from delivery.registry import Recipient, Rendered, register_topic
from incidents.actions import issue_portal_token
from incidents.models import ContactPoint, Customer

from .actions.sending import is_of_staff, requeue, still_valid
from .customer_words import apology, worth
from .models import Compensation
from .states import TOPIC

# How long something without an end date is shown, and how long after its end a link still says so.
OPEN_DAYS, AFTER_DAYS = 150, 30


def local_day(moment: dt.datetime, zone: str) -> str:
    """The last valid local day before an exclusive end, in the active language."""
    day = (moment - dt.timedelta(seconds=1)).astimezone(ZoneInfo(zone)).date()
    return formats.date_format(day, "DATE_FORMAT")


def portal_url(compensation: Compensation, message: Message) -> str:
    """The customer's link; the same one for every try of the same message."""
    # Counted from rows that stand still, so that showing the link again changes nothing.
    last = compensation.expires_at or message.created_at + dt.timedelta(days=OPEN_DAYS)
    token = issue_portal_token(
        incident=compensation.incident,
        ref=compensation.pk,
        seed=message.pk,
        until=max(last, message.created_at) + dt.timedelta(days=AFTER_DAYS),
    )
    return f"{settings.PUBLIC_BASE_URL}/p/{token}/"


def _name(customer: Customer) -> str:
    """Empty where an import knew nobody's name: what stands in its place is ours, not theirs."""
    return customer.name if customer.first_name else ""


def resolve(message: Message) -> Recipient | None:
    """The contact as it is now; None when it was removed or the compensation is no longer valid."""
    if message.contact is None:
        return None
    compensation = Compensation.objects.filter(pk=message.ref).first()
    if compensation is None or not still_valid(compensation):
        return None
    contact = (
        ContactPoint.objects.select_related("customer")
        .filter(pk=message.contact, is_active=True)
        .first()
    )
    if contact is None:
        return None
    return Recipient(
        name=_name(contact.customer),
        address=contact.value,
        fingerprint=bytes(contact.fingerprint),
    )


def render(message: Message) -> Rendered:
    """Subject, text and HTML in the customer's language."""
    row = Compensation.objects.select_related(
        "market", "customer", "incident__category", "incident__location", "offer"
    ).get(pk=message.ref)
    market, name = row.market, _name(row.customer)
    with translation.override(message.language):
        sorry = apology(row.incident, zone=market.time_zone, now=message.created_at)
        paragraphs = [f"{sorry} {_('Thank you for telling us.')}"]
        facts = [(_("What it is"), row.offer.name)]
        if row.face_minor:
            facts.append((_("Worth"), worth(row.face_minor, market)))
        if row.expires_at is not None:
            facts.append((_("Valid through"), local_day(row.expires_at, market.time_zone)))
            paragraphs.append(
                _("This is for you. Open the link to see your code; it can be used once.")
            )
            label = _("See my coupon")
        else:
            paragraphs.append(_("This is for you. Open the link to see the details."))
            label = _("See the details")
        return build_mail(
            subject=_("%(brand)s: something for you, case %(folio)s")
            % {"brand": market.brand, "folio": row.incident.folio},
            brand=market.brand,
            greeting=_("Hello, %(name)s") % {"name": name} if name else _("Hello"),
            paragraphs=paragraphs,
            facts=facts,
            link=(label, portal_url(row, message)),
            footer=_("Case %(folio)s. The link is personal; do not share it.")
            % {"folio": row.incident.folio},
            language=message.language,
        )


def outdated(message: Message) -> None:
    """Queues a fresh message where the address changed just before sending."""
    if message.contact is None:
        return
    contact = ContactPoint.objects.filter(pk=message.contact, is_active=True).first()
    if contact is not None and not is_of_staff(contact):
        requeue(message, contact)


def register() -> None:
    """Called once when the app is ready."""
    register_topic(TOPIC, render=render, resolve=resolve, outdated=outdated)
