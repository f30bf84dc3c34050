"""Granting inside and outside of what finance approved."""

import datetime as dt

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.translation import override

from audit.models import AuditEvent
from common.errors import NotAllowed, TransitionRefused
from compensations.actions import grant, reissue, resend, void
from compensations.actions.locking import _OF_STAFF
from compensations.actions.sending import is_of_staff
from compensations.models import (
    Compensation,
    Coupon,
    LedgerEntry,
    LimitCounter,
    ScaleRule,
    ScaleVersion,
)
from compensations.reconciliation import differences
from compensations.refusals import (
    AlreadyGranted,
    AmountNeeded,
    IssuanceStopped,
    LimitExceeded,
    NeedsApproval,
    NotInScale,
    OutOfRange,
    SelfDealing,
    TooOften,
    TooOftenTogether,
    VoidRefused,
    VoidWindowOver,
)
from compensations.selectors import offers_for
from delivery.models import Message
from incidents.actions import resolve_incident
from incidents.models import Incident

from .scenario import Company, code_of

pytestmark = pytest.mark.django_db


def test_a_grant_writes_everything_in_one_commit(company: Company) -> None:
    incident = company.incident()
    made = grant(incident=incident, offer=company.offers["coupon"], by=company.agent)
    coupon = Coupon.objects.get(compensation=made)
    incident.refresh_from_db()
    assert (made.state, made.face_minor, made.expected_cost_minor) == ("issued", 20000, 12000)
    assert coupon.balance_minor == 20000
    assert incident.state == "in_recovery"
    assert incident.compensated_at is not None
    message = Message.objects.get(ref=made.pk)
    assert (message.channel, message.state) == ("email", "queued")
    assert sum(LedgerEntry.objects.values_list("amount_minor", flat=True)) == 0
    assert (
        AuditEvent.objects.filter(act="compensation.granted", object_id=str(made.pk)).count() == 1
    )
    assert list(differences()) == []


def test_nothing_is_left_of_a_refused_grant(company: Company) -> None:
    company.limit("agent", "day", "amount", 150_00)
    incident = company.incident()
    audit = AuditEvent.objects.count()
    with pytest.raises(LimitExceeded) as refused:
        grant(incident=incident, offer=company.offers["coupon"], by=company.agent)
    assert refused.value.extra["left"] == 150_00
    assert refused.value.extra["scope"] == "agent"
    assert not Compensation.objects.exists()
    assert not Coupon.objects.exists()
    assert not Message.objects.exists()
    assert not LedgerEntry.objects.exists()
    assert not LimitCounter.objects.filter(used__gt=0).exists()
    assert AuditEvent.objects.count() == audit


@pytest.mark.parametrize("amount", [99_99, 300_01, -1, 0])
def test_an_amount_outside_the_range(company: Company, amount: int) -> None:
    with pytest.raises(OutOfRange):
        grant(
            incident=company.incident(),
            offer=company.offers["coupon"],
            amount_minor=amount,
            by=company.agent,
        )


def test_a_share_of_the_amount_at_stake(company: Company) -> None:
    incident = company.incident(amount_at_stake_minor=999_99)
    made = grant(incident=incident, offer=company.offers["refund"], by=company.agent)
    assert made.face_minor == 250_00  # 25 % of 999.99 is 249.9975, half up
    with pytest.raises(AmountNeeded):
        grant(
            incident=company.incident(amount_at_stake_minor=None),
            offer=company.offers["refund"],
            by=company.agent,
        )


def test_from_the_approval_bound_on_it_is_refused(company: Company) -> None:
    incident = company.incident()
    with pytest.raises(NeedsApproval):
        grant(incident=incident, offer=company.offers["large"], by=company.agent)
    made = grant(
        incident=incident, offer=company.offers["large"], amount_minor=799_99, by=company.agent
    )
    assert made.state == "issued"


def test_an_offer_of_another_case_is_not_in_scale(company: Company) -> None:
    incident = company.incident(severity="minor", severity_reason="Fue un momento.")
    with pytest.raises(NotInScale):
        grant(incident=incident, offer=company.offers["coupon"], by=company.agent)
    assert offers_for(incident, by=company.agent).options == []


def test_the_same_offer_twice_on_one_case(company: Company) -> None:
    incident = company.incident()
    grant(incident=incident, offer=company.offers["coupon"], by=company.agent)
    with pytest.raises(AlreadyGranted):
        grant(incident=incident, offer=company.offers["coupon"], by=company.colleague)
    assert Compensation.objects.count() == 1


