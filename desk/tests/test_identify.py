"""Giving an imported case its customer: picked, new, refused where something was granted."""

import pytest
from django.db import DatabaseError, transaction
from django.test import Client

from audit.models import AuditEvent
from compensations.actions import grant, void
from compensations.identities import GrantedToNobody
from compensations.tests.scenario import Company
from incidents.actions import identify_customer
from incidents.actions.identifying import CustomerKnown
from incidents.models import Customer, Incident
from incidents.models.customers import UNNAMED


@pytest.fixture
def nobody(company: Company) -> Customer:
    """The placeholder of an import."""
    row = company.customer(name="Sin identificar (quejas.csv)", email="")
    Customer.objects.filter(pk=row.pk).update(external_ref=f"{UNNAMED}import:1")
    row.refresh_from_db()
    return row


@pytest.fixture
def case(company: Company, nobody: Customer) -> Incident:
    return company.incident(nobody)


def test_a_case_without_a_customer_offers_to_name_them(
    company: Company, desk: Client, case: Incident, nobody: Customer
) -> None:
    address = f"/incidents/{case.folio}/customer/"
    for page in (f"/incidents/{case.folio}/", f"/incidents/{case.folio}/change/"):
        assert f'href="{address}"' in desk.get(page).content.decode()
    mariana = company.customer()
    found = desk.get(f"{address}look-up/", {"customer_text": "Sin identificar"}).content.decode()
    assert str(nobody.pk) not in found
    found = desk.get(f"{address}look-up/", {"customer_text": "mariana"}).content.decode()
    assert str(mariana.pk) in found
    assert desk.get(address).status_code == 200
    sent = {"version": case.version, "customer": mariana.pk, "customer_text": "Mariana"}
    answer = desk.post(address, sent)
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/incidents/{case.folio}/")
    case.refresh_from_db()
    assert (case.customer, case.version) == (mariana, 2)
    event = AuditEvent.objects.get(act="incident.identified")
    assert event.before == {"customer": str(nobody.pk)}
    assert event.after == {"customer": str(mariana.pk)}
    page = desk.get(f"/incidents/{case.folio}/").content.decode()
    assert "The customer was identified" in page
    assert f'href="{address}"' not in page
    # A person's case stays theirs.
    assert desk.get(address).status_code == 302
    assert desk.post(address, {**sent, "version": 2}).status_code == 422


def test_a_new_customer_is_created_along_or_not_at_all(
    company: Company, desk: Client, case: Incident
) -> None:
    address = f"/incidents/{case.folio}/customer/"
    before = Customer.objects.count()
    new = {"customer_text": "Ana", "new_name": "Ana Ruiz", "new_email": "ana@example.com"}
    stale = desk.post(address, {**new, "version": 7})
    assert stale.status_code == 409
    assert b'value="Ana Ruiz"' in stale.content
    assert Customer.objects.count() == before
    nameless = desk.post(address, {"version": 1, "customer_text": "Ana"})
    assert nameless.status_code == 422
    assert b"write the name of a new one" in nameless.content
    assert desk.post(address, {**new, "version": 1}).status_code == 302
    case.refresh_from_db()
    assert case.customer.name == "Ana Ruiz"
    assert Customer.objects.count() == before + 1


def test_what_was_granted_holds_the_case_until_it_is_voided(
    company: Company, desk: Client, case: Incident
) -> None:
    mariana = company.customer()
    given = grant(incident=case, offer=company.offers["coupon"], by=company.agent)
    case.refresh_from_db()
    with pytest.raises(GrantedToNobody):
        identify_customer(incident=case, customer=mariana, version=case.version, by=company.agent)
    sent = {"version": case.version, "customer": mariana.pk, "customer_text": "Mariana"}
    answer = desk.post(f"/incidents/{case.folio}/customer/", sent)
    assert answer.status_code == 422
    assert "Something was granted" in answer.content.decode()
    void(compensation=given, reason="No era ella", by=company.agent)
    case.refresh_from_db()
    identify_customer(incident=case, customer=mariana, version=case.version, by=company.agent)
    case.refresh_from_db()
    assert case.customer == mariana
    again = grant(incident=case, offer=company.offers["coupon"], by=company.agent)
    assert again.customer == mariana


def test_a_person_s_case_never_moves_from_any_door(
    company: Company, case: Incident, nobody: Customer
) -> None:
    mariana, other = company.customer(), company.customer(name="Otra")
    own = company.incident(mariana)
    with pytest.raises(CustomerKnown):
        identify_customer(incident=own, customer=other, version=1, by=company.agent)
    for row, customer in ((own, other), (own, nobody)):
        with pytest.raises(DatabaseError), transaction.atomic():
            Incident.objects.filter(pk=row.pk).update(customer=customer)
    Incident.objects.filter(pk=case.pk).update(customer=mariana)
