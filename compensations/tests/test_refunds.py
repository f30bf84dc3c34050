"""All refunds of one case together never give back more than was at stake."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from audit.models import AuditEvent
from compensations.actions import approve, grant, grant_or_request, reissue, reject, request, void
from compensations.models import Compensation
from compensations.refusals import RefundAboveStake, RequestChanged, StakeBelowRefunds
from compensations.selectors import OfferOption, offers_for, preview_offers
from incidents.actions import change_incident
from incidents.models import Incident

from .scenario import Company

pytestmark = pytest.mark.django_db


def _option(case: Incident, company: Company, name: str) -> OfferOption:
    found = offers_for(case, by=company.agent).options
    return next(option for option in found if option.offer.name_es == name)


def test_a_full_refund_after_a_partial_one(company: Company) -> None:
    """At stake 2 000: a quarter is given back, so the whole is too much, owed by law or not."""
    case = company.incident()
    grant(incident=case, offer=company.offers["refund"], by=company.agent)
    shown = _option(case, company, "statutory")
    assert isinstance(shown.refusal, RefundAboveStake)
    assert not shown.requestable
    with pytest.raises(RefundAboveStake) as refused:
        grant_or_request(
            incident=case, offer=company.offers["statutory"], reason="Lo pide.", by=company.agent
        )
    assert (refused.value.extra["at_stake"], refused.value.extra["left"]) == (2_000_00, 1_500_00)
    assert str(refused.value) == str(shown.refusal)
    assert "1,500.00" in str(refused.value)
    assert Compensation.objects.count() == 1


def test_what_is_left_can_be_given_to_the_last_cent(company: Company) -> None:
    legal = company.republish("statutory", minimum=50_00, default=50_00, maximum=100_00)
    offers = {row.offer.name_es: row.offer for row in _options(company)}
    case = company.incident()
    grant(incident=case, offer=legal, amount_minor=1_400_00, by=company.agent)
    assert _option(case, company, "refund").most_minor == 600_00
    with pytest.raises(RefundAboveStake):
        grant(incident=case, offer=offers["refund"], amount_minor=600_01, by=company.agent)
    grant(incident=case, offer=offers["refund"], amount_minor=600_00, by=company.agent)


def _options(company: Company) -> list[OfferOption]:
    return offers_for(company.incident(), by=company.agent).options


def test_when_nothing_is_left(company: Company) -> None:
    case = company.incident()
    grant(incident=case, offer=company.offers["statutory"], by=company.agent)
    shown = _option(case, company, "refund").refusal
    assert isinstance(shown, RefundAboveStake)
    assert shown.extra["left"] == 0
    with pytest.raises(RefundAboveStake):
        grant(incident=case, offer=company.offers["refund"], by=company.agent)
    # Only refunds give money back.
    grant(incident=case, offer=company.offers["coupon"], by=company.agent)


def test_a_waiting_request_counts_until_it_ends(company: Company) -> None:
    company.limit("grant", "each", "amount", 100_00, for_role="agent")
    case = company.incident()
    made = request(incident=case, offer=company.offers["refund"], reason="x", by=company.agent)
    with pytest.raises(RefundAboveStake):
        grant(incident=case, offer=company.offers["statutory"], by=company.agent)
    reject(approval=made.approvals.get(), reason="No.", by=company.supervisor)
    grant(incident=case, offer=company.offers["statutory"], by=company.agent)


def test_an_approved_one_counts_itself_once(company: Company) -> None:
    company.limit("grant", "each", "amount", 100_00, for_role="agent")
    case = company.incident()
    made = request(
        incident=case,
        offer=company.offers["refund"],
        amount_minor=1_000_00,
        reason="x",
        by=company.agent,
    )
    approve(approval=made.approvals.get(), by=company.supervisor)
    made.refresh_from_db()
    assert made.state == "issued"


def test_a_reissue_takes_the_place_of_the_one_it_replaces(company: Company) -> None:
    case = company.incident()
    made = grant(incident=case, offer=company.offers["statutory"], by=company.agent)
    again = reissue(compensation=made, reason="No le llegó.", by=company.agent)
    assert (again.state, again.face_minor) == ("issued", 2_000_00)
    void(compensation=again, reason="Era otro.", by=company.agent)
    grant(incident=case, offer=company.offers["refund"], by=company.agent)


def test_a_fixed_refund_on_what_cost_less(company: Company) -> None:
    offer = company.republish(
        "refund", basis="fixed", minimum=300_00, default=300_00, maximum=300_00, cap_minor=None
    )
    with pytest.raises(RefundAboveStake):
        grant(
            incident=company.incident(amount_at_stake_minor=299_99), offer=offer, by=company.agent
        )
    shown = preview_offers(
        market=company.market,
        category=company.category,
        severity="moderate",
        customer=None,
        amount_at_stake_minor=299_99,
        by=company.agent,
    ).options
    refusals = {row.offer.name_es: row.refusal for row in shown}
    assert isinstance(refusals["refund"], RefundAboveStake)
    # What was at stake is not known: nothing to compare with.
    case = company.incident(amount_at_stake_minor=None)
    assert grant(incident=case, offer=offer, by=company.agent).face_minor == 300_00


def _change(case: Incident, company: Company, **fields: Any) -> Incident:
    case.refresh_from_db()
    return change_incident(incident=case, version=case.version, by=company.agent, **fields)


@pytest.mark.parametrize("less", [499_99, 0, None])
def test_no_less_was_at_stake_than_is_refunded(company: Company, less: int | None) -> None:
    case = company.incident()
    grant(incident=case, offer=company.offers["refund"], by=company.agent)
    with pytest.raises(StakeBelowRefunds) as refused:
        _change(case, company, amount_at_stake_minor=less, order_ref="R-1")
    assert refused.value.field == "amount_at_stake_minor"
    assert refused.value.extra == {"refunded": 500_00, "currency": "MXN"}
    assert "$500.00" in str(refused.value)
    case.refresh_from_db()
    assert (case.amount_at_stake_minor, case.order_ref) == (2_000_00, "")
    assert not AuditEvent.objects.filter(act="incident.changed").exists()
    _change(case, company, amount_at_stake_minor=500_00)
    # What stays as it is asks nothing.
    assert _change(case, company, amount_at_stake_minor=500_00, order_ref="R-2").order_ref == "R-2"


def test_only_refunds_bound_what_was_at_stake_and_only_while_they_stand(company: Company) -> None:
    case = company.incident()
    grant(incident=case, offer=company.offers["coupon"], by=company.agent)
    made = grant(incident=case, offer=company.offers["refund"], by=company.agent)
    void(compensation=made, reason="Era otro.", by=company.agent)
    assert _change(case, company, amount_at_stake_minor=None).amount_at_stake_minor is None


def test_a_request_for_a_refund_ends_rather_than_keep_a_wrong_amount(company: Company) -> None:
    company.limit("grant", "each", "amount", 100_00, for_role="agent")
    case = company.incident()
    made = request(incident=case, offer=company.offers["refund"], reason="x", by=company.agent)
    _change(case, company, amount_at_stake_minor=100_00)
    with pytest.raises(RequestChanged):
        approve(approval=made.approvals.get(), by=company.supervisor)


def test_no_other_door_puts_less_at_stake_either(company: Company) -> None:
    case = company.incident()
    grant(incident=case, offer=company.offers["refund"], by=company.agent)
    rows = Incident.objects.filter(pk=case.pk)
    for less in (499_99, None):
        with (
            pytest.raises(IntegrityError, match="50000 of this case is refunded"),
            transaction.atomic(),
        ):
            rows.update(amount_at_stake_minor=less)
    assert rows.update(amount_at_stake_minor=500_00) == 1
