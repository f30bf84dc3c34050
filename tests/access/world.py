"""Two companies that do not know each other, and what each has that can be named in a request.

Callers belong to `home`. `abroad` has the same things, each with the word `ajen` in its text, and
`missing` has names of things that never existed: an answer about one must be the answer about the
other.
"""

import datetime as dt
import uuid
from dataclasses import asdict, dataclass
from typing import Any

from django.utils import timezone

from accounts.models import Holiday, IdempotentAnswer, RoleGrant, Staff
from accounts.states import Role, Scope
from accounts.tests.factories import AccessTokenFactory, ApiClientFactory
from common.ids import uuid7
from common.windows import day_bounds, local_date
from compensations.actions import (
    approve_scale,
    create_draft,
    grant,
    propose_limit,
    redeem,
    request,
    reverse,
    submit_scale,
)
from compensations.models import IssuanceLimit
from compensations.states import LimitScope, LimitWindow, Measure
from compensations.tests.scenario import Company, build, code_of, person
from delivery.models import Attempt, Receipt
from delivery.selectors import latest_for
from incidents.actions import (
    add_note,
    issue_portal_token,
    make_promise,
    resolve_incident,
    save_draft,
    tick_step,
)
from incidents.models import (
    ContactPoint,
    Incident,
    Playbook,
    PlaybookAcknowledgement,
    PlaybookStep,
    SeverityGuide,
)
from reporting.actions import build_report

WORD = "ajen"
ROLES = ("agent", "supervisor", "finance", "auditor", "administrator", "cashier")
CALLERS = (*ROLES, "roleless", "till", "nobody")


@dataclass(frozen=True)
class Side:
    """Names of one company's things, as a request writes them."""

    market: str
    market_code: str
    location: str
    location_code: str
    team: str
    person: str
    grant: str
    client: str
    token: str
    customer: str
    customer_name: str
    customer_email: str
    external_ref: str
    contact: str
    folio: str
    incident: str
    version: str
    resolved_folio: str
    fresh_folio: str
    fresh_incident: str
    category: str
    category_code: str
    playbook: str
    promise: str
    offer: str
    compensation: str
    approval: str
    asked_folio: str
    handed: str
    handed_message: str
    message: str
    code: str
    reserved_code: str
    used_code: str
    transaction: str
    redemption: str
    limit: str
    own_limit: str
    proposal: str
    portal_token: str
    scale: str
    live_number: str
    scheduled_number: str
    review_number: str
    draft_number: str
    night: str

    def words(self) -> list[str]:
        """What a request may contain and an answer may repeat, the longest first."""
        return sorted({str(value) for value in asdict(self).values()}, key=len, reverse=True)


@dataclass(frozen=True)
class World:
    home: Side
    abroad: Side
    missing: Side
    people: dict[str, Staff]
    till_key: str


def _rename(company: Company) -> None:
    """Puts the telling word into every name of the company abroad."""
    for row in (company.location, company.team, company.till):
        row.name = f"Ajena {row.name}"
        row.save()
    for staff in Staff.objects.filter(role_grants__market=company.market).distinct():
        staff.name = f"Ajena {staff.name}"
        staff.save()
    for category in (company.category, company.category.parent):
        assert category is not None
        category.name_es = category.name_en = f"Ajena {category.pk}"
        category.save()


def _scales(company: Company, other: str) -> dict[str, str]:
    """A version on its way in every state; finance of the sweep decides about Hugo's."""
    found = {"scale": str(company.scale.pk), "live_number": str(company.scale.number)}
    for name in ("scheduled", "review", "draft"):
        draft = create_draft(market=company.market, note=f"{other} cambio", by=company.hugo)
        found[f"{name}_number"] = str(draft.number)
        if name == "draft":
            break
        at = timezone.now() + dt.timedelta(days=2) if name == "scheduled" else None
        submit_scale(version=draft, effective_from=at, by=company.hugo)
        if name == "scheduled":
            approve_scale(version=draft, by=company.elena)
    return found


