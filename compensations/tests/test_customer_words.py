"""What a customer's mail and page are sorry for, whatever label an agent's category has."""

import datetime as dt
import tomllib
from pathlib import Path

import pytest
from django.utils import translation

from compensations.actions import grant
from compensations.customer_words import apology, worth
from compensations.messages import render, resolve
from compensations.tests.scenario import Company, build
from delivery.models import Message
from incidents.models import Category, Incident

CONTENT = Path(__file__).resolve().parents[2] / "recovery" / "demo" / "content"
NOW = dt.datetime(2026, 11, 29, 18, tzinfo=dt.UTC)


@pytest.fixture
def company(db: None) -> Company:
    return build()


@pytest.fixture
def incident(company: Company) -> Incident:
    row = company.incident(location=company.location)
    row.occurred_at = dt.datetime(2026, 11, 28, 18, tzinfo=dt.UTC)
    return row


def say(incident: Incident, language: str) -> str:
    with translation.override(language):
        return apology(incident, zone="America/Mexico_City", now=NOW)


def test_a_label_stands_in_brackets_and_a_sentence_is_whole_without(incident: Incident) -> None:
    incident.category = Category(
        code="ac", name_es="Aire acondicionado", name_en="Air conditioning"
    )
    place = incident.location
    assert place is not None
    assert say(incident, "en") == (
        f"We are sorry for what happened on Nov 28 at {place.name} (air conditioning)."
    )
    assert say(incident, "es") == (
        f"Lamentamos lo que pasó el 28 de noviembre en {place.name} (aire acondicionado)."
    )
    incident.location = None
    assert say(incident, "en").endswith("on Nov 28 (air conditioning).")
    incident.category = Category(
        code="unlisted", name_es="No está en la lista", name_en="Not listed"
    )
    assert say(incident, "en") == "We are sorry for what happened on Nov 28."
    assert say(incident, "es") == "Lamentamos lo que pasó el 28 de noviembre."


def test_another_year_is_said(incident: Incident) -> None:
    incident.occurred_at = dt.datetime(2025, 12, 31, 18, tzinfo=dt.UTC)
    assert "31 de diciembre de 2025" in say(incident, "es")


@pytest.mark.parametrize("content", ["hotel", "delivery"])
def test_no_label_is_taken_for_a_sentence(incident: Incident, content: str) -> None:
    reasons = tomllib.loads((CONTENT / f"{content}_categories.toml").read_text())["reasons"]
    for reason in reasons:
        for row in (reason, *reason["subs"]):
            es, en = row["name"]
            incident.category = Category(code=row["code"], name_es=es, name_en=en)
            for language, label in (("es", es), ("en", en)):
                sentence = say(incident, language)
                silent = row["code"] in {"other", "unlisted"}
                assert sentence.endswith(f"({label[0].lower()}{label[1:]}).") is not silent
                assert ":" not in sentence


def test_an_abbreviation_keeps_its_capitals(incident: Incident) -> None:
    incident.category = Category(code="tv", name_es="TV sin señal", name_en="TV without signal")
    assert say(incident, "en").endswith("(TV without signal).")


def test_the_mail_says_it_in_text_and_html_alike(company: Company, incident: Incident) -> None:
    incident.save()
    grant(incident=incident, offer=company.offers["coupon"], by=company.agent)
    mail = render(Message.objects.get())
    assert "(habitación no lista). Gracias por decírnoslo." in mail.text
    assert "(habitación no lista). Gracias por decírnoslo." in mail.html


def test_whoever_an_import_did_not_name_is_written_to_without_a_name(company: Company) -> None:
    incident = company.incident()
    customer = incident.customer
    customer.name, customer.external_ref = "Sin identificar (quejas)", "~quejas"
    customer.save()
    grant(incident=incident, offer=company.offers["coupon"], by=company.agent)
    message = Message.objects.get()
    recipient = resolve(message)
    assert recipient is not None
    assert recipient.name == ""
    mail = render(message)
    assert "Hola\n" in mail.text
    assert "Sin identificar" not in mail.text + mail.html


def test_an_amount_names_its_currency_where_another_language_is_read(company: Company) -> None:
    with translation.override("es"):
        assert worth(500_50, company.market) == "$500.50"
    with translation.override("en"):
        assert worth(500_50, company.market) == "$500.50\xa0MXN"
