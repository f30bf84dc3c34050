"""The auditor's pages: rows in words, filters that hold, one life, a file, a verdict."""

import ast
import csv
import datetime as dt
import io
import re
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import translation

from accounts.models import Market, RoleGrant, Staff
from accounts.states import Role
from audit.actions import SYSTEM, record
from audit.models import AuditEvent, Seal
from audit.tests.support import seal_all, tamper
from common.errors import NotFound
from compensations.actions import grant, redeem, void
from compensations.tests.scenario import Company, build, code_of, person
from delivery.states import MessageState
from incidents.actions import add_note, reveal_contact
from incidents.models import ContactPoint
from reporting import trail_words
from reporting.selectors import trail

pytestmark = pytest.mark.django_db


@pytest.fixture
def company() -> Company:
    made = build()
    made.limit("agent", "day", "amount", 1_000_000_00)
    return made


@pytest.fixture
def carmen(company: Company) -> Staff:
    return person(company.market, "carmen", Role.AUDITOR)


@pytest.fixture
def reader(carmen: Staff) -> Client:
    client = Client()
    client.force_login(carmen)
    return client


def _page(reader: Client, **query: Any) -> str:
    answer = reader.get(reverse("audit-trail"), query)
    assert answer.status_code == 200
    return answer.content.decode()


def _texts(staff: Staff, **asked: Any) -> list[str]:
    markets = trail.audited_markets(staff)
    rows = trail.asked_rows(markets, trail.Asked(**asked))
    home = next(iter(markets.by_code.values()))
    return [line.text for line in trail.lines_of(rows.order_by("pk"), markets, home)]


def test_rows_are_sentences(company: Company, carmen: Staff) -> None:
    case = company.incident()
    made = grant(incident=case, offer=company.offers["coupon"], by=company.agent)
    reveal_contact(
        contact=ContactPoint.objects.get(customer=case.customer), reason="llamar", by=company.agent
    )
    with translation.override("en"):
        said = _texts(carmen, thing=case.folio)
        assert f"Logged case {case.folio}" in said
        granted = next(text for text in said if text.startswith("Granted"))
        assert made.offer.name in granted
        assert case.folio in granted
        assert "$" in granted
        assert f"Saw a whole contact of customer {case.customer.name}" in _texts(
            carmen, act="contact.revealed"
        )


def test_an_unknown_act_is_told_by_its_name(company: Company, carmen: Staff) -> None:
    with transaction.atomic():
        record(
            act="gadget.bent",
            by=SYSTEM,
            object_kind="gadget",
            object_id="7",
            market_code=company.market.code,
        )
    with translation.override("en"):
        assert _texts(carmen, act="gadget.bent") == ["Recorded: gadget.bent, gadget 7"]


def _recorded_acts() -> Iterator[str]:
    """Every text in the modules that write which has the form of an act of a known family."""
    families = sorted({act.split(".")[0] for act in trail_words.SENTENCES})
    form = re.compile(rf"({'|'.join(families)})\.[a-z_]+")
    for path in Path(settings.BASE_DIR).glob("*/actions*/**/*.py"):
        if {"tests", ".venv"} & set(path.parts):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and form.fullmatch(str(node.value)):
                yield str(node.value)


def test_every_recorded_act_has_its_sentence() -> None:
    acts = set(_recorded_acts())
    assert len(acts) > 50
    # The last is a message's template, not an act.
    assert acts <= {*trail_words.SENTENCES, "report.nightly"}
    states = {f"message.{state}" for state in MessageState.values}
    assert states <= set(trail_words.SENTENCES)


@pytest.mark.parametrize("language", ["en", "es"])
def test_every_sentence_can_be_said_of_a_bare_row(company: Company, language: str) -> None:
    with translation.override(language):
        for act in trail_words.SENTENCES:
            bare = AuditEvent(act=act, object_kind="incident", object_id="x", actor_name="A")
            told = trail_words.Told(bare, company.market, name="", case="", offer="")
            assert trail_words.sentence(bare, told)


def test_filters_hold(company: Company, carmen: Staff) -> None:
    first, other = company.incident(), company.incident()
    add_note(incident=first, body="una nota", by=company.agent)
    add_note(incident=other, body="otra nota", by=company.supervisor)
    all_rows = len(_texts(carmen))
    by_agent = len(_texts(carmen, person=company.agent.name))
    assert 0 < by_agent < all_rows
    assert len(_texts(carmen, act="note.added")) == 2
    assert len(_texts(carmen, act="note.added", person=company.supervisor.name)) == 1
    assert len(_texts(carmen, act="note.added", thing=first.folio.lower())) == 1
    row = AuditEvent.objects.filter(act="note.added").latest("pk")
    assert len(_texts(carmen, thing=str(row.pk))) == 1
    assert len(_texts(carmen, thing=f"#{row.pk}")) == 1
    assert len(_texts(carmen, thing=row.object_id)) == 1
    today = row.at.date()
    assert len(_texts(carmen, since=today, until=today)) == all_rows
    assert _texts(carmen, until=today.replace(year=2020)) == []
    for nothing in ({"thing": "MX-0"}, {"person": "Nobody"}, {"market": "ZZ"}, {"act": "x.y"}):
        assert _texts(carmen, **nothing) == []