def _night(company: Company, ago: int) -> str:
    """A nightly report of so many days ago, with a case of the team's last second of it."""
    zone = company.market.time_zone
    date = local_date(timezone.now(), zone) - dt.timedelta(days=ago)
    if ago == 1:
        last = day_bounds(date, zone)[1] - dt.timedelta(seconds=1)
        Incident.objects.filter(pk=company.incident().pk).update(logged_at=last)
    return build_report(company.market, date).report.date.isoformat()


def _side(company: Company, other: str) -> tuple[Side, dict[str, Staff]]:
    """Fills a company with one of everything. `other` is a word that all its texts hold."""
    market, agent = company.market, company.agent
    auditor = person(market, f"{other}auditor", Role.AUDITOR)
    customer = company.customer(name=f"{other} Solís", external_ref=f"{other}-1")
    contact = ContactPoint.objects.get(customer=customer)
    contact.refresh_from_db()

    def case(**fields: Any) -> Incident:
        return company.incident(customer, narrative=f"{other} esperó dos horas", **fields)

    general = company.limit("agent", "day", "amount", 1_000_000_00)
    main = case(order_ref=f"{other}-77", location=company.location)
    first = grant(incident=main, offer=company.offers["coupon"], by=agent)
    handed = grant(incident=main, offer=company.offers["gift_card"], channel="handover", by=agent)
    handed_message, message = latest_for(handed.pk), latest_for(first.pk)
    assert handed_message is not None
    assert message is not None
    add_note(incident=main, body=f"{other} nota", by=agent)
    tick_step(incident=main, step="apologise", by=agent)
    promise = make_promise(
        incident=main,
        kind="call",
        due_at=timezone.now() + dt.timedelta(hours=3),
        owner=agent,
        detail=f"{other} llamada",
        by=agent,
    )
    resolved = case()
    used = grant(incident=resolved, offer=company.offers["coupon"], by=agent)
    transaction = f"{other}-sale"
    redemption = redeem(
        code=code_of(used),
        external_transaction_id=transaction,
        market=market,
        location=company.location,
        by=company.cashier,
    )
    undone = case()
    given = grant(incident=undone, offer=company.offers["coupon"], by=agent)
    redeem(
        code=code_of(given),
        external_transaction_id=f"{other}-undone",
        market=market,
        location=company.location,
        by=company.cashier,
    )
    reverse(external_transaction_id=f"{other}-undone", market=market, by=company.cashier)
    asked = request(
        incident=case(), offer=company.offers["large"], reason=f"{other} motivo", by=agent
    )
    resolve_incident(incident=resolved, resolution=f"{other} listo", by=agent)
    reserved = case()
    held = grant(incident=reserved, offer=company.offers["coupon"], by=agent)
    fresh = case()
    playbook = Playbook.objects.create(
        market=market, category=company.category, severity="moderate", version=1
    )
    PlaybookStep.objects.create(
        playbook=playbook, step="listen", say_es=f"{other} diga", say_en=f"{other} say"
    )
    SeverityGuide.objects.create(
        category=company.category,
        severity="moderate",
        criteria_es=f"{other} criterio",
        criteria_en=f"{other} criteria",
        example_es=f"{other} ejemplo",
        example_en=f"{other} example",
    )
    PlaybookAcknowledgement.objects.create(playbook=playbook, staff=agent)
    Holiday.objects.create(market=market, date=dt.date(2031, 1, 1), name=f"{other} día")
    token: Any = AccessTokenFactory.create(staff=agent)
    client: Any = ApiClientFactory.create(market=market, name=f"{other} caja")
    IdempotentAnswer.objects.create(
        caller=str(client.pk), key=f"{other}-key", request_hash=b"x" * 32, status=200, body="{}"
    )
    Attempt.objects.create(message=message, number=1, provider="smtp")
    Receipt.objects.create(
        message=message,
        provider="smtp",
        event_id=f"{other}-event",
        state="delivered",
        occurred_at=timezone.now(),
    )
    own = IssuanceLimit.objects.create(
        market=market,
        scope="agent",
        window="day",
        measure="amount",
        cap=2_000_000_00,
        for_staff=company.colleague,
        reason=f"{other} temporada",
        state="in_force",
        proposed_by=company.supervisor,
        decided_by=company.hugo,
        decided_at=timezone.now(),
    )
    proposal = propose_limit(
        market=market,
        scope=LimitScope.GRANT,
        window=LimitWindow.EACH,
        measure=Measure.AMOUNT,
        cap=700_00,
        reason=f"{other} turno",
        for_staff=company.colleague,
        by=company.supervisor,
    )
    save_draft(staff=agent, data={"narrative": f"{other} borrador"})
    main.refresh_from_db()
    side = Side(
        market=str(market.pk),
        market_code=market.code,
        location=str(company.location.pk),
        location_code=company.location.code,
        team=str(company.team.pk),
        person=str(company.colleague.pk),
        grant=str(RoleGrant.objects.get(staff=company.colleague).pk),
        client=str(client.pk),
        token=str(token.pk),
        customer=str(customer.pk),
        customer_name=customer.name,
        customer_email=contact.value,
        external_ref=customer.external_ref,
        contact=str(contact.pk),
        folio=main.folio,
        incident=str(main.pk),
        version=str(main.version),
        resolved_folio=resolved.folio,
        fresh_folio=fresh.folio,
        fresh_incident=str(fresh.pk),
        category=str(company.category.pk),
        category_code=company.category.code,
        playbook=str(playbook.pk),
        promise=str(promise.pk),
        offer=str(company.offers["gift_card"].pk),
        compensation=str(first.pk),
        approval=str(asked.approvals.get().pk),
        asked_folio=asked.incident.folio,
        handed=str(handed.pk),
        handed_message=str(handed_message.pk),
        message=str(message.pk),
        code=code_of(first),
        reserved_code=code_of(held),
        used_code=code_of(used),
        transaction=transaction,
        redemption=str(redemption.pk),
        limit=str(general.pk),
        own_limit=str(own.pk),
        proposal=str(proposal.pk),
        **_scales(company, other),
        night=_night(company, 1 if other == "Propia" else 2),
        portal_token=issue_portal_token(
            incident=main, ref=first.pk, seed=uuid7(), until=timezone.now() + dt.timedelta(days=90)
        ),
    )
    people = {
        "agent": company.agent,
        "supervisor": company.supervisor,
        "finance": company.elena,
        "auditor": auditor,
        "administrator": company.administrator,
        "cashier": company.cashier,
    }
    return side, people


def _missing(home: Side) -> Side:
    """Names of the same form as real ones, of things that never existed."""
    values: dict[str, str] = {}
    for name, value in asdict(home).items():
        if len(value) == 36 and value.count("-") == 4:
            values[name] = str(uuid.uuid4())
        elif value.isdigit():
            values[name] = "987654321"
        elif name in {"code", "reserved_code", "used_code"}:
            values[name] = "0000-0000-0000-0000"
        else:
            values[name] = "".join("X" if sign.isalnum() else sign for sign in value)
    values["version"] = home.version
    return Side(**values)


def build_world() -> World:
    """Both companies; the callers work at home."""
    foreign = build("AJENO")
    foreign.location.code = "AJENO"
    foreign.category.code = "ajeno-late"
    _rename(foreign)
    abroad, _strangers = _side(foreign, "Ajena")
    own = build("CASA")
    home, people = _side(own, "Propia")
    people["roleless"] = person(own.market, "roleless")
    # All scopes: what a client is refused here, no client may do.
    till: Any = ApiClientFactory.create(market=own.market, scopes=list(Scope.values))
    return World(home, abroad, _missing(home), people, str(till.key))