def test_the_same_offer_of_another_version_is_the_same(company: Company) -> None:
    incident = company.incident()
    made = grant(incident=incident, offer=company.offers["coupon"], by=company.agent)
    dearer = company.republish("coupon", maximum=350_00)
    option = next(
        row for row in offers_for(incident, by=company.agent).options if row.offer.pk == dearer.pk
    )
    assert option.already == made
    assert isinstance(option.refusal, AlreadyGranted)
    with pytest.raises(AlreadyGranted):
        grant(incident=incident, offer=dearer, by=company.colleague)
    void(compensation=made, reason="Se equivocó de opción.", by=company.agent)
    again = grant(incident=incident, offer=dearer, by=company.agent)
    assert again.offer_key == made.offer_key == "coupon:coupon"


@pytest.mark.parametrize("changes", [{"kind": "discount"}, {"name_es": "Vale de cena"}])
def test_another_kind_or_name_is_another_offer(company: Company, changes: dict[str, str]) -> None:
    incident = company.incident()
    grant(incident=incident, offer=company.offers["coupon"], by=company.agent)
    other = company.republish("coupon", **changes)
    assert grant(incident=incident, offer=other, by=company.agent).state == "issued"


@pytest.mark.parametrize("who", ["agent", "colleague", "administrator"])
def test_a_recipient_who_works_here(company: Company, who: str) -> None:
    customer = company.customer(email=getattr(company, who).email.upper())
    with pytest.raises(SelfDealing):
        grant(incident=company.incident(customer), offer=company.offers["coupon"], by=company.agent)
    assert not Compensation.objects.exists()


@pytest.mark.parametrize("who", ["elena", "cashier", "administrator"])
def test_only_agents_and_supervisors_grant(company: Company, who: str) -> None:
    with pytest.raises(NotAllowed):
        grant(
            incident=company.incident(),
            offer=company.offers["coupon"],
            by=getattr(company, who),
        )


def test_the_stop_switch(company: Company) -> None:
    company.market.issuance_stopped_at = timezone.now()
    company.market.issuance_stopped_by = company.elena
    company.market.save()
    with pytest.raises(IssuanceStopped):
        grant(incident=company.incident(), offer=company.offers["coupon"], by=company.agent)


def test_a_resolved_case_gets_nothing_more(company: Company) -> None:
    incident = company.incident()
    resolve_incident(incident=incident, resolution="Se cambió de cuarto.", by=company.agent)
    with override("en"), pytest.raises(TransitionRefused, match="is resolved"):
        grant(incident=incident, offer=company.offers["coupon"], by=company.agent)


def test_a_closed_case_is_not_called_resolved(company: Company) -> None:
    incident = company.incident()
    resolve_incident(incident=incident, resolution="Se cambió de cuarto.", by=company.agent)
    Incident.objects.filter(pk=incident.pk).update(state="closed", closed_at=timezone.now())
    with override("en"), pytest.raises(TransitionRefused, match="is closed"):
        grant(incident=incident, offer=company.offers["coupon"], by=company.agent)


@pytest.mark.parametrize(
    ("theirs", "customers", "same"),
    [
        ("lucia@quetzara.example", "LUCIA+x@Quetzara.example", True),
        ("lucia+hotel@quetzara.example", "lucia@quetzara.example", True),
        ("lucia+hotel@quetzara.example", "lucia+x+y@quetzara.example", True),
        ("lucia.solis@gmail.com", "lu.cia.solis+x@googlemail.com", True),
        ("lucia.solis@quetzara.example", "luciasolis@quetzara.example", False),
        ("lucia@quetzara.example", "lucia.x@quetzara.example", False),
        ("lucia@gmail.com.example", "lu.cia@gmail.com.example", False),
        ("lucia@quetzara.example", "+lucia@quetzara.example", False),
    ],
)
def test_an_address_is_of_whoever_reads_its_mailbox(
    company: Company, theirs: str, customers: str, same: bool
) -> None:
    company.colleague.email = theirs
    company.colleague.save()
    customer = company.customer(email=customers)
    incident = company.incident(customer)
    contact = customer.contacts.get()
    assert contact.value == customers.lower()
    assert is_of_staff(contact) is same
    if same:
        with pytest.raises(SelfDealing):
            grant(incident=incident, offer=company.offers["coupon"], by=company.agent)
        assert not Compensation.objects.exists()
    else:
        made = grant(incident=incident, offer=company.offers["coupon"], by=company.agent)
        assert made.state == "issued"


