"""Intake: one form from look-up to saved case, its panel, its draft, and sending it twice."""

import re
import uuid

import pytest
from django.test import Client

from accounts.models import Staff
from compensations.actions import grant
from compensations.tests.scenario import Company
from incidents.models import Customer, Incident, IntakeDraft, Note

from .conftest import SignIn

NEW = "/incidents/new/"


def typed(company: Company, **changed: str) -> dict[str, str]:
    """A complete form for a customer who is new."""
    return {
        "once": uuid.uuid4().hex,
        "customer": "",
        "customer_text": "Inés Núñez",
        "new_name": "Inés Núñez",
        "new_phone": "998 123 4567",
        "new_email": "ines@example.com",
        "category": str(company.category.pk),
        "severity": "moderate",
        "suggested": "moderate",
        "severity_reason": "",
        "narrative": "El cuarto olía a humedad.",
        "kind": "claim",
        "channel": "phone",
        "location": str(company.location.pk),
        "order_ref": "H-88213",
        "amount": "1,620.50",
        "occurred_at": "",
        **changed,
    }


def test_a_case_with_its_customer_is_saved_at_once(company: Company, desk: Client) -> None:
    answer = desk.post(NEW, typed(company))
    incident = Incident.objects.get()
    assert answer["Location"] == f"/incidents/{incident.folio}/"
    assert incident.customer.name == "Inés Núñez"
    assert set(incident.customer.contacts.values_list("value", flat=True)) == {
        "+529981234567",
        "ines@example.com",
    }
    assert incident.amount_at_stake_minor == 1620_50
    assert incident.owner == company.agent
    assert incident.location == company.location


def test_the_severity_is_the_suggested_one_unless_chosen(company: Company, desk: Client) -> None:
    desk.post(NEW, typed(company, severity=""))
    assert Incident.objects.get().severity == "moderate"


def test_another_severity_asks_why_and_keeps_everything(company: Company, desk: Client) -> None:
    answer = desk.post(NEW, typed(company, severity="critical"))
    text = answer.content.decode()
    assert answer.status_code == 422
    assert not Incident.objects.exists()
    assert not Customer.objects.exists()
    assert "El cuarto olía a humedad." in text
    assert "Inés Núñez" in text
    assert re.search(r'name="severity_reason"[^>]*autofocus', text)
    reasoned = typed(company, severity="critical", severity_reason="Hay un bebé")
    assert desk.post(NEW, reasoned).status_code == 302
    assert Incident.objects.get().severity_reason == "Hay un bebé"


@pytest.mark.parametrize("amount", ["1.620,50", "1,62", "abc", "-5"])
def test_an_amount_is_read_strictly_as_the_market_writes_it(
    amount: str, company: Company, desk: Client
) -> None:
    answer = desk.post(NEW, typed(company, amount=amount))
    assert answer.status_code == 422
    assert "Write the amount like" in answer.content.decode()
    assert not Incident.objects.exists()


@pytest.mark.parametrize("amount", ["abc", "-50"])
def test_a_bad_amount_takes_the_focus(amount: str, company: Company, desk: Client) -> None:
    text = desk.post(NEW, typed(company, amount=amount)).content.decode()
    assert re.search(r'name="amount"[^>]*autofocus', text)
    assert re.search(r'name="amount"[^>]*aria-invalid="true"', text)
    assert text.count("autofocus") == 1


def test_a_moment_to_come_is_shown_and_takes_the_focus(company: Company, desk: Client) -> None:
    text = desk.post(NEW, typed(company, occurred_at="2099-01-01T10:00")).content.decode()
    assert re.search(r"<details[^>]* open", text)
    assert re.search(r'name="occurred_at"[^>]*autofocus', text)


def test_all_that_is_wrong_is_said_at_once(company: Company, desk: Client) -> None:
    wrong = typed(
        company,
        new_phone="998 123",
        new_email="trial@@example",
        severity="critical",
        amount="-50",
        occurred_at="2099-01-01T10:00",
    )
    answer = desk.post(NEW, wrong)
    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == {
        "new_phone",
        "new_email",
        "severity_reason",
        "amount",
        "occurred_at",
    }
    assert re.search(r'name="new_phone"[^>]*autofocus', answer.content.decode())


def test_boxes_of_a_new_customer_say_nothing_once_one_is_picked(
    company: Company, desk: Client
) -> None:
    picked = typed(company, customer=str(company.customer().pk), new_phone="998 123")
    assert desk.post(NEW, picked).status_code == 302


def test_the_reason_is_not_called_optional_where_it_is_needed(
    company: Company, desk: Client
) -> None:
    data = {"category": str(company.category.pk), "severity": "critical", "suggested": "moderate"}
    label = re.search(r'for="id_severity_reason">(.*?)</label>', panel(desk, **data))
    assert label is not None
    assert "optional" not in label[1]


