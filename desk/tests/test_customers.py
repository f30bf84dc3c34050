"""Customers: the list, the page, and what may be corrected there."""

import re

import pytest
from django.test import Client

from audit.models import AuditEvent
from compensations.actions import grant
from compensations.tests.scenario import Company
from delivery.models import Message
from incidents.actions import change_customer, correct_contact
from incidents.models import ContactPoint, Customer


@pytest.fixture
def customer(company: Company) -> Customer:
    return company.customer(email="mariana.solis@example.com", phone="998 123 4567")


def page(desk: Client, customer: Customer) -> str:
    return desk.get(f"/customers/{customer.pk}/").content.decode()


def contact(customer: Customer, kind: str) -> ContactPoint:
    return ContactPoint.objects.get(customer=customer, kind=kind)


def test_the_list_finds_without_accents_and_masks(
    company: Company, customer: Customer, desk: Client
) -> None:
    other = company.customer(name="Zoé Ávila")
    text = desk.get("/customers/", {"q": "solis"}).content.decode()
    assert str(customer.pk) in text
    assert str(other.pk) not in text
    assert "m•••@example.com" in text
    assert "mariana.solis" not in text


def test_the_page_tells_history_and_what_can_be_used(
    company: Company, customer: Customer, desk: Client
) -> None:
    incident = company.incident(customer)
    grant(incident=incident, offer=company.offers["coupon"], by=company.agent)
    text = page(desk, customer)
    assert incident.folio in text
    assert "$200.00" in text
    assert "Coupons that can be used" in text


def test_a_customer_is_created_once(company: Company, desk: Client) -> None:
    form = {
        "once": "t",
        "name": "Zoé Ávila",
        "phone": "",
        "email": "zoe@example.com",
        "language": "es",
        "preferred_channel": "email",
        "external_ref": "Q-1",
    }
    first, second = desk.post("/customers/new/", form), desk.post("/customers/new/", form)
    made = Customer.objects.get()
    assert first["Location"] == second["Location"] == f"/customers/{made.pk}/"
    taken = desk.post("/customers/new/", {**form, "once": "u", "email": "", "name": "Otra"})
    assert taken.status_code == 422
    assert "Another customer of this market has this number." in taken.content.decode()
    assert 'value="Otra"' in taken.content.decode()


def change_form(customer: Customer, **changed: str) -> dict[str, str]:
    return {
        "version": str(customer.version),
        "name": customer.name,
        "language": customer.language,
        "preferred_channel": customer.preferred_channel,
        "external_ref": customer.external_ref,
        **changed,
    }


def test_a_customer_is_corrected(customer: Customer, desk: Client) -> None:
    form = change_form(
        customer, name="Mariana Solís Paz", language="en", preferred_channel="handover"
    )
    answer = desk.post(f"/customers/{customer.pk}/change/", form)
    assert answer.status_code == 302
    customer.refresh_from_db()
    assert (customer.name, customer.language) == ("Mariana Solís Paz", "en")


def test_what_was_left_alone_takes_what_somebody_else_saved(
    company: Company, customer: Customer, desk: Client
) -> None:
    path = f"/customers/{customer.pk}/change/"
    form = desk.get(path).context["form"]
    mine = {name: str(form[name].value() or "") for name in form.fields}
    mine["name"] = "Mariana Solís Paz"
    change_customer(
        customer=customer, version=customer.version, by=company.colleague, external_ref="H-99"
    )
    answer = desk.post(path, mine)
    assert answer.status_code == 409
    assert answer.context["differences"] == []
    again = {name: str(answer.context["form"][name].value() or "") for name in mine}
    assert desk.post(path, again).status_code == 302
    customer.refresh_from_db()
    assert (customer.name, customer.external_ref) == ("Mariana Solís Paz", "H-99")


def test_a_stale_save_shows_what_changed_and_keeps_the_text(
    company: Company, customer: Customer, desk: Client
) -> None:
    path = f"/customers/{customer.pk}/change/"
    mine = change_form(customer, name="Mariana Solís Paz")
    change_customer(
        customer=customer,
        version=customer.version,
        by=company.colleague,
        language="en",
        external_ref="H-99",
    )
    answer = desk.post(path, mine)
    text = answer.content.decode()
    assert answer.status_code == 409
    assert "Saved in the meantime" in text
    told = {str(row.label): (row.now, row.typed) for row in answer.context["differences"]}
    assert told == {
        "Name": (customer.name, "Mariana Solís Paz"),
        "Language": ("English", "Español"),
        "Customer number": ("H-99", ""),
    }
    assert 'value="Mariana Solís Paz"' in text
    before = customer.name
    customer.refresh_from_db()
    assert (customer.name, customer.language) == (before, "en")
    assert f'name="version" value="{customer.version}"' in text
    again = change_form(customer, name="Mariana Solís Paz")
    assert desk.post(path, again).status_code == 302
    customer.refresh_from_db()
    assert (customer.name, customer.external_ref) == ("Mariana Solís Paz", "H-99")


