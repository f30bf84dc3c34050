"""Writes of customers and their contact points.

Whoever changes a customer says which `version` they saw; a change of the row grows it. Contacts are
rows of their own, each with who changed it and when and a `version` of its own, and leave the
customer's as it is.

Audit rows hold masked contacts only. A contact is corrected by a new value on the same row with
who and when; messages already queued for the old value are withdrawn in the same transaction, so
that none of them ever reaches a new address, and higher apps queue fresh ones.
"""

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import ApiClient, Market, Staff
from accounts.states import Language, Scope
from audit.actions import Actor, record
from common.contacts import normalise_email, normalise_phone
from common.errors import InvalidInput, Stale
from delivery.actions import outdate_contact
from delivery.states import Channel

from .. import bounds, registry
from ..access import COMMENTERS, SEGMENTERS, WRITERS, authorise
from ..models import ContactPoint, Customer
from ..models.customers import UNNAMED
from ..states import ContactKind, Segment

By = Staff | ApiClient


def _staff(by: By) -> Staff | None:
    return by if isinstance(by, Staff) else None


def normalise(kind: str, value: str, market: Market) -> str:
    """The contact as stored: E.164, lower-case email, trimmed handle. Raises InvalidInput."""
    value = bounds.text(value, kind, 120, required=True)
    if kind == ContactKind.PHONE:
        return normalise_phone(value, market.country)
    if kind == ContactKind.EMAIL:
        return normalise_email(value)
    bounds.choice(kind, "kind", ContactKind.values)
    return value


def _audit(act: str, actor: Actor, customer: Customer, market: Market, **more: object) -> None:
    record(
        act=act,
        by=actor,
        object_kind="customer",
        object_id=customer.pk,
        market_code=market.code,
        **more,
    )


def _kept(field: str, value: str) -> str | int:
    """What the trail keeps of a value. Its rows are sealed for ever and a person may have to be
    forgotten, so of what tells who somebody is only the length is kept."""
    return len(value) if field in {"name", "external_ref"} else value


def _number(value: str) -> str:
    """A customer number within its bounds, without the mark of an import's nobody."""
    number = bounds.text(value, "external_ref", 60)
    if number.startswith(UNNAMED):
        raise InvalidInput(
            _("A customer number does not begin with %(mark)s.") % {"mark": UNNAMED},
            field="external_ref",
        )
    return number


@transaction.atomic
def create_customer(
    *,
    market: Market,
    name: str,
    language: str | None = None,
    preferred_channel: str | None = None,
    phone: str = "",
    email: str = "",
    external_ref: str = "",
    by: By,
) -> Customer:
    """A customer of the market with what is known of how to reach them.

    Language defaults to the market's; the channel to email where there is one, else to handing
    over in the conversation. Raises InvalidInput for a value out of bounds or a customer number
    that is taken, SeveralFaults for several values out of bounds.
    """
    actor = authorise(by, market, *WRITERS, scope=Scope.CUSTOMERS_WRITE)
    faults = bounds.Faults()
    customer = Customer(
        market=market,
        name=faults.of(bounds.text, name, "name", 120, required=True),
        language=faults.of(bounds.choice, language or market.language, "language", Language.values),
        preferred_channel=faults.of(
            bounds.choice,
            preferred_channel or (Channel.EMAIL if email.strip() else Channel.HANDOVER),
            "preferred_channel",
            Channel.values,
        ),
        external_ref=faults.of(_number, external_ref),
        created_by=_staff(by),
    )
    contacts = [
        (kind, faults.of(normalise, kind, value, market))
        for kind, value in ((ContactKind.PHONE, phone), (ContactKind.EMAIL, email))
        if value.strip()
    ]
    faults.refuse()
    _save_numbered(customer, force_insert=True)
    for kind, value in contacts:
        ContactPoint.objects.create(
            customer=customer, market=market, kind=kind, value=value, changed_by=_staff(by)
        )
    _audit(
        "customer.created",
        actor,
        customer,
        market,
        after={"contacts": [str(kind) for kind, _value in contacts]},
    )
    return customer


def _save_numbered(customer: Customer, *, force_insert: bool = False) -> None:
    try:
        with transaction.atomic(savepoint=bool(customer.external_ref)):
            customer.save(force_insert=force_insert)
    except IntegrityError as error:
        if "customer_number_in_market" not in str(error):
            raise
        message = _("Another customer of this market has this number.")
        raise InvalidInput(message, field="external_ref") from error


@transaction.atomic
def change_customer(
    *,
    customer: Customer,
    version: int,
    by: By,
    name: str | None = None,
    language: str | None = None,
    preferred_channel: str | None = None,
    external_ref: str | None = None,
) -> Customer:
    """Changes what is given of a customer that still has `version`; None leaves a field alone.

    With no field it only checks the version. Raises Stale (extra: the present version),
    InvalidInput, NotAllowed.
    """
    row = _locked(customer)
    actor = authorise(by, row.market_id, *WRITERS, scope=Scope.CUSTOMERS_WRITE)
    _check_version(row, version)
    wanted = {
        "name": None if name is None else bounds.text(name, "name", 120, required=True),
        "language": language and bounds.choice(language, "language", Language.values),
        "preferred_channel": preferred_channel
        and bounds.choice(preferred_channel, "preferred_channel", Channel.values),
        "external_ref": None
        if external_ref in {None, row.external_ref}
        else _number(external_ref or ""),
    }
    changed = {
        field: value
        for field, value in wanted.items()
        if value is not None and value != getattr(row, field)
    }
    if not changed:
        return row
    before = {field: _kept(field, str(getattr(row, field))) for field in changed}
    after = {field: _kept(field, str(value)) for field, value in changed.items()}
    for field, value in changed.items():
        setattr(row, field, value)
    row.version += 1
    _save_numbered(row)
    _audit("customer.changed", actor, row, row.market, before=before, after=after)
    return row