def test_words_that_are_too_long_are_kept_whole_and_refused(company: Company, desk: Client) -> None:
    page = desk.get(NEW).content.decode()
    assert 'data-most="5000"' in page
    assert not re.search(r'name="narrative"[^>]*maxlength', page)
    words = "a" * 5001
    answer = desk.post(NEW, typed(company, narrative=words))
    assert answer.status_code == 422
    assert words in answer.content.decode()
    # A line ends in one character for whoever counts, in two on the way here.
    fits = "\r\n".join(["a"] * 2500)
    assert desk.post(NEW, typed(company, narrative=fits)).status_code == 302
    assert len(Incident.objects.get().narrative) == 4999


def test_the_customer_has_to_be_named(company: Company, desk: Client) -> None:
    nobody = desk.post(NEW, typed(company, customer_text="", new_name=""))
    assert "Look the customer up" in nobody.content.decode()
    unpicked = desk.post(NEW, typed(company, new_name=""))
    text = unpicked.content.decode()
    assert "Pick the customer from the list" in text
    assert re.search(r'name="new_name"[^>]*autofocus', text)
    assert not Incident.objects.exists()


def test_without_scripts_the_customer_is_picked_on_the_next_page(
    company: Company, desk: Client
) -> None:
    customer = company.customer()
    form = typed(company, customer_text="solis", new_name="")
    text = desk.post(NEW, form).content.decode()
    assert f'type="radio" name="customer" value="{customer.pk}"' in text
    picked = {**form, "customer": ["", str(customer.pk)]}
    assert desk.post(NEW, picked).status_code == 302
    assert Incident.objects.get().customer == customer


def test_a_customer_of_another_market_is_not_taken(
    company: Company, elsewhere: Company, desk: Client
) -> None:
    stranger = elsewhere.customer()
    answer = desk.post(NEW, typed(company, customer=str(stranger.pk), new_name=""))
    assert answer.status_code == 422
    assert not Incident.objects.exists()


def test_the_same_form_twice_is_one_case(company: Company, desk: Client) -> None:
    form = typed(company)
    first, second = desk.post(NEW, form), desk.post(NEW, form)
    assert first["Location"] == second["Location"]
    assert Incident.objects.count() == 1
    assert Customer.objects.count() == 1


def test_the_same_form_mended_is_taken(company: Company, desk: Client) -> None:
    form = typed(company, severity="critical")
    assert desk.post(NEW, form).status_code == 422
    assert desk.post(NEW, {**form, "severity_reason": "Hay un bebé"}).status_code == 302
    assert Incident.objects.count() == 1


def test_save_and_next_starts_another_with_the_last_defaults(
    company: Company, desk: Client
) -> None:
    answer = desk.post(NEW, typed(company, then="next", channel="whatsapp"))
    assert answer["Location"] == NEW
    page = desk.get(NEW).content.decode()
    assert Incident.objects.get().folio in page
    assert re.search(r'value="whatsapp" selected', page)
    assert re.search(rf'value="{company.location.pk}" selected', page)


def test_the_draft_survives_the_session(company: Company, desk: Client, signed_in: SignIn) -> None:
    draft = {"narrative": "A medias", "amount": "12", "once": "abc", "unknown": "x"}
    assert desk.post(f"{NEW}draft/", draft).status_code == 204
    desk.logout()
    assert desk.post(f"{NEW}draft/", {"narrative": "Sin sesión"}).status_code == 302
    page = signed_in(company.agent).get(NEW).content.decode()
    assert "A medias" in page
    assert "is here again" in page
    assert IntakeDraft.objects.get().data == {"narrative": "A medias", "amount": "12"}


def test_saving_ends_the_draft_and_a_late_one_is_dropped(company: Company, desk: Client) -> None:
    form = typed(company)
    desk.post(f"{NEW}draft/", form)
    desk.post(NEW, form)
    assert not IntakeDraft.objects.exists()
    assert desk.post(f"{NEW}draft/", form).status_code == 204
    assert not IntakeDraft.objects.exists()


def test_starting_over_throws_the_draft_away(desk: Client) -> None:
    desk.post(f"{NEW}draft/", {"narrative": "A medias"})
    desk.post(f"{NEW}start-over/")
    assert not IntakeDraft.objects.exists()


def test_look_up_finds_by_part_and_offers_to_create(company: Company, desk: Client) -> None:
    customer = company.customer(name="Núria Peña", phone="998 555 1234")
    for text in ("nuria pen", "5551234"):
        page = desk.get(f"{NEW}look-up/", {"customer_text": text}).content.decode()
        assert str(customer.pk) in page, text
        assert "•••• •• 34" in page
        assert "998555" not in page
        assert f"Create “{text}”" in page


def test_look_up_shows_nobody_of_another_market(elsewhere: Company, desk: Client) -> None:
    elsewhere.customer(name="Zacarías Lejano")
    page = desk.get(f"{NEW}look-up/", {"customer_text": "Zacarías"}).content.decode()
    assert "data-value" not in page


@pytest.mark.parametrize(
    ("text", "box"),
    [
        ("998 123 4567", "new_phone"),
        ("Ana@Example.com", "new_email"),
        ("Ana Lucía", "new_name"),
    ],
)
def test_what_was_typed_goes_to_its_box(text: str, box: str, desk: Client) -> None:
    page = desk.post(f"{NEW}customer/", {"customer_text": text}).content.decode()
    value = text.lower() if "@" in text else text
    assert re.search(rf'name="{box}" value="{value}"', page)


