"""Asking a second person, and the second person's decision: invariants 9, 10, 11 and 12."""

import datetime as dt
from collections.abc import Callable

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from django.utils.translation import override

from accounts.models import RoleGrant, Staff
from accounts.states import Role
from audit.models import AuditEvent
from common.errors import InvalidInput, NotAllowed
from common.ids import uuid7
from compensations import approvals
from compensations.actions import (
    approve,
    grant,
    grant_or_request,
    lapse_due,
    pass_up,
    reject,
    request,
    stop_issuance,
    void,
    withdraw,
)
from compensations.models import (
    Approval,
    Compensation,
    Coupon,
    LedgerEntry,
    LimitCounter,
    LimitUse,
)
from compensations.reconciliation import differences
from compensations.refusals import (
    AboveAuthority,
    AlreadyDecided,
    AlreadyGranted,
    GrantDirectly,
    IssuanceStopped,
    LimitExceeded,
    NeedsApproval,
    OwnRequest,
    RequestChanged,
    RequestLapsed,
    SelfDealing,
    WaitsForFinance,
)
from delivery.models import Message
from incidents.actions import change_incident, resolve_incident
from incidents.models import Incident

from .scenario import Company, person

pytestmark = pytest.mark.django_db
WHY = "Segunda falla en el mismo viaje."


def fresh(staff: Staff) -> Staff:
    """The person as the next request sees them: roles and teams are read again."""
    return Staff.objects.get(pk=staff.pk)


def asked(company: Company, offer: str = "large", **fields: object) -> Approval:
    """A waiting request by the agent; `large` asks for approval from 800.00 on."""
    values = {"incident": company.incident(), "by": company.agent, "reason": WHY, **fields}
    made = request(offer=company.offers[offer], **values)  # type: ignore[arg-type]
    return made.approvals.get()


def test_a_request_reserves_and_issues_nothing(company: Company) -> None:
    company.limit("team", "day", "amount", 1_000_00)
    company.limit("agent", "day", "amount", 100_00)
    incident = company.incident()
    waiting = asked(company, incident=incident, amount_minor=950_00)
    made = waiting.compensation
    assert (made.state, made.face_minor, made.issued_at) == ("requested", 950_00, None)
    assert (waiting.state, waiting.level, waiting.reason) == ("pending", 1, WHY)
    assert waiting.lapses_at - waiting.requested_at >= dt.timedelta(hours=23)
    assert [one["kind"] for one in waiting.content["because"]] == ["scale", "limit"]
    # What holds for everybody is reserved, what bounds the agent alone is not touched.
    assert {row.limit.scope: row.used for row in LimitCounter.objects.all()} == {"team": 950_00}
    assert not Coupon.objects.exists()
    assert not Message.objects.exists()
    assert not LedgerEntry.objects.exists()
    assert AuditEvent.objects.filter(act="compensation.requested").count() == 1
    incident.refresh_from_db()
    assert incident.state == "open"
    assert incident.compensated_at is None
    assert list(differences()) == []


def test_a_yes_grants_in_one_commit(company: Company) -> None:
    company.limit("team", "day", "amount", 1_000_00)
    company.limit("agent", "day", "amount", 2_000_00, for_staff=company.supervisor)
    company.limit("agent", "day", "amount", 100_00)
    waiting = asked(company, channel="handover")
    done = approve(approval=waiting, by=company.supervisor, note="De acuerdo")
    made = Compensation.objects.get()
    assert (done.state, done.decided_by_id) == ("approved", company.supervisor.pk)
    assert (made.state, made.granted_by_id) == ("issued", company.agent.pk)
    assert made.issued_at is not None
    assert made.expires_at is not None
    assert Coupon.objects.get().balance_minor == 900_00
    assert Message.objects.get().channel == "handover"
    assert sum(LedgerEntry.objects.values_list("amount_minor", flat=True)) == 0
    used = {(row.limit.scope, row.subject): row.used for row in LimitCounter.objects.all()}
    assert used == {
        ("team", str(company.team.pk)): 900_00,
        ("agent", str(company.supervisor.pk)): 900_00,
    }
    acts = AuditEvent.objects.filter(act__in=["approval.approved", "compensation.granted"])
    assert set(acts.values_list("actor_id", "role")) == {(str(company.supervisor.pk), "supervisor")}
    assert acts.count() == 2
    made.incident.refresh_from_db()
    assert (made.incident.state, made.incident.compensated_at is None) == ("in_recovery", False)
    assert list(differences()) == []
    # A void gives back what the request reserved and what the yes took.
    void(compensation=made, reason="No lo quiere", by=company.supervisor)
    assert set(LimitCounter.objects.values_list("used", flat=True)) == {0}
    assert list(differences()) == []


