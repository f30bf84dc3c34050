"""The scale over the API: who reads which version, and what one says."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.actions import create_access_token
from accounts.models import Staff
from accounts.states import Role
from compensations.actions import change_cells, create_draft
from compensations.scale_content import Cell, OfferTerms

from .calls import Caller
from .scenario import Company, build, person


def caller(staff: Staff) -> Caller:
    return Caller(create_access_token(staff=staff, by=staff)[1])


def numbers(answer: Any) -> list[int]:
    assert answer.status_code == 200, answer.content
    return [row["number"] for row in answer.json()["results"]]


@pytest.fixture
def versions(company: Company) -> Company:
    """A retired version, a live one and a draft."""
    company.republish("coupon", default=250_00)
    create_draft(market=company.market, by=company.elena)
    return company


def test_the_desk_lists_what_was_in_force(versions: Company) -> None:
    assert numbers(caller(versions.agent).get("/scales")) == [2, 1]
    assert numbers(caller(versions.hugo).get("/scales")) == [3, 2, 1]
    assert numbers(caller(versions.hugo).get("/scales", state="live")) == [2]
    assert numbers(caller(versions.hugo).get("/scales", market="MX")) == [3, 2, 1]
    assert numbers(caller(versions.hugo).get("/scales", market="NO")) == []
    assert caller(versions.hugo).get("/scales", sate="live").status_code == 400


def test_a_version_says_who_and_when(versions: Company) -> None:
    live = caller(versions.agent).get("/scales", state="live").json()["results"][0]
    assert live == {
        "id": versions.scale.pk,
        "market": "MX",
        "number": 2,
        "state": "live",
        "based_on": 1,
        "note": "",
        "author": versions.elena.username,
        "approved_by": versions.hugo.username,
        "second_approved_by": live["second_approved_by"],
        "effective_from": live["effective_from"],
        "effective_until": None,
    }


def test_a_version_has_its_rules_and_offers(versions: Company) -> None:
    found = caller(versions.agent).get(f"/scales/{versions.scale.pk}").json()
    assert (found["currency"], found["number"]) == ("MXN", 2)
    (rule,) = found["rules"]
    assert (rule["category"], rule["severity"], rule["segment"]) == ("room", "moderate", None)
    names = [offer["name_en"] for offer in rule["offers"]]
    assert names == ["coupon", "gift_card", "refund", "statutory", "large"]
    assert rule["offers"][0]["default"] == 250_00
    assert rule["offers"][2]["cap_minor"] == 1_000_00


def test_what_may_not_be_seen_does_not_exist(versions: Company) -> None:
    foreign = build("CO")
    draft = create_draft(market=versions.market, by=versions.elena)
    agent = caller(versions.agent)
    missing = agent.get("/scales/987654321")
    for pk in (draft.pk, foreign.scale.pk):
        answer = agent.get(f"/scales/{pk}")
        assert answer.status_code == 404
        assert answer.json()["code"] == missing.json()["code"]
    assert caller(versions.elena).get(f"/scales/{draft.pk}").status_code == 200
    for nobody in (versions.cashier, versions.administrator):
        assert caller(nobody).get("/scales").status_code == 403
    assert Caller(versions.till_key).get("/scales").status_code == 403


def test_more_rules_are_no_more_queries(company: Company) -> None:
    auditor = caller(person(company.market, "aurora", Role.AUDITOR))
    draft = create_draft(market=company.market, by=company.elena)
    gift = OfferTerms("gesture", "Flores", "Flowers", 1, 2, 3)
    counts = []
    for severity in ("minor", "critical"):
        draft = change_cells(
            version=draft,
            cells={
                Cell(company.category.pk, severity, segment): [gift]
                for segment in ("", "vip", "valued")
            },
            revision=draft.revision,
            by=company.elena,
        )
        with CaptureQueriesContext(connection) as queries:
            assert auditor.get(f"/scales/{draft.pk}").status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]
