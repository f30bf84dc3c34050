"""What a compensation's page says to its customer: state, words, worth, rows.

Words only. Whether a link opens is decided by `incidents`, what a coupon is worth and whether it
can be used by `compensations`; nothing here writes.
"""

import datetime as dt
from dataclasses import dataclass

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from accounts.models import Location
from common.windows import local_date
from compensations import codes
from compensations.customer_words import apology, worth
from compensations.models import Compensation, Coupon
from compensations.states import CouponState, OfferKind

# What happens next with a kind that needs no code.
NEXT: dict[str, Promise] = {
    OfferKind.PARTIAL_REFUND: gettext_lazy(
        "We return this amount to the way you paid. Your bank decides on which day it shows."
    ),
    OfferKind.FULL_REFUND: gettext_lazy(
        "We return all you paid, the way you paid it. Your bank decides on which day it shows."
    ),
    OfferKind.POINTS: gettext_lazy("We add the points to your account. You need do nothing."),
    OfferKind.CREDIT: gettext_lazy("We add the credit to your account. You need do nothing."),
    OfferKind.MILES: gettext_lazy("We add the miles to your account. You need do nothing."),
    OfferKind.GESTURE: gettext_lazy("We will have it ready for you. You need show nothing."),
    OfferKind.MANAGER_CALL: gettext_lazy(
        "A manager will call you. Keep your phone at hand; if you miss the call, we call again."
    ),
    OfferKind.LETTER: gettext_lazy("You will receive a letter from the person responsible."),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the card."""

    label: str
    value: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """Everything the template shows. `code` is empty when it may not or need not be shown."""

    brand: str
    state: str
    state_label: str
    heading: str
    lead: str
    name: str
    worth: str
    code: str
    hidden_code: str
    rows: list[Row]
    terms: str
    note: str


def page_for(compensation: Compensation, *, now: dt.datetime, hide_code: bool) -> Page:
    """The page in the active language at an aware moment.

    `compensation` comes with market, customer, incident, offer and coupon. With `hide_code` the
    code is masked: a member of staff looks.
    """
    coupon: Coupon | None = getattr(compensation, "coupon", None)
    if coupon is not None:
        return _coupon_page(compensation, coupon, now=now, hide_code=hide_code)
    return _plain_page(compensation, now)


def state_of(coupon: Coupon, now: dt.datetime) -> CouponState:
    """The state a customer sees: a till's short reservation is no concern of theirs, and a date
    that has passed counts before any job has written it down."""
    state = CouponState(coupon.state)
    if state == CouponState.RESERVED:
        state = CouponState.ISSUED
    if state == CouponState.ISSUED and coupon.expires_at <= now:
        return CouponState.EXPIRED
    return state


def _coupon_page(
    compensation: Compensation, coupon: Coupon, *, now: dt.datetime, hide_code: bool
) -> Page:
    state = state_of(coupon, now)
    code = codes.read_code(coupon) if state == CouponState.ISSUED else None
    heading, lead = _coupon_words(compensation, state, now)
    rows = [_last_day(compensation, coupon, state), _where(coupon)]
    if state == CouponState.REDEEMED:
        rows = _uses(compensation, coupon)
    elif state == CouponState.VOIDED:
        rows = []
    left = coupon.balance_minor if coupon.keeps_balance else coupon.value_minor
    if left != coupon.value_minor:
        rows.insert(0, Row(_("Worth at first"), _worth(compensation, coupon.value_minor)))
    return Page(
        brand=compensation.market.brand,
        state=state,
        state_label=_state_label(state),
        heading=heading,
        lead=lead,
        name=compensation.offer.name,
        worth=_worth(compensation, left),
        code="" if hide_code or code is None else codes.display(code),
        hidden_code=f"••••-••••-••••-{coupon.last_four}" if state == CouponState.ISSUED else "",
        rows=rows,
        terms=compensation.offer.terms if state == CouponState.ISSUED else "",
        note=_coupon_note(state, hide_code=hide_code, readable=code is not None),
    )


def _plain_page(compensation: Compensation, now: dt.datetime) -> Page:
    voided = compensation.state == "voided"
    settled = compensation.state == "settled"
    if voided:
        heading = _to(compensation, _("%(name)s, this was withdrawn"), _("This was withdrawn"))
        label = _("Withdrawn")
    else:
        heading = _to(compensation, _("%(name)s, this is for you"), _("This is for you"))
        label = pgettext("compensation", "Done") if settled else _("On its way")
    return Page(
        brand=compensation.market.brand,
        state=compensation.state,
        state_label=label,
        heading=heading,
        lead=_replaced_or_ask(compensation) if voided else _sorry(compensation, now),
        name=compensation.offer.name,
        worth=_worth(compensation, compensation.face_minor) if compensation.face_minor else "",
        code="",
        hidden_code="",
        rows=[Row(_("Your case"), compensation.incident.folio)],
        terms="" if voided else compensation.offer.terms,
        note="" if voided or settled else str(NEXT.get(compensation.kind, "")),
    )


def _to(compensation: Compensation, named: str, unnamed: str) -> str:
    """One of two translated sentences: with the customer's first name where it is known."""
    name = compensation.customer.first_name
    return named % {"name": name} if name else unnamed


def _worth(compensation: Compensation, minor: int) -> str:
    return worth(minor, compensation.market)


def _day(moment: dt.datetime, compensation: Compensation) -> str:
    return date_format(local_date(moment, compensation.market.time_zone), "DATE_FORMAT")


def _sorry(compensation: Compensation, now: dt.datetime) -> str:
    return apology(compensation.incident, zone=compensation.market.time_zone, now=now)


def _replaced_or_ask(compensation: Compensation) -> str:
    if hasattr(compensation, "reissued_as"):
        return _("We sent you a new one in its place: please use the link in our latest message.")
    return _("It can no longer be used. If this surprises you, please get in touch with us.")


def _coupon_words(
    compensation: Compensation, state: CouponState, now: dt.datetime
) -> tuple[str, str]:
    if state == CouponState.REDEEMED:
        heading = _to(
            compensation, _("%(name)s, this was already used"), _("This was already used")
        )
        return heading, _("Thank you for coming back.")
    if state == CouponState.EXPIRED:
        return (
            _to(compensation, _("%(name)s, this has expired"), _("This has expired")),
            _("Its last day has passed. If something kept you from using it, please tell us."),
        )
    if state == CouponState.VOIDED:
        heading = _to(compensation, _("%(name)s, this was withdrawn"), _("This was withdrawn"))
        return heading, _replaced_or_ask(compensation)
    heading = _to(compensation, _("%(name)s, this is for you"), _("This is for you"))
    return heading, _sorry(compensation, now)


def _state_label(state: CouponState) -> str:
    labels = {
        CouponState.ISSUED: _("Valid"),
        CouponState.REDEEMED: _("Used"),
        CouponState.EXPIRED: _("Expired"),
        CouponState.VOIDED: _("Withdrawn"),
    }
    return labels[state]


def _coupon_note(state: CouponState, *, hide_code: bool, readable: bool) -> str:
    if state != CouponState.ISSUED:
        return ""
    if hide_code:
        return _("You are signed in as staff, so the code is hidden. The customer sees it here.")
    if not readable:
        return _("The code cannot be shown any more. Please ask us for a new one.")
    return _("Show it when you pay, or type the code when you book or buy.")


def _last_day(compensation: Compensation, coupon: Coupon, state: CouponState) -> Row:
    """The last local date on which it can be used; the moment of expiry itself is exclusive."""
    last = coupon.expires_at - dt.timedelta(microseconds=1)
    label = _("Expired") if state == CouponState.EXPIRED else _("Use it until")
    return Row(label, _day(last, compensation))


def _where(coupon: Coupon) -> Row:
    """How often and where, in names of locations."""
    names = (
        Location.objects.filter(market_id=coupon.market_id, code__in=coupon.usable_at).values_list(
            "name", flat=True
        )
        if coupon.usable_at
        else []
    )
    often = _("until nothing is left") if coupon.keeps_balance else _("once")
    if not names:
        return Row(_("Good for"), often)
    return Row(
        _("Good for"),
        _("%(often)s, at %(places)s") % {"often": often, "places": ", ".join(names)},
    )


def _uses(compensation: Compensation, coupon: Coupon) -> list[Row]:
    """The last use that was not undone: its day and place."""
    last = (
        coupon.redemptions.filter(reversed_at=None)
        .select_related("location")
        .order_by("-id")
        .first()
    )
    if last is None:
        return []
    rows = [Row(_("Used on"), _day(last.created_at, compensation))]
    if last.location is not None:
        rows.append(Row(_("Used at"), last.location.name))
    return rows