def test_the_trail_names_who_moved_the_case_and_the_step_whose_work_it_was(
    company: Company,
) -> None:
    """Finance decides, who works no cases; the case was nobody's."""
    incident = company.incident()
    Incident.objects.filter(pk=incident.pk).update(owner=None, team=None)
    approve(approval=asked(company, incident=incident), by=company.elena)
    moved = AuditEvent.objects.filter(
        object_id=incident.pk, act__in=["incident.recovery_started", "incident.changed"]
    )
    assert moved.count() == 2
    assert set(moved.values_list("actor_id", "role")) == {(str(company.elena.pk), "finance")}
    incident.refresh_from_db()
    assert (incident.state, incident.owner) == ("in_recovery", company.agent)
    step = incident.steps.get(step="compensate")
    assert (step.done_by, step.proof) == (company.agent, "granted")


def test_a_no_has_a_reason_and_gives_the_room_back(company: Company) -> None:
    company.limit("team", "day", "amount", 1_000_00)
    waiting = asked(company)
    for empty in ("", "   "):
        with pytest.raises(InvalidInput) as refused:
            reject(approval=waiting, reason=empty, by=company.supervisor)
        assert refused.value.field == "reason"
    done = reject(approval=waiting, reason="No corresponde", by=company.supervisor)
    assert (done.state, done.decision_reason) == ("rejected", "No corresponde")
    assert Compensation.objects.get().state == "rejected"
    assert LimitCounter.objects.get().used == 0
    assert not Message.objects.exists()
    assert list(differences()) == []
    # The same offer can be asked for again.
    asked(company, incident=waiting.compensation.incident)


def test_what_can_be_granted_is_not_asked_for(company: Company) -> None:
    with pytest.raises(GrantDirectly):
        asked(company, "coupon")
    company.limit("grant", "each", "amount", 150_00)
    with pytest.raises(GrantDirectly):
        asked(company, "coupon", amount_minor=150_00)
    assert asked(company, "coupon", amount_minor=151_00).state == "pending"


@pytest.mark.parametrize("reason", ["", "  ", "x" * 501])
def test_a_request_says_why(company: Company, reason: str) -> None:
    with pytest.raises(InvalidInput):
        asked(company, reason=reason)
    assert not Compensation.objects.exists()


@pytest.mark.parametrize("scope", ["incident", "customer", "team", "market"])
def test_a_limit_for_everybody_is_not_passed_by_asking(company: Company, scope: str) -> None:
    company.limit(scope, "each" if scope == "incident" else "day", "amount", 850_00)
    company.limit("agent", "day", "amount", 100_00)
    with override("en"), pytest.raises(LimitExceeded) as refused:
        asked(company)
    assert (refused.value.extra["scope"], refused.value.extra["request"]) == (scope, False)
    assert "finance" in str(refused.value)
    assert not Compensation.objects.exists()


def test_the_refusal_names_the_limit_that_no_approval_passes(company: Company) -> None:
    """The agent's own room is smaller, and still the team's is what stands in the way."""
    company.limit("agent", "day", "amount", 250_00)
    company.limit("team", "day", "amount", 100_00)
    with pytest.raises(LimitExceeded) as refused:
        grant(incident=company.incident(), offer=company.offers["coupon"], by=company.agent)
    assert (refused.value.extra["scope"], refused.value.extra["left"]) == ("team", 100_00)


