"""What money refers to is there and belongs together: the database says so, whoever writes."""

import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import Model

from common.rows import fresh, insert
from compensations import ledger
from compensations.actions import create_draft, grant
from compensations.actions.issuing import new_coupon
from compensations.models import (
    Compensation,
    Coupon,
    IssuanceLimit,
    LedgerEntry,
    LimitCounter,
    LimitUse,
    Offer,
    Redemption,
)
from delivery.models import Message

from .scenario import Company, build

Writing = Callable[[], Any]


def _refused(write: Writing) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        write()


@pytest.fixture
def given(company: Company) -> Compensation:
    company.limit("market", "day", "amount", 5_000_00)
    return grant(incident=company.incident(), offer=company.offers["coupon"], by=company.agent)


def _columns(row: Model) -> dict[str, Any]:
    """What a row holds, but for its key and what the database gives it."""
    names = [field.attname for field in row._meta.concrete_fields]
    return {name: getattr(row, name) for name in names if name not in {"id", "created_at"}}


def _again(given: Compensation, **changes: Any) -> Compensation:
    """A copy under another key, on another case of the same customer."""
    row = fresh(Compensation, **_columns(given) | {"reissue_of_id": given.pk} | changes)
    insert(row)
    return row


def test_a_compensation_of_what_belongs_together_is_written(
    company: Company, given: Compensation
) -> None:
    other = company.incident(given.customer)
    assert Compensation.objects.filter(pk=_again(given, incident_id=other.pk).pk).exists()


@pytest.mark.parametrize(
    "what",
    [
        "market",
        "customer",
        "incident",
        "rule",
        "version",
        "offer",
        "category",
        "location",
        "granted_by",
        "team",
    ],
)
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
        "category": abroad.category.pk,
        "location": abroad.location.pk,
        "granted_by": uuid.uuid4(),
        "team": 0,
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
    _refused(lambda: rows.update(category=abroad.category))
    _refused(lambda: rows.update(location=abroad.location))
    _refused(lambda: rows.update(team=None))


@pytest.mark.parametrize("wrong", ["compensation_id", "market_id", "currency", "value_minor"])
def test_a_coupon_is_worth_what_was_granted(
    company: Company, given: Compensation, wrong: str
) -> None:
    again = _again(given, incident_id=company.incident(given.customer).pk)
    coupon = new_coupon(again)[0]
    right = getattr(coupon, wrong)
    foreign: dict[str, object] = {
        "compensation_id": uuid.uuid4(),
        "market_id": build("CO").market.pk,
        "currency": "COP",
        "value_minor": coupon.value_minor + 1,
    }
    setattr(coupon, wrong, foreign[wrong])
    _refused(lambda: insert(coupon))
    setattr(coupon, wrong, right)
    insert(coupon)
    _refused(lambda: Coupon.objects.filter(pk=coupon.pk).update(**{wrong: foreign[wrong]}))


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


def test_a_use_is_of_a_compensation_and_says_all_of_each_counter(given: Compensation) -> None:
    use = LimitUse.objects.get(compensation=given)
    said = {name: getattr(use, name) for name in ("limits", "subjects", "starts_on", "quantities")}
    rows = LimitUse.objects.filter(pk=use.pk)
    _refused(lambda: LimitUse.objects.create(compensation_id=uuid.uuid4(), **said))
    _refused(lambda: rows.update(compensation=uuid.uuid4()))
    for name, values in said.items():
        less = {name: values[1:]}
        create = partial(LimitUse.objects.create, compensation=given)
        _refused(partial(create, **{**said, **less}))
        _refused(partial(rows.update, **less))


@pytest.mark.parametrize(
    "wrong", ["coupon_id", "market_id", "currency", "location_id", "client_id", "cashier_id"]
)
def test_a_sale_is_of_a_coupon_of_its_market_by_somebody_known(
    company: Company, given: Compensation, wrong: str
) -> None:
    abroad = build("CO")
    sale = fresh(
        Redemption,
        coupon=given.coupon,
        market=company.market,
        amount_minor=given.face_minor,
        currency=given.currency,
        location=company.location,
        **({"cashier": company.cashier} if wrong == "cashier_id" else {"client": company.till}),
        external_transaction_id="T1",
    )
    right = getattr(sale, wrong)
    foreign: dict[str, object] = {
        "coupon_id": uuid.uuid4(),
        "market_id": abroad.market.pk,
        "currency": "COP",
        "location_id": abroad.location.pk,
        "client_id": abroad.till.pk,
        "cashier_id": uuid.uuid4(),
    }
    setattr(sale, wrong, foreign[wrong])
    _refused(lambda: insert(sale))
    setattr(sale, wrong, right)
    insert(sale)
    _refused(lambda: Redemption.objects.filter(pk=sale.pk).update(**{wrong: foreign[wrong]}))


def test_a_use_counts_in_the_first_limit_of_its_kind(company: Company, given: Compensation) -> None:
    counter = LimitCounter.objects.get()
    first = counter.limit
    another = IssuanceLimit.objects.create(
        market=company.market,
        scope=first.scope,
        window=first.window,
        measure=first.measure,
        cap=1,
        proposed_by=company.elena,
    )
    for limit in (0, another.pk):
        said = {"subjects": ["x"], "starts_on": [counter.starts_on], "quantities": [1]}
        create = partial(LimitUse.objects.create, compensation=given, **said)
        _refused(partial(create, limits=[limit]))
    another.refresh_from_db()
    assert another.counts_in_id == first.pk
    limits = IssuanceLimit.objects.filter(pk=another.pk)
    _refused(lambda: limits.update(counts_in=another.pk))
    rows = LimitCounter.objects.filter(pk=counter.pk)
    _refused(lambda: rows.update(limit_id=0))
    _refused(lambda: rows.update(subject="x"))
    _refused(lambda: rows.update(starts_on="2026-01-01"))


def test_a_message_is_of_a_market(given: Compensation) -> None:
    message = Message.objects.get(ref=given.pk)
    # What was read of bytes is a view of the driver's, which is not written again.
    fingerprint = bytes(message.address_fingerprint or b"")
    changes = {"id": uuid.uuid4(), "market_id": 0, "address_fingerprint": fingerprint}
    again = fresh(Message, **_columns(message) | changes)
    _refused(lambda: insert(again))
    again.market_id = message.market_id
    insert(again)
    abroad = build("CO").market
    _refused(lambda: Message.objects.filter(pk=message.pk).update(market=abroad))


@pytest.mark.parametrize(
    "table",
    [
        "accounts_apiclient",
        "accounts_location",
        "accounts_market",
        "accounts_staff",
        "accounts_team",
        "compensations_compensation",
        "compensations_coupon",
        "compensations_issuancelimit",
        "compensations_limitcounter",
        "incidents_category",
        "incidents_incident",
    ],
)
def test_what_is_referred_to_never_goes_away(given: Compensation, table: str) -> None:
    def run(statement: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement)

    _refused(lambda: run(f"DELETE FROM {table}"))  # noqa: S608
    _refused(lambda: run(f"UPDATE {table} SET id = id"))  # noqa: S608