def test_dates_the_wrong_way_round_are_said_beside_the_last_one(
    company: Company, reader: Client
) -> None:
    add_note(incident=company.incident(), body="una nota", by=company.agent)
    filters = '<details class="disclosure" open>'
    said = translation.gettext("The last date is before the first one.")
    page = _page(reader, since="2026-01-02", until="2026-01-01")
    assert said in page
    assert filters in page
    assert 'value="2026-01-01"' in page
    page = _page(reader, since="2026-01-01", until="2026-01-01")
    assert said not in page
    assert filters not in page


def test_rows_of_other_markets_are_not_there(carmen: Staff, reader: Client) -> None:
    abroad = build(code="CO")
    case = abroad.incident()
    row = AuditEvent.objects.filter(object_id=str(case.pk)).latest("pk")
    with transaction.atomic():
        record(act="staff.password", by=SYSTEM, object_kind="staff", object_id=str(carmen.pk))
    for asked in (
        {"thing": case.folio},
        {"thing": str(case.pk)},
        {"thing": str(row.pk)},
        {"market": abroad.market.code},
        {"person": abroad.agent.name},
        {"act": "staff.password"},
    ):
        assert _texts(carmen, **asked) == []
    life = reader.get(reverse("audit-life", args=["incident", case.pk]))
    nowhere = reader.get(reverse("audit-life", args=["incident", uuid.uuid4()]))
    assert life.status_code == nowhere.status_code == 404


def test_who_audits_every_market_reads_what_belongs_to_none(carmen: Staff) -> None:
    with transaction.atomic():
        record(act="staff.password", by=SYSTEM, object_kind="staff", object_id=str(carmen.pk))
    assert len(_texts(carmen, act="staff.password")) == 1


def test_each_row_has_the_clock_of_its_market_and_says_so(carmen: Staff) -> None:
    """Two markets in one list: the same moment is told as each case tells it."""
    abroad = build(code="CO")
    Market.objects.filter(pk=abroad.market.pk).update(time_zone="America/Bogota")
    RoleGrant.objects.create(staff=carmen, market=abroad.market, role=Role.AUDITOR)
    reader = Client()
    reader.force_login(Staff.objects.get(pk=carmen.pk))
    case = abroad.incident()
    with transaction.atomic():
        record(act="staff.password", by=SYSTEM, object_kind="staff", object_id=str(carmen.pk))
    row = AuditEvent.objects.get(object_id=str(case.pk), act="incident.opened")
    bogota = row.at.astimezone(ZoneInfo("America/Bogota"))
    page = _page(reader, act="incident.opened", thing=case.folio)
    assert f"{bogota:%H:%M:%S} <span" in page
    assert "UTC\u22125" in page
    nowhere = AuditEvent.objects.get(act="staff.password")
    page = _page(reader, act="staff.password")
    assert f"{nowhere.at.astimezone(dt.UTC):%H:%M:%S} <span" in page
    assert ">UTC<" in page
    answer = reader.get(reverse("audit-life", args=["incident", case.pk])).content.decode()
    assert f">{bogota:%H:%M}</time>" in answer
    assert "UTC\u22125" in answer
    taken = reader.get(reverse("audit-trail"), {"export": "csv", "act": "incident.opened"})
    rows = list(csv.reader(io.StringIO(taken.content.decode().removeprefix("\ufeff"))))
    assert [f"{bogota:%Y-%m-%d %H:%M}", "UTC\u22125"] in [one[1:3] for one in rows]


def test_pages_follow_one_another(
    company: Company, carmen: Staff, reader: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trail, "PAGE", 4)
    for _number in range(3):
        company.incident()
    keys = list(AuditEvent.objects.order_by("-pk").values_list("pk", flat=True))
    rows = trail.rows_of(trail.audited_markets(carmen))
    seen: list[int] = []
    page = trail.page_of(rows)
    assert page.newer is None
    while True:
        seen += [row.pk for row in page.rows]
        if page.older is None:
            break
        page = trail.page_of(rows, before=page.older)
        assert page.newer == page.rows[0].pk
    assert seen == [key for key in keys if key in set(rows.values_list("pk", flat=True))]
    back = trail.page_of(rows, after=page.rows[0].pk)
    assert [row.pk for row in back.rows] == seen[seen.index(page.rows[0].pk) - 4 :][:4]
    for junk in ("x", "-1", "9" * 40, "１"):  # noqa: RUF001
        assert "<table" in _page(reader, before=junk)


