"""Races between real processes over the invariants of money, each with a negative control.

The control runs the same race with one guard switched off and must break the invariant: a race that
cannot lose proves nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection

from compensations.actions import (
    create_draft,
    grant,
    publish_scale,
    redeem,
    submit_scale,
    void,
)
from compensations.models import (
    Compensation,
    Coupon,
    LimitCounter,
    Offer,
    Redemption,
    ScaleVersion,
)
from compensations.reconciliation import differences
from compensations.tests.scenario import Company, build, code_of
from incidents.models import Incident
from tests.support.race import count, errors, race

pytestmark = [pytest.mark.django_db(transaction=True)]
RACERS = 50
ONCE_AGAIN = (
    "TRUNCATE compensations_compensation CASCADE; "
    "CREATE UNIQUE INDEX compensation_offer_once ON compensations_compensation "
    "(incident_id, offer_key) WHERE state IN ('requested', 'issued', 'settled')"
)


@pytest.fixture
def company() -> Company:
    return build()


@contextmanager
def without(*statements: tuple[str, str]) -> Iterator[None]:
    """Runs each first statement, and at the end each second one, in the test's database."""
    with connection.cursor() as cursor:
        for off, _on in statements:
            cursor.execute(off)
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            for _off, on in statements:
                cursor.execute(on)


def _granted(company: Company, offer: str = "coupon") -> tuple[Compensation, str]:
    made = grant(incident=company.incident(), offer=company.offers[offer], by=company.agent)
    return made, code_of(made)


def _redeem_at(company: Company, code: str, amount: int | None = None):  # type: ignore[no-untyped-def]
    def work(number: int) -> int:
        return redeem(
            code=code,
            external_transaction_id=f"T{number}",
            market=company.market,
            amount_minor=amount,
            by=company.till,
        ).amount_minor

    return work


def test_fifty_tills_redeem_one_coupon(company: Company) -> None:
    made, code = _granted(company)
    answers = race(_redeem_at(company, code), range(RACERS))
    assert errors(answers) == []
    assert count(answers, "ok") == 1
    assert count(answers, "refused") == RACERS - 1
    assert Redemption.objects.count() == 1
    assert Coupon.objects.get(compensation=made).balance_minor == 0
    assert list(differences()) == []


def test_fifty_tills_redeem_one_coupon_without_the_guard(company: Company) -> None:
    _made, code = _granted(company)
    answers = race(_redeem_at(company, code), range(RACERS), guards_off=["redeem"])
    assert count(answers, "ok") > 1


def test_fifty_tills_redeem_fifty_coupons(company: Company) -> None:
    codes = [_granted(company)[1] for _ in range(RACERS)]

    def work(number: int) -> int:
        return int(_redeem_at(company, codes[number])(number))

    answers = race(work, range(RACERS))
    assert errors(answers) == []
    assert count(answers, "ok") == RACERS
    assert list(differences()) == []


def test_a_gift_card_never_pays_more_than_its_value(company: Company) -> None:
    made, code = _granted(company, "gift_card")
    answers = race(_redeem_at(company, code, amount=30_00), range(30))
    assert errors(answers) == []
    # 500 holds 30 sixteen times.
    assert count(answers, "ok") == 16
    assert sum(Redemption.objects.values_list("amount_minor", flat=True)) == 480_00
    assert Coupon.objects.get(compensation=made).balance_minor == 20_00
    assert list(differences()) == []


def _grant_on(company: Company, incidents: list[Incident]):  # type: ignore[no-untyped-def]
    def work(number: int) -> str:
        made = grant(
            incident=incidents[number],
            offer=company.offers["coupon"],
            amount_minor=100_00,
            by=company.agent if number % 2 else company.colleague,
        )
        return str(made.pk)

    return work


def test_a_burst_of_grants_fills_a_limit_exactly(company: Company) -> None:
    company.limit("team", "day", "amount", 1_000_00)
    company.limit("agent", "day", "count", 40)
    company.limit("market", "month", "amount", 50_000_00)
    incidents = [company.incident() for _ in range(40)]
    answers = race(_grant_on(company, incidents), range(40))
    assert errors(answers) == []
    assert count(answers, "ok") == 10
    team = LimitCounter.objects.get(limit__scope="team")
    assert team.used == team.limit.cap
    assert Compensation.objects.count() == 10
    assert list(differences()) == []