@transaction.atomic
def set_segment(*, customer: Customer, segment: str, version: int, by: By) -> Customer:
    """The customer type, which decides what may be offered: finance or an integration sets it.

    Raises NotAllowed for anybody else, the granting agent above all, and Stale unless the customer
    still has `version` (extra: the present one).
    """
    row = _locked(customer)
    actor = authorise(by, row.market_id, *SEGMENTERS, scope=Scope.CUSTOMERS_WRITE)
    _check_version(row, version)
    bounds.choice(segment, "segment", Segment.values)
    if segment != row.segment:
        before = row.segment
        row.segment = segment
        row.version += 1
        row.save(update_fields=["segment", "version"])
        _audit(
            "customer.segment_set",
            actor,
            row,
            row.market,
            before={"segment": str(before)},
            after={"segment": str(segment)},
        )
    return row


def _locked(customer: Customer) -> Customer:
    return (
        Customer.objects.select_for_update(of=("self",))
        .select_related("market")
        .get(pk=customer.pk)
    )


def _check_version(row: Customer | ContactPoint, version: int) -> None:
    """Raises Stale when somebody saved the locked row since it had `version`."""
    if row.version != version:
        raise Stale(extra={"version": row.version})


@transaction.atomic
def add_contact(*, customer: Customer, kind: str, value: str, by: By) -> ContactPoint:
    """One more way to reach the customer; one that was removed comes back.

    Raises InvalidInput for a value that is not of its kind.
    """
    row = _locked(customer)
    actor = authorise(by, row.market_id, *WRITERS, scope=Scope.CUSTOMERS_WRITE)
    normal = normalise(kind, value, row.market)
    contact, created = ContactPoint.objects.get_or_create(
        customer=row,
        kind=kind,
        value=normal,
        defaults={"market": row.market, "changed_by": _staff(by)},
    )
    if not created:
        if contact.is_active:
            return contact
        contact.is_active = True
        contact.version += 1
        contact.changed_at = timezone.now()
        contact.changed_by = _staff(by)
        contact.save(update_fields=["is_active", "version", "changed_at", "changed_by"])
    _audit(
        "contact.added",
        actor,
        row,
        row.market,
        after={"kind": str(kind), "contact": contact.masked},
    )
    return contact


def _locked_contact(contact: ContactPoint) -> ContactPoint:
    return (
        ContactPoint.objects.select_for_update(of=("self",))
        .select_related("market", "customer")
        .get(pk=contact.pk)
    )


@transaction.atomic
def correct_contact(*, contact: ContactPoint, version: int, value: str, by: By) -> ContactPoint:
    """Puts the right value in; queued messages to the old one are withdrawn and queued afresh.

    The contact still has `version`, else Stale (extra: the present one); a value that it has
    already is nobody's loss and changes nothing. Raises InvalidInput when the value is not of its
    kind or the customer has it already.
    """
    row = _locked_contact(contact)
    actor = authorise(by, row.market_id, *WRITERS, scope=Scope.CUSTOMERS_WRITE)
    normal = normalise(row.kind, value, row.market)
    if normal == row.value:
        return row
    _check_version(row, version)
    taken = ContactPoint.objects.filter(customer=row.customer_id, kind=row.kind, value=normal)
    if taken.exists():
        raise InvalidInput(_("The customer has this contact already."), field=row.kind)
    before = row.masked
    row.value = normal
    row.is_active = True
    row.version += 1
    row.changed_at = timezone.now()
    row.changed_by = _staff(by)
    row.save()
    _audit(
        "contact.corrected",
        actor,
        row.customer,
        row.market,
        before={"kind": row.kind, "contact": before},
        after={"kind": row.kind, "contact": row.masked},
    )
    outdated = outdate_contact(row.pk)
    for callback in registry.contact_corrected():
        callback(row, outdated, by)
    return row


@transaction.atomic
def remove_contact(*, contact: ContactPoint, version: int, by: By) -> ContactPoint:
    """The contact is no longer used; what was queued for it is withdrawn. The row stays.

    Raises Stale unless it still has `version` (extra: the present one): what somebody else just
    corrected is not the value that this person meant.
    """
    row = _locked_contact(contact)
    actor = authorise(by, row.market_id, *WRITERS, scope=Scope.CUSTOMERS_WRITE)
    if row.is_active:
        _check_version(row, version)
        row.is_active = False
        row.version += 1
        row.changed_at = timezone.now()
        row.changed_by = _staff(by)
        row.save(update_fields=["is_active", "version", "changed_at", "changed_by"])
        _audit(
            "contact.removed",
            actor,
            row.customer,
            row.market,
            before={"kind": row.kind, "contact": row.masked},
        )
        outdate_contact(row.pk)
    return row


@transaction.atomic
def reveal_contact(*, contact: ContactPoint, reason: str, by: Staff) -> str:
    """The whole contact, for a stated reason; the act is audited. Raises NotAllowed."""
    actor = authorise(by, contact.market_id, *COMMENTERS)
    reason = bounds.text(reason, "reason", 300, required=True)
    _audit(
        "contact.revealed",
        actor,
        contact.customer,
        contact.market,
        after={"kind": contact.kind, "contact": contact.masked},
        reason=reason,
    )
    return contact.value