def test_sub_addresses_of_customers_stay_apart(company: Company) -> None:
    one = company.customer(email="ana+hotel@example.com")
    other = company.customer(email="ana+vuelo@example.com")
    for customer in (one, other):
        made = grant(
            incident=company.incident(customer), offer=company.offers["coupon"], by=company.agent
        )
        message = Message.objects.get(ref=made.pk)
        contact = customer.contacts.get()
        assert (message.contact, bytes(message.address_fingerprint or b"")) == (
            contact.pk,
            bytes(contact.fingerprint),
        )


def test_the_mailbox_is_looked_up_in_its_index(company: Company) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            "EXPLAIN SELECT FROM incidents_contactpoint contact WHERE " + _OF_STAFF + " LIMIT 1"
        )
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "staff_mailbox" in plan


def test_the_same_customer_may_get_it_so_often(company: Company) -> None:
    offer = company.republish("coupon", per_customer=1, per_customer_days=30)
    customer = company.customer()
    grant(incident=company.incident(customer), offer=offer, by=company.agent)
    with pytest.raises(TooOften):
        grant(incident=company.incident(customer), offer=offer, by=company.agent)


@pytest.mark.parametrize("shared", ["email", "phone"])
def test_another_record_with_the_same_contact_is_the_same_person(
    company: Company, shared: str
) -> None:
    offer = company.republish("coupon", per_customer=2, per_customer_days=30)
    first = company.customer(email="ana@example.com", phone="55 1234 5678")
    again = {"email": "", "phone": "", shared: first.contacts.get(kind=shared).value}
    second = company.customer(name="Ana S.", **again)
    grant(incident=company.incident(first), offer=offer, by=company.agent)
    grant(incident=company.incident(second), offer=offer, by=company.agent)
    for customer in (first, second):
        incident = company.incident(customer)
        option = offers_for(incident, by=company.agent).options[0]
        assert isinstance(option.refusal, TooOftenTogether)
        with pytest.raises(TooOftenTogether):
            grant(incident=incident, offer=offer, by=company.agent)
    # What is no longer shared counts no more, and neither does another market's customer.
    second.contacts.update(is_active=False)
    incident = company.incident(first)
    assert offers_for(incident, by=company.agent).options[0].grantable
    made = grant(incident=incident, offer=offer, by=company.agent)
    # Void and again is the same one, not one more.
    reissue(compensation=made, reason="Código perdido", by=company.agent)
    with pytest.raises(TooOften) as refused:
        grant(incident=company.incident(first), offer=offer, by=company.agent)
    assert not isinstance(refused.value, TooOftenTogether)


@pytest.mark.parametrize("scope", ["agent", "team", "role", "market", "customer", "incident"])
@pytest.mark.parametrize("measure", ["amount", "count"])
def test_every_scope_and_measure_holds(company: Company, scope: str, measure: str) -> None:
    window = "each" if scope == "incident" else "day"
    company.limit(scope, window, measure, 200_00 if measure == "amount" else 1)
    customer = company.customer()
    incident = company.incident(customer)
    grant(incident=incident, offer=company.offers["coupon"], by=company.agent)
    again = incident if scope == "incident" else company.incident(customer)
    with pytest.raises(LimitExceeded):
        grant(incident=again, offer=company.offers["gift_card"], by=company.agent)
    # What the law demands is not counted, and not refused either.
    legal = grant(incident=again, offer=company.offers["statutory"], by=company.agent)
    assert legal.is_statutory
    assert legal.limit_uses.count() == 0
    assert LimitCounter.objects.get().used == (200_00 if measure == "amount" else 1)


def test_one_persons_limit_replaces_the_general_one(company: Company) -> None:
    company.limit("agent", "day", "amount", 100_00)
    company.limit("agent", "day", "amount", 300_00, for_staff=company.colleague)
    with pytest.raises(LimitExceeded):
        grant(incident=company.incident(), offer=company.offers["coupon"], by=company.agent)
    grant(incident=company.incident(), offer=company.offers["coupon"], by=company.colleague)