def test_the_refusal_counts_nothing_of_its_own(company: Company) -> None:
    """What the refused grant took for a moment is not part of the room it names."""
    company.limit("agent", "day", "amount", 250_00)
    company.limit("role", "day", "amount", 150_00)
    with pytest.raises(LimitExceeded) as refused:
        grant(incident=company.incident(), offer=company.offers["coupon"], by=company.agent)
    said = refused.value.extra
    assert (said["scope"], said["used"], said["left"], said["request"]) == ("role", 0, 150_00, True)


def test_grant_or_ask(company: Company) -> None:
    offer, incident = company.offers["large"], company.incident()
    with pytest.raises(NeedsApproval) as refused:
        grant_or_request(incident=incident, offer=offer, by=company.agent)
    assert refused.value.extra["request"] is True
    made = grant_or_request(incident=incident, offer=offer, reason=WHY, by=company.agent)
    assert made.state == "requested"
    plain = grant_or_request(
        incident=incident, offer=company.offers["coupon"], reason=WHY, by=company.agent
    )
    assert plain.state == "issued"
    with pytest.raises(AlreadyGranted):
        grant_or_request(incident=incident, offer=offer, reason=WHY, by=company.colleague)


def test_nobody_decides_their_own(company: Company) -> None:
    both = person(company.market, "both", Role.SUPERVISOR, Role.FINANCE, team=company.team)
    company.team.supervisors.add(both)
    waiting = asked(company, by=both)
    for decide in (approve, pass_up):
        with pytest.raises(OwnRequest):
            decide(approval=waiting, by=both)
    with pytest.raises(OwnRequest):
        reject(approval=waiting, reason="no", by=both)
    # Nor what they logged, nor what goes to a contact that they wrote.
    logged = company.incident()
    Incident.objects.filter(pk=logged.pk).update(logged_by=company.supervisor)
    with override("en"), pytest.raises(OwnRequest, match="logged this case"):
        approve(approval=asked(company, incident=logged), by=company.supervisor)
    customer = company.customer()
    customer.contacts.update(changed_by=company.supervisor)
    with pytest.raises(OwnRequest):
        approve(approval=asked(company, incident=company.incident(customer)), by=company.supervisor)
    assert not Compensation.objects.filter(state="issued").exists()


def test_the_database_holds_four_eyes(company: Company) -> None:
    waiting = asked(company)
    made = waiting.compensation
    now = timezone.now()

    @transaction.atomic
    def committed(change: Callable[[], object]) -> None:
        change()
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")

    def refused(change: Callable[[], object]) -> None:
        with pytest.raises(IntegrityError):
            committed(change)

    rows = Approval.objects.filter(pk=waiting.pk)
    refused(lambda: rows.update(state="approved", decided_by=company.agent, decided_at=now))
    refused(lambda: rows.update(state="rejected", decided_by=company.elena, decided_at=now))
    refused(lambda: rows.update(requested_by=company.colleague))
    refused(lambda: rows.update(content={}))
    refused(
        lambda: Compensation.objects.filter(pk=made.pk).update(
            state="issued", issued_at=now, expires_at=now
        )
    )
    refused(lambda: Approval.objects.create(**_copy(waiting)))
    yes = {"state": "approved", "decided_by": company.supervisor, "decided_at": now}
    case = Incident.objects.filter(pk=made.incident_id)
    contacts = made.customer.contacts.all()
    for one, own in (
        (case, {"logged_by": company.supervisor}),
        (contacts, {"changed_by": company.supervisor}),
        (contacts, {"fingerprint": company.supervisor.email_fingerprint}),
        (contacts, {"value": company.supervisor.email.replace("@", "+x@")}),
    ):
        before = one.values_list(*own).get()
        one.update(**own)
        refused(lambda: rows.update(**yes))
        one.update(**dict(zip(own, before, strict=True)))
    committed(lambda: rows.update(**yes))


def _copy(approval: Approval) -> dict[str, object]:
    """Another pending approval of the same compensation."""
    names = ("market", "compensation", "content", "content_hash", "reason", "requested_by")
    return {name: getattr(approval, name) for name in names} | {"lapses_at": approval.lapses_at}


