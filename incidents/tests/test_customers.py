"""Writes of customers and contacts: bounds, masks, versions, corrections, segments."""

import json

import pytest

from accounts.models import Staff
from accounts.states import Role
from accounts.tests.factories import ApiClientFactory, StaffFactory
from audit.models import AuditEvent
from common.errors import InvalidInput, NotAllowed, Stale
from common.fingerprints import fingerprint
from common.ids import uuid7
from delivery import registry as delivery_registry
from delivery.actions import queue_message
from delivery.models import Message
from delivery.registry import Rendered
from delivery.states import Channel, MessageState
from incidents import registry
from incidents.actions import (
    add_contact,
    change_customer,
    correct_contact,
    create_customer,
    discard_draft,
    remove_contact,
    reveal_contact,
    save_draft,
    set_segment,
)
from incidents.models import ContactPoint, Customer, IntakeDraft
from incidents.selectors import contact_for
from incidents.states import ContactKind, Segment

from .conftest import Desk


def test_contacts_are_kept_normalised_and_shown_masked(desk: Desk) -> None:
    customer = desk.customer(phone="(55) 1234 5678", email=" Mariana@Example.com ")
    kept = dict(customer.contacts.values_list("kind", "value"))
    assert kept == {"phone": "+525512345678", "email": "mariana@example.com"}
    assert {point.masked for point in customer.contacts.all()} == {
        "+52 •••• •• 78",
        "m•••@example.com",
    }
    assert customer.preferred_channel == Channel.EMAIL
    assert customer.language == desk.market.language


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("phone", "12"),
        ("email", "not an address"),
        ("name", " "),
        ("name", "x" * 121),
        ("language", "fr"),
        ("preferred_channel", "fax"),
        ("external_ref", "x" * 61),
        ("external_ref", "~hotel"),
    ],
)
def test_customers_out_of_bounds_are_refused(desk: Desk, field: str, value: str) -> None:
    fields = {"name": "Mariana", field: value}
    with pytest.raises(InvalidInput) as refused:
        desk.customer(**fields)
    assert refused.value.field == field
    assert not Customer.objects.exists()


def test_a_customer_number_is_one_person_in_a_market(desk: Desk, abroad: Desk) -> None:
    desk.customer(external_ref="C-1")
    with pytest.raises(InvalidInput) as refused:
        desk.customer(external_ref="C-1")
    assert refused.value.field == "external_ref"
    abroad.customer(external_ref="C-1")
    other = desk.customer()
    with pytest.raises(InvalidInput):
        change_customer(customer=other, version=1, external_ref="C-1", by=desk.agent)
    assert Customer.objects.filter(external_ref="C-1").count() == 2


def test_changes_are_recorded_and_names_are_not(desk: Desk) -> None:
    customer = desk.customer()
    changed = change_customer(
        customer=customer, version=1, name="Mariana Solís", language="en", by=desk.agent
    )
    same = change_customer(customer=customer, version=2, name="Mariana Solís", by=desk.agent)
    assert changed.version == same.version == 2
    row = AuditEvent.objects.get(act="customer.changed")
    assert row.before == {"name": len("Mariana López"), "language": "es"}
    assert row.after == {"name": len("Mariana Solís"), "language": "en"}


def test_a_stale_version_changes_nothing(desk: Desk) -> None:
    customer = desk.customer()
    change_customer(customer=customer, version=1, name="Mariana Solís", by=desk.agent)
    for fields in ({"language": "en"}, {}):
        with pytest.raises(Stale) as refused:
            change_customer(customer=customer, version=1, by=desk.agent, **fields)
        assert refused.value.extra == {"version": 2}
    customer.refresh_from_db()
    assert (customer.name, customer.language, customer.version) == ("Mariana Solís", "es", 2)
    assert AuditEvent.objects.filter(act="customer.changed").count() == 1


def test_a_contact_leaves_the_version_as_it_is(desk: Desk) -> None:
    customer = desk.customer()
    add_contact(customer=customer, kind=ContactKind.EMAIL, value="una@example.com", by=desk.agent)
    changed = change_customer(customer=customer, version=1, language="en", by=desk.agent)
    assert changed.version == 2