def test_a_bound_on_each_grant(company: Company) -> None:
    company.limit("grant", "each", "amount", 250_00)
    incident = company.incident()
    with pytest.raises(LimitExceeded) as refused:
        grant(
            incident=incident,
            offer=company.offers["coupon"],
            amount_minor=300_00,
            by=company.agent,
        )
    assert refused.value.extra["scope"] == "grant"
    grant(incident=incident, offer=company.offers["coupon"], amount_minor=250_00, by=company.agent)


def test_the_card_shows_room_and_the_tightest_limit(company: Company) -> None:
    company.limit("agent", "day", "amount", 1_000_00)
    company.limit("team", "month", "amount", 450_00)
    incident = company.incident()
    grant(incident=incident, offer=company.offers["coupon"], by=company.agent)
    card = offers_for(incident, by=company.agent)
    by_name = {option.offer.name_en: option for option in card.options}
    coupon, gift, statutory = by_name["coupon"], by_name["gift_card"], by_name["statutory"]
    assert coupon.already is not None
    assert isinstance(coupon.refusal, AlreadyGranted)
    assert gift.room is not None
    assert (gift.room.scope, gift.room.left, gift.room.cap) == ("team", 250_00, 450_00)
    assert isinstance(gift.refusal, LimitExceeded)
    assert statutory.grantable
    assert statutory.rooms == []


def test_the_most_specific_rule_applies(company: Company) -> None:
    from compensations import scale
    from compensations.actions import create_draft, publish_scale, submit_scale

    draft = create_draft(market=company.market, by=company.elena)
    cells = [
        (company.category, ""),
        (company.category, "vip"),
        (company.category.parent, "vip"),
        (None, ""),
        (None, "vip"),
    ]
    for category, segment in cells:
        ScaleRule.objects.create(
            version=draft, category=category, severity="moderate", segment=segment
        )
    submit_scale(version=draft, by=company.elena)
    company.approve(draft)
    live = publish_scale(version=draft, by=company.hugo)

    def cell(category: object, segment: str) -> tuple[int | None, str]:
        rule = scale.rule_for(live, category, "moderate", segment)  # type: ignore[arg-type]
        assert rule is not None
        return rule.category_id, rule.segment

    other = type(company.category).objects.create(
        market=company.market, code="other", name_es="Otro", name_en="Other"
    )
    assert cell(company.category, "vip") == (company.category.pk, "vip")
    assert cell(company.category, "standard") == (company.category.pk, "")
    assert cell(company.category.parent, "vip") == (company.category.parent_id, "vip")
    assert cell(company.category.parent, "standard") == (company.category.parent_id, "")
    assert cell(other, "vip") == (None, "vip")
    assert cell(other, "standard") == (None, "")
    assert scale.rule_for(live, other, "critical", "vip") is None


def test_void_restores_room_once_and_counters_the_ledger(company: Company) -> None:
    company.limit("agent", "day", "amount", 200_00)
    incident = company.incident()
    made = grant(incident=incident, offer=company.offers["coupon"], by=company.agent)
    void(compensation=made, reason="Cliente equivocado", by=company.agent)
    assert LimitCounter.objects.get().used == 0
    with pytest.raises(VoidRefused):
        void(compensation=made, reason="otra vez", by=company.agent)
    assert LimitCounter.objects.get().used == 0
    assert Coupon.objects.get(compensation=made).code_ciphertext is None
    assert list(differences()) == []
    assert LedgerEntry.objects.count() == 4
    grant(incident=incident, offer=company.offers["coupon"], by=company.agent)


def _compensated_at(case: Incident) -> dt.datetime | None:
    return Incident.objects.values_list("compensated_at", flat=True).get(pk=case.pk)


def test_a_void_lets_the_clock_run_again_unless_something_stands(company: Company) -> None:
    case = company.incident()
    first = grant(incident=case, offer=company.offers["coupon"], by=company.agent)
    second = grant(incident=case, offer=company.offers["gift_card"], by=company.agent)
    since = _compensated_at(case)
    assert since is not None
    void(compensation=first, reason="Se equivocó de opción.", by=company.agent)
    assert _compensated_at(case) == since
    again = reissue(compensation=second, reason="No le llegó.", by=company.agent)
    assert _compensated_at(case) == since
    void(compensation=again, reason="Era de otro cliente.", by=company.agent)
    assert _compensated_at(case) is None
    assert not case.steps.filter(step="compensate").exists()
    assert AuditEvent.objects.filter(act="incident.uncompensated", object_id=case.pk).count() == 1


