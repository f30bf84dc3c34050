"""Invariant 26: no coupon code, password or whole contact where it can be read later.

One story from complaint to redemption runs with everything that leaves traces being watched: log
records at every level, task arguments, paths of addresses, and afterwards every column of every
table. A code may lie in the database only enciphered; a contact only where contacts are kept.
"""

import json
import logging
import re
from base64 import b64decode
from collections.abc import Callable
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.db import connection
from django.test import Client
from redis.connection import AbstractConnection

from accounts.tests.factories import PASSWORD, StaffFactory
from compensations.actions import grant, resend
from compensations.models import Compensation
from compensations.tests.calls import Caller, as_staff
from compensations.tests.scenario import Company, build, code_of
from delivery.models import Message
from delivery.sending import deliver
from delivery.states import MessageState
from incidents.actions import add_contact, correct_contact
from incidents.models import ContactPoint

EMAIL, CORRECTED = "mariana.solis@example.com", "mariana.s@example.com"
PHONE = "+525512345678"
AT_HOME = {"incidents_contactpoint", "accounts_staff"}


@pytest.fixture
def company(db: None) -> Company:
    return build()


class Traces:
    """What a story left behind."""

    def __init__(self) -> None:
        self.records: list[str] = []
        self.arguments: list[str] = []
        self.paths: list[str] = []


@pytest.fixture
def traces(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Traces:
    found = Traces()
    real = AbstractConnection.send_command

    def send(self: AbstractConnection, *words: Any, **more: Any) -> Any:
        # The last place before the wire, whichever way a task was asked for.
        if words[0] == "LPUSH":
            message = json.loads(words[2])
            body = b64decode(message.pop("body")).decode()
            found.arguments.append(repr((body, message)))
        return real(self, *words, **more)

    monkeypatch.setattr(AbstractConnection, "send_command", send)
    caplog.set_level(logging.DEBUG)
    return found


def _everything_stored() -> dict[str, str]:
    """Every row of every table as text; bytes as hexadecimal."""
    with connection.cursor() as cursor:
        found = {}
        for table in connection.introspection.table_names(cursor):
            name = connection.ops.quote_name(table)
            cursor.execute(f"SELECT coalesce(string_agg(row::text, E'\\n'), '') FROM {name} AS row")  # noqa: S608
            found[table] = cursor.fetchone()[0]
    return found


def _story(
    company: Company,
    traces: Traces,
    mailoutbox: list[EmailMessage],
    on_commit: Callable[..., Any],
) -> tuple[Compensation, str]:
    """Grants, delivers, corrects, resends, guesses wrong, redeems right and reverses."""
    customer = company.customer(email=EMAIL, phone=PHONE)
    with on_commit(execute=True):
        made = grant(
            incident=company.incident(customer), offer=company.offers["coupon"], by=company.agent
        )
    code = code_of(made)
    for message in Message.objects.all():
        deliver(message.pk)
    point = ContactPoint.objects.get(value=EMAIL)
    with on_commit(execute=True):
        correct_contact(contact=point, version=1, value=CORRECTED, by=company.agent)
        add_contact(customer=customer, kind="phone", value="3312345678", by=company.agent)
    with on_commit(execute=True):
        resend(compensation=made, by=company.agent)
    for message in Message.objects.filter(state=MessageState.QUEUED):
        deliver(message.pk)
    till = Caller(company.till_key)
    body = {"code": code, "external_transaction_id": "T-1", "location": "CUN"}
    answers = [
        till.post("/coupons/validate", {"code": code}),
        till.post("/coupons/redeem", {**body, "code": f"{code[:-1]}!"}),
        till.post("/coupons/redeem", body),
        till.post("/coupons/redeem", {**body, "external_transaction_id": "T-2"}),
        till.post("/coupons/reverse", {"code": code, "external_transaction_id": "T-1"}),
        as_staff(company.agent).get(f"/incidents/{made.incident.folio}/offers"),
        as_staff(company.agent).get("/compensations"),
    ]
    traces.paths += [answer.request["PATH_INFO"] for answer in answers]
    assert [answer.status_code for answer in answers][2] == 200, answers[2].content
    links = {match for mail in mailoutbox for match in re.findall(r"/p/[\w-]+", str(mail.body))}
    assert links
    for link in links:
        page = Client().get(f"{link}/")
        assert page.status_code == 200
        traces.paths.append(page.request["PATH_INFO"])
    return made, code


def test_a_story_leaves_no_secret_behind(
    company: Company,
    traces: Traces,
    caplog: pytest.LogCaptureFixture,
    mailoutbox: list[EmailMessage],
    django_capture_on_commit_callbacks: Callable[..., Any],
) -> None:
    _made, code = _story(company, traces, mailoutbox, django_capture_on_commit_callbacks)
    traces.records += [
        f"{record.getMessage()} {record.exc_text or ''} {record.args!r}"
        for record in caplog.records
    ]
    bare = code.replace("-", "").replace(" ", "")
    assert len(bare) == 16
    assert traces.arguments, "nothing was queued: the story proves nothing"
    told = "\n".join(traces.records + traces.arguments + traces.paths)
    for secret in (code, bare, EMAIL, CORRECTED, PHONE, PHONE[3:], "3312345678"):
        assert secret not in told
    for table, text in _everything_stored().items():
        for secret in (code, bare, bare.lower(), bare.encode().hex()):
            assert secret not in text, table
        if table not in AT_HOME:
            for contact in (EMAIL, CORRECTED, PHONE, "3312345678"):
                assert contact not in text, table


def test_the_watch_would_see_a_secret(company: Company) -> None:
    """Negative control: what is kept on purpose is found where it is kept."""
    customer = company.customer(email=EMAIL)
    assert EMAIL in _everything_stored()["incidents_contactpoint"]
    made = grant(
        incident=company.incident(customer), offer=company.offers["coupon"], by=company.agent
    )
    assert made.pk.hex in _everything_stored()["compensations_coupon"].replace("-", "")


def test_a_password_is_nowhere(
    company: Company, caplog: pytest.LogCaptureFixture, client: Client
) -> None:
    caplog.set_level(logging.DEBUG)
    staff = StaffFactory.create(market=company.market, roles=["agent"])
    for password in (PASSWORD, PASSWORD + "x"):
        client.post("/accounts/login/", {"login": staff.username, "password": password})
    assert PASSWORD not in caplog.text
    for table, text in _everything_stored().items():
        assert PASSWORD not in text, table