def test_no_audit_row_says_who_a_customer_is(desk: Desk) -> None:
    customer = desk.customer(name="Mariana Ibarra", external_ref="C-4711")
    change_customer(
        customer=customer, version=1, name="Ximena Ibarra", external_ref="C-4712", by=desk.agent
    )
    assert AuditEvent.objects.filter(act__startswith="customer.").count() == 2
    told = json.dumps(list(AuditEvent.objects.values("before", "after", "reason")))
    for word in ("Mariana", "Ximena", "Ibarra", "C-471"):
        assert word not in told


def test_no_audit_row_holds_a_whole_contact(desk: Desk) -> None:
    customer = desk.customer(phone="5512345678", email="mariana@example.com")
    point = add_contact(
        customer=customer, kind=ContactKind.EMAIL, value="otra@example.com", by=desk.agent
    )
    correct_contact(contact=point, version=1, value="nueva@example.com", by=desk.agent)
    reveal_contact(contact=point, reason="para llamarle", by=desk.agent)
    remove_contact(contact=point, version=2, by=desk.agent)
    told = json.dumps(list(AuditEvent.objects.values("before", "after", "reason")))
    for secret in ("+525512345678", "5512345678", "mariana@", "otra@", "nueva@"):
        assert secret not in told
    assert AuditEvent.objects.count() == 5


@pytest.fixture
def topic(monkeypatch: pytest.MonkeyPatch) -> None:
    """Something that can be worded, so that it may wait in the outbox."""
    monkeypatch.setattr(delivery_registry, "_topics", {})
    delivery_registry.register_topic(
        "test.topic", render=lambda _message: Rendered("", ""), resolve=lambda _message: None
    )


def _waiting(desk: Desk, point: ContactPoint) -> Message:
    return queue_message(
        market=desk.market,
        topic="test.topic",
        ref=uuid7(),
        about=None,
        channel=Channel.EMAIL,
        language="es",
        contact=point.pk,
        address_fingerprint=bytes(point.fingerprint),
        address_masked=point.masked,
    )


@pytest.mark.usefixtures("topic")
def test_a_corrected_address_never_gets_an_older_message(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, list[Message]]] = []
    monkeypatch.setattr(registry, "_contact_corrected", [])
    registry.on_contact_corrected(
        lambda contact, messages, _by: told.append((contact.value, list(messages)))
    )
    customer = desk.customer(email="mal@example.com")
    point = customer.contacts.get()
    message = _waiting(desk, point)
    old = fingerprint("contact", "mal@example.com")
    corrected = correct_contact(contact=point, version=1, value="bien@example.com", by=desk.agent)
    message.refresh_from_db()
    assert message.state == MessageState.FAILED
    assert bytes(message.address_fingerprint or b"") == old
    assert bytes(corrected.fingerprint) == fingerprint("contact", "bien@example.com") != old
    assert (corrected.changed_by, told) == (desk.agent, [("bien@example.com", [message])])
    assert corrected.changed_at > point.changed_at


@pytest.mark.usefixtures("topic")
def test_a_removed_contact_gets_nothing_more(desk: Desk) -> None:
    point = desk.customer(email="mal@example.com").contacts.get()
    message = _waiting(desk, point)
    remove_contact(contact=point, version=1, by=desk.agent)
    message.refresh_from_db()
    assert message.state == MessageState.FAILED
    assert contact_for(point.customer, ContactKind.EMAIL) is None
    again = add_contact(
        customer=point.customer, kind=ContactKind.EMAIL, value="MAL@example.com", by=desk.agent
    )
    assert (again.pk, again.is_active) == (point.pk, True)


def test_a_correction_to_what_is_there_is_refused(desk: Desk) -> None:
    customer = desk.customer(email="una@example.com")
    other = add_contact(
        customer=customer, kind=ContactKind.EMAIL, value="dos@example.com", by=desk.agent
    )
    with pytest.raises(InvalidInput):
        correct_contact(contact=other, version=1, value="una@example.com", by=desk.agent)
    other.refresh_from_db()
    assert other.value == "dos@example.com"