@pytest.mark.parametrize("who", ["colleague", "cashier", "administrator", "stranger", "left"])
def test_who_may_not_decide(company: Company, who: str) -> None:
    waiting = asked(company)
    if who == "stranger":
        by = person(company.market, "stranger", Role.SUPERVISOR)
    elif who == "left":
        by = company.supervisor
        RoleGrant.objects.filter(staff=by).update(
            ended_at=timezone.now(), ended_by=company.administrator
        )
        by = fresh(by)
    else:
        by = getattr(company, who)
    with pytest.raises(NotAllowed):
        approve(approval=waiting, by=by)
    with pytest.raises(NotAllowed):
        reject(approval=waiting, reason="no", by=by)


def test_a_request_of_nobodys_team_is_any_supervisors(company: Company) -> None:
    loner = person(company.market, "loner", Role.AGENT)
    other = person(company.market, "other", Role.SUPERVISOR)
    waiting = asked(company, by=loner)
    assert approve(approval=waiting, by=other).state == "approved"


def test_the_first_decision_stands(company: Company) -> None:
    waiting = asked(company)
    approve(approval=waiting, by=company.supervisor)
    for act in (
        lambda: approve(approval=waiting, by=company.elena),
        lambda: reject(approval=waiting, reason="no", by=company.elena),
        lambda: pass_up(approval=waiting, by=company.supervisor),
        lambda: withdraw(approval=waiting, by=company.agent),
    ):
        with pytest.raises(AlreadyDecided) as refused:
            act()
        assert refused.value.extra["state"] == "approved"
        assert company.supervisor.name in str(refused.value)
    assert Coupon.objects.count() == 1


def test_above_an_authority_it_is_endorsed_and_passed_up(company: Company) -> None:
    company.limit("grant", "each", "amount", 1_000_00, for_role="supervisor")
    company.limit("agent", "day", "amount", 950_00)
    first = asked(company)
    approve(approval=first, by=company.supervisor)
    waiting = asked(company)
    assert waiting.level == 1
    with pytest.raises(AboveAuthority) as refused:
        approve(approval=waiting, by=company.supervisor)
    said = refused.value.extra
    assert (said["scope"], said["left"], said["pass_up"]) == ("agent", 50_00, True)
    above = pass_up(approval=waiting, by=company.supervisor, note="La apoyo")
    assert (above.level, above.state, above.reason) == (2, "pending", WHY)
    waiting.refresh_from_db()
    assert (waiting.state, waiting.decided_by_id) == ("approved", company.supervisor.pk)
    with pytest.raises(WaitsForFinance):
        approve(approval=above, by=company.supervisor)
    # The same person is not the second one, whatever role they hold.
    RoleGrant.objects.create(
        staff=company.supervisor,
        market=company.market,
        role=Role.FINANCE,
        granted_by=company.administrator,
    )
    with pytest.raises(OwnRequest):
        approve(approval=above, by=fresh(company.supervisor))
    approve(approval=above, by=company.elena)
    assert Compensation.objects.filter(state="issued").count() == 2
    assert list(differences()) == []


def test_what_no_supervisor_may_give_starts_with_finance(company: Company) -> None:
    company.limit("grant", "each", "amount", 850_00, for_role="supervisor")
    waiting = asked(company)
    assert waiting.level == 2
    with pytest.raises(WaitsForFinance):
        approve(approval=waiting, by=company.supervisor)
    # A general limit of each person is no limit of finance's; one that names them is.
    company.limit("agent", "day", "amount", 100_00)
    targeted = company.limit("grant", "each", "amount", 100_00, for_role="finance")
    with pytest.raises(AboveAuthority) as refused:
        approve(approval=waiting, by=company.elena)
    assert refused.value.extra["pass_up"] is False
    type(targeted).objects.filter(pk=targeted.pk).update(state="retired")
    assert approve(approval=waiting, by=company.elena).state == "approved"


def test_with_no_other_supervisor_it_starts_with_finance(company: Company) -> None:
    assert asked(company, by=company.supervisor).level == 2


def test_what_the_law_demands_has_no_authority_to_be_above(company: Company) -> None:
    company.limit("grant", "each", "amount", 1_00)
    offer = company.republish("statutory", approval_from_minor=1_000_00)
    made = request(incident=company.incident(), offer=offer, reason=WHY, by=company.agent)
    waiting = made.approvals.get()
    assert waiting.level == 1
    approve(approval=waiting, by=company.supervisor)
    assert not LimitCounter.objects.exists()


