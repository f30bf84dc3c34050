"""What money refers to is there and belongs together: the database says so, whoever writes."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from common.rows import fresh, insert
from compensations import ledger
from compensations.actions import create_draft, grant
from compensations.models import Compensation, LedgerEntry, LimitCounter, LimitUse, Offer

from .scenario import Company, build

Writing = Callable[[], Any]


def _refused(write: Writing) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        write()


@pytest.fixture
def given(company: Company) -> Compensation:
    company.limit("market", "day", "amount", 5_000_00)
    return grant(incident=company.incident(), offer=company.offers["coupon"], by=company.agent)


def _again(given: Compensation, **changes: Any) -> Compensation:
    """A copy under another key, on another case of the same customer."""
    values = {field.attname: getattr(given, field.attname) for field in given._meta.concrete_fields}
    for name in ("id", "created_at"):
        del values[name]
    values["reissue_of_id"] = given.pk
    row = fresh(Compensation, **values | changes)
    insert(row)
    return row


def test_a_compensation_of_what_belongs_together_is_written(
    company: Company, given: Compensation
) -> None:
    other = company.incident(given.customer)
    assert Compensation.objects.filter(pk=_again(given, incident_id=other.pk).pk).exists()


@pytest.mark.parametrize("what", ["market", "customer", "incident", "rule", "version", "offer"])
def test_a_compensation_refers_to_what_belongs_together(
    company: Company, given: Compensation, what: str
) -> None:
    abroad = build("CO")
    other = company.incident(given.customer)
    foreign: dict[str, object] = {
        "market": abroad.market.pk,
        "customer": company.customer().pk,
        "incident": uuid.uuid4(),
        "rule": abroad.offers["coupon"].rule_id,
        "version": abroad.scale.pk,
        "offer": abroad.offers["coupon"].pk,
    }
    _refused(lambda: _again(given, **{"incident_id": other.pk, f"{what}_id": foreign[what]}))


def test_an_offer_of_a_draft_is_nothing_to_grant(company: Company, given: Compensation) -> None:
    other = company.incident(given.customer)
    draft = create_draft(market=company.market, by=company.elena)
    offer = Offer.objects.get(rule__version=draft, name_en="coupon")
    keys = {"offer_id": offer.pk, "rule_id": offer.rule_id, "version_id": draft.pk}
    _refused(lambda: _again(given, incident_id=other.pk, **keys))


def test_it_says_what_its_offer_is(company: Company, given: Compensation) -> None:
    other = company.incident(given.customer)
    _refused(lambda: _again(given, incident_id=other.pk, offer_key="coupon:another"))
    # Whoever leaves it out, as a load in bulk, has it filled in.
    made = _again(given, incident_id=other.pk, offer_key="")
    made.refresh_from_db()
    assert made.offer_key == company.offers["coupon"].key


def test_what_it_refers_to_never_changes(company: Company, given: Compensation) -> None:
    rows = Compensation.objects.filter(pk=given.pk)
    abroad = build("CO")
    _refused(lambda: rows.update(offer_key="coupon:another"))
    _refused(lambda: rows.update(market=abroad.market))
    _refused(lambda: rows.update(rule=abroad.offers["coupon"].rule))


@pytest.mark.parametrize("wrong", ["compensation", "market", "currency"])
def test_an_entry_is_of_a_compensation_of_its_market(given: Compensation, wrong: str) -> None:
    changes: dict[str, dict[str, Any]] = {
        "compensation": {"compensation_id": uuid.uuid4()},
        "market": {"market_id": build("CO").market.pk},
        "currency": {"currency": "COP"},
    }
    before = LedgerEntry.objects.count()
    entries = ledger.on_void(given)
    insert(*entries)
    assert LedgerEntry.objects.count() == before + 2
    for entry in entries:
        entry.transaction = uuid.uuid4()
        for name, value in changes[wrong].items():
            setattr(entry, name, value)
    _refused(lambda: insert(*entries))


def test_a_use_is_of_a_compensation_and_a_counter(given: Compensation) -> None:
    use = LimitUse.objects.get(compensation=given)
    nobody = LimitCounter.objects.order_by("-id").values_list("id", flat=True)[0] + 1
    _refused(lambda: LimitUse.objects.create(compensation=given, counter_id=nobody, quantity=1))
    _refused(
        lambda: LimitUse.objects.create(
            compensation_id=uuid.uuid4(), counter=use.counter, quantity=1
        )
    )
    _refused(lambda: LimitUse.objects.filter(pk=use.pk).update(counter_id=nobody))


@pytest.mark.parametrize(
    "table",
    ["compensations_compensation", "compensations_limitcounter", "incidents_incident"],
)
def test_what_is_referred_to_never_goes_away(given: Compensation, table: str) -> None:
    def run(statement: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement)

    _refused(lambda: run(f"DELETE FROM {table}"))  # noqa: S608
    _refused(lambda: run(f"UPDATE {table} SET id = id"))  # noqa: S608