def test_a_burst_of_grants_without_the_guard(company: Company) -> None:
    company.limit("team", "day", "amount", 1_000_00)
    incidents = [company.incident() for _ in range(40)]
    answers = race(_grant_on(company, incidents), range(40), guards_off=["limits"])
    assert count(answers, "ok") > 10


def _grant_twice(company: Company, incident: Incident):  # type: ignore[no-untyped-def]
    def work(_number: int) -> str:
        return str(
            grant(
                incident=incident,
                offer=company.offers["coupon"],
                by=company.agent,
            ).pk
        )

    return work


def test_twenty_clicks_grant_once(company: Company) -> None:
    answers = race(_grant_twice(company, company.incident()), range(20))
    assert errors(answers) == []
    assert count(answers, "ok") == 1
    assert {value for kind, value in answers if kind == "refused"} == {"already_granted"}
    assert Compensation.objects.count() == 1


def test_twenty_clicks_without_the_constraint(company: Company) -> None:
    incident = company.incident()
    with without(
        (
            "DROP INDEX compensation_offer_once",
            ONCE_AGAIN,
        )
    ):
        answers = race(_grant_twice(company, incident), range(20))
        assert count(answers, "ok") > 1


def _twins(company: Company, email: str) -> list[Incident]:
    """Cases of ten customers with one email."""
    return [company.incident(company.customer(email=email)) for _ in range(10)]


def _grant_to_twins(company: Company, offer: Offer, email: str = "ana@example.com"):  # type: ignore[no-untyped-def]
    cases = _twins(company, email)

    def work(number: int) -> str:
        return str(grant(incident=cases[number], offer=offer, by=company.agent).pk)

    return work


def test_customers_with_one_contact_get_an_offer_once(company: Company) -> None:
    offer = company.republish("coupon", per_customer=1, per_customer_days=30)
    answers = race(_grant_to_twins(company, offer), range(10))
    assert errors(answers) == []
    assert count(answers, "ok") == 1
    assert {value for kind, value in answers if kind == "refused"} == {"too_often"}
    assert Compensation.objects.count() == 1


def test_customers_with_one_contact_without_the_lock(company: Company) -> None:
    offer = company.republish("coupon", per_customer=1, per_customer_days=30)
    rounds = (
        race(
            _grant_to_twins(company, offer, f"{number}@example.com"),
            range(10),
            guards_off=["contacts"],
        )
        for number in range(8)
    )
    assert any(count(answers, "ok") > 1 for answers in rounds)


def test_customers_with_one_contact_share_a_limit(company: Company) -> None:
    """Filled exactly and never passed, the counters being of each customer."""
    company.limit("customer", "day", "amount", 600_00)
    answers = race(_grant_to_twins(company, company.offers["coupon"]), range(10))
    assert errors(answers) == []
    assert count(answers, "ok") == 3
    assert {value for kind, value in answers if kind == "refused"} == {"limit_exceeded"}
    used = LimitCounter.objects.filter(limit__scope="customer").values_list("used", flat=True)
    assert sum(used) == 600_00
    assert list(differences()) == []


def test_customers_with_one_contact_share_no_limit_without_the_lock(company: Company) -> None:
    company.limit("customer", "day", "amount", 600_00)
    offer = company.offers["coupon"]
    rounds = (
        race(
            _grant_to_twins(company, offer, f"{number}@example.com"),
            range(10),
            guards_off=["contacts"],
        )
        for number in range(8)
    )
    assert any(count(answers, "ok") > 3 for answers in rounds)


def _grant_across(company: Company, incident: Incident, version: ScaleVersion):  # type: ignore[no-untyped-def]
    """One publishes the version; of the others half hold its coupon, half that of before."""
    new = Offer.objects.get(rule__version=version, name_en="coupon")

    def work(number: int) -> str:
        if number == 0:
            return f"v{publish_scale(version=version, by=company.hugo).number}"
        offer = new if number % 2 else company.offers["coupon"]
        return str(grant(incident=incident, offer=offer, by=company.agent).pk)

    return work


def _approved(company: Company) -> ScaleVersion:
    """A version with the same offers, to be published."""
    draft = create_draft(market=company.market, by=company.elena)
    submit_scale(version=draft, by=company.elena)
    return company.approve(draft)


def test_clicks_on_both_sides_of_a_publication_grant_once(company: Company) -> None:
    answers = race(_grant_across(company, company.incident(), _approved(company)), range(20))
    assert errors(answers) == []
    # The publication and one grant.
    assert count(answers, "ok") == 2
    assert {value for kind, value in answers if kind == "refused"} <= {
        "already_granted",
        "not_in_scale",
    }
    assert Compensation.objects.count() == 1