CHANGES = {
    "category": lambda company, case: {"category": company.category.parent},
    "severity": lambda company, case: {
        "severity": "critical",
        "severity_reason": "Se quedaron en la calle.",
    },
    "amount": lambda company, case: {"amount_at_stake_minor": 1_00},
}


@pytest.mark.parametrize("what", sorted(CHANGES))
def test_a_yes_is_bound_to_what_was_asked(company: Company, what: str) -> None:
    company.limit("team", "day", "amount", 1_000_00)
    waiting = asked(company)
    case = waiting.compensation.incident
    case.refresh_from_db()
    change_incident(
        incident=case, version=case.version, by=company.agent, **CHANGES[what](company, case)
    )
    with pytest.raises(RequestChanged) as refused:
        approve(approval=waiting, by=company.supervisor)
    assert refused.value.code == "request_changed"
    _lapsed(waiting, "case")


def _lapsed(waiting: Approval, why: str) -> None:
    waiting.refresh_from_db()
    assert (waiting.state, waiting.decision_reason) == ("lapsed", why)
    assert waiting.closed_at is not None
    assert Compensation.objects.get(pk=waiting.compensation_id).state == "lapsed"
    assert not LimitCounter.objects.filter(used__gt=0).exists()
    assert not Coupon.objects.exists()
    assert list(differences()) == []
    assert AuditEvent.objects.filter(act="approval.lapsed", actor_kind="system").count() == 1


def test_a_new_segment_a_new_scale_or_a_resolved_case_end_it_too(company: Company) -> None:
    waiting = asked(company)
    type(waiting.compensation.customer).objects.update(segment="vip")
    with pytest.raises(RequestChanged):
        pass_up(approval=waiting, by=company.supervisor)
    _lapsed(waiting, "case")
    scale = asked(company)
    company.republish("coupon", validity_days=30)
    with pytest.raises(RequestChanged) as refused:
        approve(approval=scale, by=company.supervisor)
    assert refused.value.extra["reason"] == "scale"


def test_a_case_that_is_resolved_gets_nothing(company: Company) -> None:
    waiting = asked(company)
    resolve_incident(incident=waiting.compensation.incident, resolution="Listo", by=company.agent)
    with pytest.raises(RequestChanged):
        approve(approval=waiting, by=company.supervisor)
    _lapsed(waiting, "resolved")


def test_who_asked_has_to_be_somebody_who_still_grants(company: Company) -> None:
    waiting = asked(company)
    Staff.objects.filter(pk=company.agent.pk).update(is_active=False)
    with pytest.raises(RequestChanged):
        approve(approval=waiting, by=company.supervisor)
    _lapsed(waiting, "requester")


def test_a_no_needs_no_unchanged_case(company: Company) -> None:
    waiting = asked(company)
    company.republish("coupon", validity_days=30)
    assert reject(approval=waiting, reason="No", by=company.supervisor).state == "rejected"


def test_the_stop_switch_keeps_it_waiting(company: Company) -> None:
    waiting = asked(company)
    stop_issuance(market=company.market, reason="Fraude", by=company.elena)
    for decide in (approve, pass_up):
        with pytest.raises(IssuanceStopped):
            decide(approval=waiting, by=company.supervisor)
    with pytest.raises(IssuanceStopped):
        asked(company)
    waiting.refresh_from_db()
    assert waiting.state == "pending"
    assert reject(approval=waiting, reason="No", by=company.supervisor).state == "rejected"


def test_a_colleagues_contact_is_noticed_at_the_yes(company: Company) -> None:
    waiting = asked(company)
    contact = waiting.compensation.customer.contacts.get()
    contact.value = company.colleague.email
    contact.save()
    with pytest.raises(SelfDealing):
        approve(approval=waiting, by=company.supervisor)
    waiting.refresh_from_db()
    assert waiting.state == "pending"