def test_a_picked_customer_needs_no_boxes(company: Company, desk: Client) -> None:
    data = {"customer_text": "Mariana", "customer": str(company.customer().pk)}
    assert desk.post(f"{NEW}customer/", data).content == b""


def panel(desk: Client, **data: str) -> str:
    return desk.post(f"{NEW}panel/", data).content.decode()


def test_the_panel_shows_cases_offers_and_the_suggestion(company: Company, desk: Client) -> None:
    customer = company.customer()
    incident = company.incident(customer, order_ref="H-1")
    text = panel(
        desk,
        customer=str(customer.pk),
        category=str(company.category.pk),
        amount="1,000.00",
        order_ref="H-1",
    )
    assert incident.folio in text
    assert "Add to this case instead" in text
    assert "This order is known" in text
    assert re.search(r'value="moderate"[^>]*checked', text)
    assert "$100.00 \u2013 $300.00" in text
    assert 'name="suggested" value="moderate"' in text


def test_the_panel_tells_what_was_given_for_the_order(company: Company, desk: Client) -> None:
    customer = company.customer()
    incident = company.incident(customer, order_ref="H-1")
    grant(incident=incident, offer=company.offers["coupon"], by=company.agent)
    text = panel(desk, customer=str(customer.pk), order_ref="H-1")
    assert "Already given for this order" in text


def test_the_panel_leads_to_the_case_of_a_known_order(company: Company, desk: Client) -> None:
    first = company.incident(order_ref="H-1")
    grant(incident=first, offer=company.offers["coupon"], by=company.agent)
    second = company.incident(order_ref="H-1")
    grant(incident=second, offer=company.offers["gift_card"], by=company.agent)
    company.incident(order_ref="H-2")
    text = panel(desk, order_ref="H-1")
    assert f'<a class="nowrap" href="/incidents/{second.folio}/">{second.folio}</a>' in text
    assert "$700.00 already given" in text
    assert "already given" not in panel(desk, order_ref="H-2")


def test_the_panel_words_an_offer_as_the_case_does(company: Company, desk: Client) -> None:
    incident = company.incident()
    text = panel(desk, category=str(company.category.pk), amount="2,000.00")
    page = desk.get(f"/incidents/{incident.folio}/").content.decode()
    offers = company.offers.values()
    assert all(offer.name in text for offer in offers)
    bodies = re.findall(r'<span class="choice-body">(.*?)</span></li>', text, re.S)
    assert len(bodies) == len(offers)
    for body in bodies:
        assert " ".join(body.split()) in " ".join(page.split())
    assert "90 days" in text
    assert "usual $200.00" in " ".join(text.split())
    assert "needs approval" in text


def test_the_panel_fills_the_amount_an_order_brings(company: Company, desk: Client) -> None:
    company.incident(order_ref="H-1", amount_at_stake_minor=2_345_00)
    assert 'value="2,345.00"' in panel(desk, order_ref="H-1")
    assert 'name="amount"' not in panel(desk, order_ref="H-1", amount="10")


def test_the_severity_box_is_left_alone_unless_it_changes(company: Company, desk: Client) -> None:
    data = {"category": str(company.category.pk), "severity": "moderate", "suggested": "moderate"}
    assert 'id="severity-box"' in panel(desk, **data)
    same = {**data, "box": f"{company.category.pk}-moderate"}
    assert 'id="severity-box"' not in panel(desk, **same)


def test_the_panel_survives_half_a_form(desk: Client) -> None:
    text = panel(desk, customer="x", category="y", severity="z", amount="1.1.1", order_ref="\u00e1")
    assert "Choose the category" in text


def test_adding_to_a_case_instead_keeps_the_words(company: Company, desk: Client) -> None:
    incident = company.incident()
    desk.post(f"{NEW}draft/", {"narrative": "Sigue igual"})
    form = {"narrative": "Sigue igual", "channel": "phone", "once": "t1"}
    for _again in range(2):
        answer = desk.post(f"/incidents/{incident.folio}/add/", form)
        assert answer["Location"] == f"/incidents/{incident.folio}/"
    assert "Sigue igual" in Note.objects.get().body
    assert not IntakeDraft.objects.exists()
    assert Incident.objects.count() == 1


def test_a_case_can_start_from_its_customer(company: Company, desk: Client) -> None:
    customer = company.customer()
    page = desk.get(NEW, {"customer": str(customer.pk)}).content.decode()
    assert f'value="{customer.pk}"' in page
    assert 'value="Mariana Solís"' in page


def test_each_person_has_a_draft_of_their_own(
    company: Company, desk: Client, signed_in: SignIn
) -> None:
    desk.post(f"{NEW}draft/", {"narrative": "De la agente"})
    other: Staff = company.colleague
    assert "De la agente" not in signed_in(other).get(NEW).content.decode()
