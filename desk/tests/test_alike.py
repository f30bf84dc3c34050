"""A contact that is known already: the page asks whether it is the same person, and lets go on."""

import pytest
from django.test import Client

from compensations.tests.scenario import Company
from incidents.actions import save_draft
from incidents.models import Customer

KNOWN = {"phone": "998 123 4567", "email": "mariana.solis@example.com"}


@pytest.fixture
def mariana(company: Company) -> Customer:
    return company.customer(name="Mariana Solís", **KNOWN)


def ask(client: Client, **typed: str) -> str:
    return client.post("/customers/alike/", typed).content.decode()


@pytest.mark.parametrize(
    "typed",
    [
        {"phone": "+52 998 123 45 67", "email": ""},
        {"phone": "", "email": "Mariana.Solis@Example.com"},
    ],
)
def test_the_form_asks_with_a_link(typed: dict[str, str], mariana: Customer, desk: Client) -> None:
    text = ask(desk, **typed)
    assert "Is it this one?" in text
    assert f'href="/customers/{mariana.pk}/"' in text
    assert KNOWN["email"] not in text
    at_intake = {f"new_{name}": value for name, value in typed.items()}
    assert f'href="/incidents/new/?customer={mariana.pk}"' in ask(desk, **at_intake)


@pytest.mark.parametrize("phone", ["", "998 000 0000", "no number", "\x00"])
def test_nothing_is_asked_of_what_nobody_has(phone: str, mariana: Customer, desk: Client) -> None:
    assert ask(desk, phone=phone, email="").strip() == ""


def test_customers_of_another_market_are_not_told(
    elsewhere: Company, mariana: Customer, desk: Client
) -> None:
    elsewhere.customer(name="De lejos", phone="+52 998 765 4321")
    assert "De lejos" not in ask(desk, phone="+52 998 765 4321", email="")


def test_a_second_customer_with_the_same_contact_is_made_all_the_same(
    mariana: Customer, desk: Client
) -> None:
    answer = desk.post(
        "/customers/new/",
        {
            "name": "Su esposo",
            **KNOWN,
            "language": "es",
            "preferred_channel": mariana.preferred_channel,
        },
    )
    assert answer.status_code == 302, answer.content.decode()
    assert Customer.objects.filter(name="Su esposo").exists()


def test_picking_the_known_one_keeps_what_was_typed_of_the_case(
    company: Company, mariana: Customer, desk: Client
) -> None:
    save_draft(
        staff=company.agent,
        data={"new_name": "Mariana S.", "new_phone": KNOWN["phone"], "narrative": "Sin agua."},
    )
    text = desk.get(f"/incidents/new/?customer={mariana.pk}").content.decode()
    assert "Sin agua." in text
    assert f'value="{mariana.pk}"' in text
    assert 'name="new_name"' not in text