def test_one_takes_back_ones_own(company: Company) -> None:
    company.limit("team", "day", "amount", 1_000_00)
    waiting = asked(company)
    for other in (company.colleague, company.supervisor, company.elena):
        with pytest.raises(NotAllowed):
            withdraw(approval=waiting, by=other)
    withdraw(compensation=waiting.compensation, by=company.agent)
    waiting.refresh_from_db()
    assert (waiting.state, waiting.decided_by) == ("withdrawn", None)
    assert Compensation.objects.get().state == "withdrawn"
    assert LimitCounter.objects.get().used == 0


def test_it_lapses_by_itself(company: Company) -> None:
    company.limit("team", "day", "amount", 5_000_00)
    late, changed, good = asked(company), asked(company), asked(company)
    Approval.objects.filter(pk=late.pk).update(lapses_at=timezone.now())
    Incident.objects.filter(pk=changed.compensation.incident_id).update(amount_at_stake_minor=5)
    with pytest.raises(RequestLapsed):
        approve(approval=late, by=company.supervisor)
    assert lapse_due() == 1
    assert lapse_due() == 0
    states = {row.pk: (row.state, row.decision_reason) for row in Approval.objects.all()}
    assert states == {
        late.pk: ("lapsed", "time"),
        changed.pk: ("lapsed", "case"),
        good.pk: ("pending", ""),
    }
    assert LimitCounter.objects.get().used == 900_00
    assert list(differences()) == []


def test_room_reserved_yesterday_comes_back_yesterday(company: Company) -> None:
    company.limit("team", "day", "amount", 1_000_00)
    waiting = asked(company)
    today = LimitCounter.objects.get()
    yesterday = LimitCounter.objects.create(
        limit=today.limit, subject=today.subject, starts_on="2026-01-01", used=today.used
    )
    LimitUse.objects.update(starts_on=["2026-01-01"])
    reject(approval=waiting, reason="No", by=company.supervisor)
    left = LimitCounter.objects.order_by("starts_on").values_list("pk", "used")
    assert list(left) == [(yesterday.pk, 0), (today.pk, today.used)]


def test_the_hash_is_of_the_content(company: Company) -> None:
    waiting = asked(company)
    waiting.refresh_from_db()
    assert approvals.content_hash(waiting.content) == bytes(waiting.content_hash)
    assert set(waiting.content) >= {
        "amount",
        "customer",
        "incident",
        "version",
        "offer",
        "category",
        "severity",
        "amount_at_stake",
        "segment",
    }
    assert approvals.content_hash({**waiting.content, "amount": 1}) != bytes(waiting.content_hash)


def test_a_reserved_request_holds_its_room_against_a_grant(company: Company) -> None:
    company.limit("team", "day", "amount", 1_000_00)
    waiting = asked(company)
    with pytest.raises(LimitExceeded):
        grant(incident=company.incident(), offer=company.offers["coupon"], by=company.agent)
    reject(approval=waiting, reason="No", by=company.supervisor)
    grant(incident=company.incident(), offer=company.offers["coupon"], by=company.agent)


def test_reconciliation_names_what_no_yes_explains(company: Company) -> None:
    """Each of the checks on requests finds what it is for."""
    company.limit("team", "day", "amount", 5_000_00)
    issued = grant(incident=company.incident(), offer=company.offers["coupon"], by=company.agent)
    waiting, refused = asked(company), asked(company)
    reject(approval=refused, reason="No", by=company.supervisor)
    assert list(differences()) == []
    copy = _copy(waiting)
    Approval.objects.create(**{**copy, "compensation": issued})
    reject(approval=waiting, reason="No", by=company.supervisor)
    # A request as another hand would have written it: nobody was asked.
    alone = Compensation.objects.get(pk=waiting.compensation_id)
    alone.pk, alone.state, alone.ended_at = uuid7(), "requested", None
    alone.save(force_insert=True)
    refused.compensation.limit_uses.update(released_at=None)
    found = {(difference.check, difference.key) for difference in differences()}
    assert found >= {
        ("issued request has every approval", str(issued.pk)),
        ("request waits for one decision", str(alone.pk)),
        ("request holds its room until it ends", str(refused.compensation_id)),
    }