@pytest.mark.parametrize("at_stake", [0, 1])
def test_a_share_of_nothing_is_not_granted(company: Company, at_stake: int) -> None:
    case = company.incident(amount_at_stake_minor=at_stake)
    with pytest.raises(AmountNeeded):
        grant(incident=case, offer=company.offers["refund"], by=company.agent)
    assert not Compensation.objects.exists()


def test_who_may_void_and_until_when(company: Company) -> None:
    made = grant(incident=company.incident(), offer=company.offers["coupon"], by=company.agent)
    with pytest.raises(NotAllowed):
        void(compensation=made, reason="no", by=company.colleague)
    Compensation.objects.update(created_at=timezone.now() - dt.timedelta(minutes=11))
    with pytest.raises(VoidWindowOver):
        void(compensation=made, reason="tarde", by=company.agent)
    assert void(compensation=made, reason="sí", by=company.supervisor).state == "voided"


def test_a_reissue_voids_its_predecessor_in_the_same_commit(company: Company) -> None:
    company.limit("agent", "day", "amount", 200_00)
    made = grant(incident=company.incident(), offer=company.offers["coupon"], by=company.agent)
    old_code = code_of(made)
    new = reissue(compensation=made, reason="No llegó", by=company.agent)
    made.refresh_from_db()
    assert (made.state, new.state) == ("voided", "issued")
    assert new.reissue_of_id == made.pk
    assert code_of(new) != old_code
    assert LimitCounter.objects.get().used == 200_00
    assert list(differences()) == []


def test_a_resend_carries_the_same_code(company: Company) -> None:
    made = grant(incident=company.incident(), offer=company.offers["coupon"], by=company.agent)
    code = code_of(made)
    resend(compensation=made, by=company.agent)
    assert Message.objects.filter(ref=made.pk).count() == 2
    assert code_of(made) == code


def test_the_database_refuses_what_code_would_not_try(company: Company) -> None:
    made = grant(incident=company.incident(), offer=company.offers["coupon"], by=company.agent)
    attempts = [
        "UPDATE compensations_compensation SET currency = 'USD'",
        "UPDATE compensations_compensation SET face_minor = 1",
        "UPDATE compensations_coupon SET balance_minor = -1",
        "UPDATE compensations_coupon SET balance_minor = value_minor + 1",
        "UPDATE compensations_offer SET maximum = 99999999",
        "DELETE FROM compensations_offer",
        "INSERT INTO compensations_scalerule (version_id, severity, segment) "  # noqa: S608
        f"VALUES ({company.scale.pk}, 'minor', '')",
        "UPDATE compensations_ledgerentry SET amount_minor = 0",
        "DELETE FROM compensations_ledgerentry",
        "INSERT INTO compensations_ledgerentry "  # noqa: S608
        "(transaction, event, market_id, compensation_id, "
        "account, amount_minor, currency) VALUES (gen_random_uuid(), 'issue', "
        f"{company.market.pk}, '{made.pk}', 'breakage', 5, 'MXN')",
        "UPDATE compensations_limitcounter SET used = -1",
        "UPDATE accounts_market SET currency = 'USD'",
        "UPDATE audit_auditevent SET act = 'x'",
        "DELETE FROM audit_auditevent",
    ]
    company.limit("agent", "day", "count", 5)
    grant(incident=company.incident(), offer=company.offers["coupon"], by=company.agent)
    for statement in attempts:
        with (
            pytest.raises(DatabaseError) as refused,
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
        assert refused.type.__name__ in {"IntegrityError", "ProgrammingError"}, statement


@transaction.atomic
def _retire_alone(scale: ScaleVersion) -> None:
    scale.state = "retired"
    scale.effective_until = timezone.now()
    scale.save()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_exactly_one_live_version(company: Company) -> None:
    with pytest.raises(IntegrityError, match="exactly one live"):
        _retire_alone(company.scale)


def test_a_grant_takes_few_trips(company: Company) -> None:
    """Roles, the locked case with all that is in force for it, and one batch of writes."""
    company.limit("agent", "day", "amount", 1_000_00)
    company.limit("market", "month", "amount", 1_000_00)
    incident = company.incident()
    grant(incident=incident, offer=company.offers["coupon"], by=company.agent)
    other = company.incident()
    agent = type(company.agent).objects.get(pk=company.agent.pk)
    with CaptureQueriesContext(connection) as queries:
        grant(incident=other, offer=company.offers["coupon"], by=agent)
    said = [query["sql"] for query in queries]
    assert len(said) == 3, said