def test_the_segment_is_not_an_agents_to_set(customer: Customer, desk: Client) -> None:
    assert 'name="segment"' not in desk.get(f"/customers/{customer.pk}/change/").content.decode()
    form = change_form(customer, segment="vip")
    assert desk.post(f"/customers/{customer.pk}/change/", form).status_code == 302
    customer.refresh_from_db()
    assert customer.segment == "standard"


def test_a_corrected_contact_gets_what_was_waiting(
    company: Company, customer: Customer, desk: Client
) -> None:
    grant(incident=company.incident(customer), offer=company.offers["coupon"], by=company.agent)
    email = contact(customer, "email")
    desk.post(
        f"/customers/{customer.pk}/contacts/{email.pk}/correct/",
        {"version": "1", "value": "m@example.org"},
    )
    email.refresh_from_db()
    assert email.value == "m@example.org"
    assert list(Message.objects.order_by("created_at").values_list("state", flat=True)) == [
        "failed",
        "queued",
    ]


def test_a_wrong_correction_stays_beside_its_box(customer: Customer, desk: Client) -> None:
    email = contact(customer, "email")
    answer = desk.post(
        f"/customers/{customer.pk}/contacts/{email.pk}/correct/",
        {"version": "1", "value": "not an address"},
    )
    text = answer.content.decode()
    assert answer.status_code == 422
    assert 'value="not an address"' in text
    assert "This is not an email address." in text
    email.refresh_from_db()
    assert email.value == "mariana.solis@example.com"


def test_a_stale_correction_says_what_is_there_now_and_keeps_the_text(
    company: Company, customer: Customer, desk: Client
) -> None:
    email = contact(customer, "email")
    path = f"/customers/{customer.pk}/contacts/{email.pk}/"
    assert '<input type="hidden" name="version" value="1">' in page(desk, customer)
    correct_contact(contact=email, version=1, value="zoe@example.net", by=company.colleague)
    mine = {"version": "1", "value": "mariana@example.org"}
    answer = desk.post(f"{path}correct/", mine)
    text = answer.content.decode()
    assert answer.status_code == 409
    assert "Somebody changed this while you were working. Your text is kept." in text
    assert "Saved now: <strong>z•••@example.net</strong>" in text
    assert "zoe@example.net" not in text
    assert 'value="mariana@example.org"' in text
    assert '<input type="hidden" name="version" value="2">' in text
    # Nor does putting away what is no longer there.
    removed = desk.post(f"{path}remove/", {"version": "1"}, follow=True).content.decode()
    assert "Somebody changed this contact while you were working." in removed
    email.refresh_from_db()
    assert (email.value, email.is_active) == ("zoe@example.net", True)
    assert desk.post(f"{path}correct/", {**mine, "version": "2"}).status_code == 302
    email.refresh_from_db()
    assert email.value == "mariana@example.org"


@pytest.mark.parametrize("version", ["", "0", "x", "9" * 30])
def test_a_contact_is_not_changed_without_having_been_looked_at(
    customer: Customer, desk: Client, version: str
) -> None:
    email = contact(customer, "email")
    path = f"/customers/{customer.pk}/contacts/{email.pk}/"
    form = {"version": version, "value": "m@example.org"}
    assert desk.post(f"{path}correct/", form).status_code in {409, 422}
    desk.post(f"{path}remove/", {"version": version})
    email.refresh_from_db()
    assert (email.value, email.is_active) == ("mariana.solis@example.com", True)


def test_contacts_are_added_and_put_away(customer: Customer, desk: Client) -> None:
    path = f"/customers/{customer.pk}/contacts/"
    assert desk.post(path, {"kind": "phone", "value": "12"}).status_code == 422
    desk.post(path, {"kind": "handle", "value": "@mariana"})
    handle = contact(customer, "handle")
    desk.post(f"{path}{handle.pk}/remove/", {"version": "1"})
    handle.refresh_from_db()
    assert not handle.is_active


def test_a_whole_contact_is_shown_for_a_reason_and_recorded(
    customer: Customer, desk: Client
) -> None:
    email = contact(customer, "email")
    path = f"/customers/{customer.pk}/contacts/{email.pk}/reveal/"
    refused = desk.post(path, {"reason": ""})
    assert refused.status_code == 422
    assert "mariana.solis" not in refused.content.decode()
    assert not AuditEvent.objects.filter(act="contact.revealed").exists()
    shown = desk.post(path, {"reason": "La llamo hoy"})
    assert "mariana.solis@example.com" in shown.content.decode()
    assert "no-store" in shown["Cache-Control"]
    event = AuditEvent.objects.get(act="contact.revealed")
    assert event.reason == "La llamo hoy"
    assert "mariana.solis" not in str(event.after)
    assert "mariana.solis" not in page(desk, customer)


def test_keyset_pages_keep_the_search(company: Company, desk: Client) -> None:
    for number in range(55):
        company.customer(name=f"Ana {number:02d}")
    first = desk.get("/customers/?q=ana")
    assert re.search(r"q=ana&(amp;)?after=|after=[^&]+&(amp;)?q=ana", first.context["next_url"])
    assert desk.get(first.context["next_url"]).status_code == 200