def test_what_was_granted_is_not_granted_again_by_a_new_version(company: Company) -> None:
    incident = company.incident()
    grant(incident=incident, offer=company.offers["coupon"], by=company.agent)
    company.offers["coupon"] = company.republish("coupon", maximum=350_00)
    answers = race(_grant_twice(company, incident), range(20))
    assert {value for _kind, value in answers} == {"already_granted"}
    assert Compensation.objects.count() == 1


def test_a_new_version_with_an_index_by_the_offers_row(company: Company) -> None:
    incident = company.incident()
    with without(
        (
            "DROP INDEX compensation_offer_once; "
            "CREATE UNIQUE INDEX compensation_once_per_row ON compensations_compensation "
            "(incident_id, offer_id) WHERE state IN ('requested', 'issued', 'settled')",
            f"DROP INDEX compensation_once_per_row; {ONCE_AGAIN}",
        )
    ):
        grant(incident=incident, offer=company.offers["coupon"], by=company.agent)
        company.offers["coupon"] = company.republish("coupon", maximum=350_00)
        assert count(race(_grant_twice(company, incident), range(20)), "ok") == 1
        assert Compensation.objects.count() == 2


def _refund_either(company: Company, incident: Incident):  # type: ignore[no-untyped-def]
    def work(number: int) -> int:
        offer = company.offers["refund" if number % 2 else "statutory"]
        return grant(incident=incident, offer=offer, by=company.agent).face_minor

    return work


def test_refunds_at_once_never_give_back_more_than_was_at_stake(company: Company) -> None:
    for _round in range(3):
        incident = company.incident()
        answers = race(_refund_either(company, incident), range(12))
        assert errors(answers) == []
        assert count(answers, "ok") == 1
        assert sum(value for kind, value in answers if kind == "ok") <= 2_000_00


def test_refunds_at_once_without_looking_at_the_others(company: Company) -> None:
    incident = company.incident()
    answers = race(_refund_either(company, incident), range(12), guards_off=["refunds"])
    assert sum(value for kind, value in answers if kind == "ok") > 2_000_00


def _void_or_redeem(company: Company, made: Compensation, code: str):  # type: ignore[no-untyped-def]
    def work(number: int) -> str:
        if number % 2:
            void(compensation=made, reason="carrera", by=company.agent)
            return "void"
        _redeem_at(company, code)(number)
        return "redeem"

    return work


def test_void_against_redeem_has_one_winner(company: Company) -> None:
    company.limit("agent", "day", "amount", 200_00)
    for _round in range(3):
        made, code = _granted(company)
        answers = race(_void_or_redeem(company, made, code), range(12))
        assert errors(answers) == []
        assert count(answers, "ok") == 1
        winner = next(value for kind, value in answers if kind == "ok")
        made.refresh_from_db()
        assert made.state == ("voided" if winner == "void" else "settled")
        assert list(differences()) == []
        # The room came back exactly once, or not at all.
        assert LimitCounter.objects.get().used == (0 if winner == "void" else 200_00)
        LimitCounter.objects.all().update(used=0)
        made.limit_uses.all().delete()


def test_void_against_redeem_without_the_guard(company: Company) -> None:
    made, code = _granted(company)
    table = "compensations_compensation", "compensations_coupon"
    with without(
        *(
            (f"ALTER TABLE {name} DISABLE TRIGGER USER", f"ALTER TABLE {name} ENABLE TRIGGER USER")
            for name in table
        ),
        (
            "ALTER TABLE compensations_compensation "
            "DROP CONSTRAINT compensation_void_has_person_and_reason",
            "TRUNCATE compensations_compensation CASCADE; "
            "ALTER TABLE compensations_compensation "
            "ADD CONSTRAINT compensation_void_has_person_and_reason CHECK ("
            "void_has_person_and_reason(state, voided_by_id, void_reason))",
        ),
    ):
        answers = race(_void_or_redeem(company, made, code), range(12), guards_off=["redeem"])
        assert count(answers, "ok") > 1


def test_an_expired_coupon_is_refused_to_everybody(company: Company) -> None:
    _made, code = _granted(company)
    Coupon.objects.update(expires_at="2020-01-01T00:00:00Z")
    answers = race(_redeem_at(company, code), range(10))
    assert (count(answers, "refused"), count(answers, "ok")) == (10, 0)
    assert count(race(_redeem_at(company, code), range(10), guards_off=["redeem"]), "ok") > 0