def test_one_life_holds_what_belongs_to_it(company: Company, carmen: Staff, reader: Client) -> None:
    case, other = company.incident(), company.incident()
    made = grant(incident=case, offer=company.offers["coupon"], by=company.agent)
    grant(incident=other, offer=company.offers["coupon"], by=company.agent)
    redeemed = grant(incident=case, offer=company.offers["gift_card"], by=company.agent)
    redeem(
        code=code_of(redeemed),
        external_transaction_id="sale-1",
        market=company.market,
        location=company.location,
        by=company.cashier,
    )
    void(compensation=made, reason="por error", by=company.supervisor)
    markets = trail.audited_markets(carmen)
    with translation.override("en"):
        life = trail.life_of("incident", str(case.pk), markets, company.market)
        text = "\n".join(line.text for line in life.lines)
        for word in ("Logged case", "Granted", "Voided", "Redeemed", "took room", "gave room"):
            assert word in text, word
        assert other.folio not in text
        assert life.folio == case.folio
        assert [line.at for line in life.lines] == sorted(line.at for line in life.lines)
        coupon = trail.life_of("compensation", str(made.pk), markets, company.market)
        said = "\n".join(line.text for line in coupon.lines)
        assert "Voided" in said
        assert "Redeemed" not in said
    answer = reader.get(reverse("audit-life", args=["incident", case.pk]))
    assert answer.status_code == 200
    assert case.folio in answer.content.decode()


def test_a_persons_life_is_not_another_things_of_the_same_number(
    company: Company, carmen: Staff
) -> None:
    markets = trail.audited_markets(carmen)
    number = str(company.market.pk)
    with transaction.atomic():
        for kind in ("location", "market"):
            record(
                act=f"{kind}.change",
                by=SYSTEM,
                object_kind=kind,
                object_id=number,
                market_code=company.market.code,
                after={"name": "x"},
            )
    life = trail.life_of("location", number, markets, company.market)
    assert [line.event.object_kind for line in life.lines if line.event] == ["location"]
    with pytest.raises(NotFound):
        trail.life_of("team", "999999", markets, company.market)


def test_the_page_asks_a_bounded_number_of_questions(company: Company, reader: Client) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as asked:
            _page(reader)
        return len(asked)

    for _number in range(2):
        grant(incident=company.incident(), offer=company.offers["coupon"], by=company.agent)
    count()
    few = count()
    for _number in range(8):
        grant(incident=company.incident(), offer=company.offers["coupon"], by=company.agent)
    assert count() == few
    assert few <= 26


def test_a_file_is_defused_and_recorded(company: Company, reader: Client) -> None:
    with transaction.atomic():
        record(
            act="note.added",
            by=SYSTEM,
            object_kind="note",
            object_id="1",
            market_code=company.market.code,
            reason="=HYPERLINK(1)",
        )
    before = AuditEvent.objects.count()
    answer = reader.get(reverse("audit-trail"), {"export": "csv", "act": "note.added"})
    assert answer.status_code == 200
    text = answer.content.decode()
    assert text.startswith("\ufeff")
    rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))
    assert len(rows) == 2
    assert "'=HYPERLINK(1)" in rows[1]
    assert AuditEvent.objects.count() == before + 1
    taken = AuditEvent.objects.latest("pk")
    assert taken.act == "report.exported"
    assert taken.after == {"format": "csv", "rows": 1, "filters": {"act": "note.added"}}


def test_a_file_is_cut(company: Company, reader: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reporting.views.trail.MOST_EXPORTED", 2)
    company.incident()
    company.incident()
    text = reader.get(reverse("audit-trail"), {"export": "csv"}).content.decode()
    rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))
    assert len(rows) == 4
    assert "2" in rows[3][0]


def test_no_name_that_was_typed_is_recorded(company: Company, reader: Client) -> None:
    reader.get(reverse("audit-trail"), {"export": "csv", "person": "Lucía Prieto"})
    assert "Luc" not in str(AuditEvent.objects.latest("pk").after)


@pytest.mark.parametrize("role", [Role.AGENT, Role.SUPERVISOR, Role.FINANCE, Role.ADMINISTRATOR])
def test_others_are_refused(
    company: Company, person: Callable[..., Staff], market: Market, role: str
) -> None:
    client = Client()
    client.force_login(person(role))
    for method, name, values in (
        ("get", "audit-trail", []),
        ("get", "audit-life", ["incident", "x"]),
        ("post", "audit-verify", []),
    ):
        assert getattr(client, method)(reverse(name, args=values)).status_code == 403


@pytest.mark.django_db(transaction=True)
def test_the_button_verifies_and_is_recorded(company: Company, reader: Client) -> None:
    company.incident()
    seal_all(rows=20)
    address = reverse("audit-verify")
    with translation.override("en"):
        answer = reader.post(address, headers={"HX-Request": "true"})
        assert answer.status_code == 200
        assert 'id="seals"' in answer.content.decode()
        assert "<html" not in answer.content.decode()
    done = AuditEvent.objects.filter(act="audit.verified").latest("pk")
    assert done.after is not None
    assert done.after["fine"]
    assert done.after["seals"] == Seal.objects.count()
    victim = AuditEvent.objects.order_by("txid", "pk").first()
    assert victim is not None
    tamper("UPDATE audit_auditevent SET reason = 'x' WHERE id = %s", [victim.pk])
    whole = reader.post(address).content.decode()
    assert "<html" in whole
    assert str(victim.pk) in whole
    done = AuditEvent.objects.filter(act="audit.verified").latest("pk")
    assert done.after is not None
    assert (done.after["wrong"], done.after["row"]) == ("altered", victim.pk)