def test_of_two_corrections_the_later_is_refused(desk: Desk) -> None:
    point = desk.customer(email="mal@example.com").contacts.get()
    first = correct_contact(contact=point, version=1, value="bien@example.com", by=desk.agent)
    assert first.version == 2
    with pytest.raises(Stale) as refused:
        correct_contact(contact=point, version=1, value="otro@example.com", by=desk.agent)
    assert refused.value.extra == {"version": 2}
    with pytest.raises(Stale):
        remove_contact(contact=point, version=1, by=desk.agent)
    # Who typed the same takes nothing away from anybody.
    same = correct_contact(contact=point, version=1, value="BIEN@example.com", by=desk.agent)
    point.refresh_from_db()
    assert (same.version, point.value, point.is_active) == (2, "bien@example.com", True)
    assert AuditEvent.objects.filter(act="contact.corrected").count() == 1
    correct_contact(contact=point, version=2, value="otro@example.com", by=desk.agent)


def test_a_contact_that_comes_back_is_another_version(desk: Desk) -> None:
    customer = desk.customer(email="una@example.com")
    point = customer.contacts.get()
    remove_contact(contact=point, version=1, by=desk.agent)
    # Put away already: nothing is left to be taken from anybody.
    remove_contact(contact=point, version=1, by=desk.agent)
    add_contact(customer=customer, kind=ContactKind.EMAIL, value=point.value, by=desk.agent)
    with pytest.raises(Stale):
        correct_contact(contact=point, version=2, value="otro@example.com", by=desk.agent)


def test_revealing_needs_a_reason_and_leaves_a_row(desk: Desk) -> None:
    point = desk.customer(email="una@example.com").contacts.get()
    with pytest.raises(InvalidInput):
        reveal_contact(contact=point, reason="  ", by=desk.agent)
    assert not AuditEvent.objects.filter(act="contact.revealed").exists()
    assert reveal_contact(contact=point, reason="no llega", by=desk.agent) == "una@example.com"
    assert AuditEvent.objects.get(act="contact.revealed").reason == "no llega"


def test_the_segment_is_finance_s_or_an_integration_s(desk: Desk) -> None:
    customer = desk.customer()
    supervisor: Staff = StaffFactory.create(market=desk.market, roles=[Role.SUPERVISOR])
    for by in (desk.agent, supervisor):
        with pytest.raises(NotAllowed):
            set_segment(customer=customer, segment=Segment.VIP, version=1, by=by)
    customer.refresh_from_db()
    assert customer.segment == Segment.STANDARD
    finance: Staff = StaffFactory.create(market=desk.market, roles=[Role.FINANCE])
    vip = set_segment(customer=customer, segment=Segment.VIP, version=1, by=finance)
    assert (vip.segment, vip.version) == ("vip", 2)
    client = ApiClientFactory.create(market=desk.market, scopes=["customers:write"])
    with pytest.raises(Stale):
        set_segment(customer=customer, segment=Segment.VALUED, version=1, by=client)
    valued = set_segment(customer=customer, segment=Segment.VALUED, version=2, by=client)
    assert (valued.segment, valued.version) == ("valued", 3)
    assert AuditEvent.objects.filter(act="customer.segment_set").count() == 2


def test_a_client_needs_the_scope_and_the_market(desk: Desk, abroad: Desk) -> None:
    for scopes, market in (
        (["incidents:write"], desk.market),
        (["customers:write"], abroad.market),
    ):
        client = ApiClientFactory.create(market=market, scopes=scopes)
        with pytest.raises(NotAllowed):
            create_customer(market=desk.market, name="Mariana", by=client)
    assert not Customer.objects.exists()


def test_one_draft_for_each_person(desk: Desk) -> None:
    save_draft(staff=desk.agent, data={"narrative": "uno"})
    save_draft(staff=desk.agent, data={"narrative": "dos"})
    assert IntakeDraft.objects.get().data == {"narrative": "dos"}
    with pytest.raises(InvalidInput):
        save_draft(staff=desk.agent, data={"narrative": "x" * 20_000})
    with pytest.raises(InvalidInput):
        save_draft(staff=desk.agent, data={"narrative": "a\x00"})
    discard_draft(staff=desk.agent)
    assert not IntakeDraft.objects.exists()
