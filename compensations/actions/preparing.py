"""What a grant and a request have in common: the locked case, the rules as they are, the checks.

Locks are taken in one order everywhere: the market's rules, incident and customer, coupon,
compensation, approval, then counters by rank.
"""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Market, Staff
from accounts.states import Role
from common.errors import NotAllowed, NotFound, TransitionRefused
from common.money import format_money, share
from common.prepared import prepared
from common.rows import build, columns, fresh
from incidents.models import Category, ContactPoint, Customer, Incident
from incidents.states import IncidentState

from .. import scale
from ..locks import shared
from ..models import Compensation, Offer, ScaleRule, ScaleVersion
from ..refusals import IssuanceStopped, NotInScale, OutOfRange, SelfDealing, TooOften
from ..states import CompensationState

LIVE_STATES = (
    CompensationState.REQUESTED,
    CompensationState.ISSUED,
    CompensationState.SETTLED,
)
# The constraint that keeps an offer from being granted twice on one case.
ONCE_PER_OFFER = "compensation_once_per_offer"
OPEN_STATES = frozenset({IncidentState.OPEN, IncidentState.IN_RECOVERY})


@dataclass(frozen=True, slots=True)
class Ground:
    """A locked case with the offer that the live scale allows on it, and the amount chosen."""

    case: Incident
    version: ScaleVersion
    rule: ScaleRule
    offer: Offer
    minor: int
    contacts: Sequence[ContactPoint]
    # Ids of the market's limits, read after the locks were had.
    in_force: Sequence[int]

    @property
    def needs_approval(self) -> bool:
        """Whether the scale asks for a second person from this amount on."""
        bound = self.offer.approval_from_minor
        return bound is not None and self.minor >= bound


@lru_cache(maxsize=1)
def _locking() -> str:
    parts = (
        (Incident, "incident"),
        (Customer, "customer"),
        (Market, "market"),
        (Category, "category"),
    )
    return (
        f"SELECT {', '.join(columns(model, alias) for model, alias in parts)} "  # noqa: S608
        "FROM incidents_incident incident "
        "JOIN incidents_customer customer ON customer.id = incident.customer_id "
        "JOIN accounts_market market ON market.id = incident.market_id "
        "JOIN incidents_category category ON category.id = incident.category_id "
        "WHERE incident.id = %s FOR NO KEY UPDATE OF incident, customer"
    )


def lock_case(incident_id: uuid.UUID) -> Incident:
    """The incident and its customer, locked, and its market's rules held; all in one trip.

    Market and category are read along. Raises NotFound.
    """
    rules = f"SELECT {shared('market_id')} FROM incidents_incident WHERE id = %s"  # noqa: S608
    with connection.cursor() as cursor:
        # Two statements: the second sees what was committed while the first one waited.
        both = f"{prepared(cursor, rules)}; {prepared(cursor, _locking())}"
        cursor.execute(both, [incident_id, incident_id])
        row = cursor.fetchone()
    if row is None:
        raise NotFound
    found: Incident
    found, customer, market, category = build(row, Incident, Customer, Market, Category)
    found.customer, found.market, found.category = customer, market, category
    customer.market = market
    return found


@lru_cache(maxsize=1)
def _contact_query() -> str:
    return (
        f"SELECT {columns(ContactPoint, 'contact')}, EXISTS ("  # noqa: S608
        "SELECT 1 FROM accounts_staff staff "
        "WHERE staff.email_fingerprint = contact.fingerprint "
        "OR staff.phone_fingerprint = contact.fingerprint) "
        "FROM incidents_contactpoint contact "
        "WHERE contact.customer_id = %s AND contact.is_active ORDER BY contact.changed_at DESC"
    )


def contacts_of(customer: Customer) -> list[ContactPoint]:
    """The customer's active contacts, the last changed first.

    Raises SelfDealing when a member of staff, of whatever market or past, has one of them.
    """
    with connection.cursor() as cursor:
        cursor.execute(prepared(cursor, _contact_query()), [customer.pk])
        return _nobodys(cursor.fetchall())


def _nobodys(rows: Sequence[Sequence[Any]]) -> list[ContactPoint]:
    """Contacts with, as the last value of each row, whether it is a member of staff's.

    Raises SelfDealing for one.
    """
    if any(row[-1] for row in rows):
        raise SelfDealing
    return [build(row, ContactPoint)[0] for row in rows]


_RULES_NOW = """
SELECT (SELECT id FROM compensations_scaleversion
        WHERE market_id = %(market)s AND state = 'live'),
       ARRAY(SELECT id FROM compensations_issuancelimit
             WHERE market_id = %(market)s AND state = 'in_force')
"""


def rules_now(market: Market) -> tuple[int | None, list[int]]:
    """Ids of the live version and of the limits in force, read after the locks were had."""
    with connection.cursor() as cursor:
        cursor.execute(prepared(cursor, _RULES_NOW), {"market": market.pk})
        version_id, in_force = cursor.fetchone()
    return version_id, in_force


@lru_cache(maxsize=1)
def _rules_and_contacts() -> str:
    """The rules of `rules_now` on each row of `_contact_query`, and on one row without contacts."""
    contact = _contact_query().replace(" ORDER BY contact.changed_at DESC", "")
    rules = _RULES_NOW.replace("%(market)s", "(SELECT market_id FROM asked)").strip()
    return (
        "WITH asked AS MATERIALIZED (SELECT %s::bigint AS market_id), "  # noqa: S608
        f"rules(live, in_force) AS MATERIALIZED ({rules}) "
        "SELECT rules.live, rules.in_force, contact.* "
        f"FROM rules LEFT JOIN ({contact}) AS contact ON TRUE ORDER BY contact.changed_at DESC"
    )


def _rules_and_contacts_now(
    case: Incident,
) -> tuple[int | None, list[int], list[Sequence[Any]]]:
    """What `rules_now` and `contacts_of` read, in one trip; `_nobodys` makes contacts of the rows.

    Read after the locks were had.
    """
    with connection.cursor() as cursor:
        statement = prepared(cursor, _rules_and_contacts())
        cursor.execute(statement, [case.market_id, case.customer_id])
        rows = cursor.fetchall()
    live, in_force, first_key = rows[0][:3]
    return live, in_force, [] if first_key is None else [row[2:] for row in rows]


def check_frequency(offer: Offer, customer: Customer, reissue_of: Compensation | None) -> None:
    """Raises TooOften. The customer's row is locked, so two cases cannot slip past together."""
    if not offer.per_customer:
        return
    since = timezone.now() - dt.timedelta(days=offer.per_customer_days)
    given = Compensation.objects.filter(
        customer=customer,
        kind=offer.kind,
        offer__name_es=offer.name_es,
        state__in=[*LIVE_STATES, CompensationState.EXPIRED],
        created_at__gte=since,
    )
    if reissue_of is not None:
        given = given.exclude(pk=reissue_of.pk)
    if given.count() >= offer.per_customer:
        raise TooOften(
            extra={"times": offer.per_customer, "days": offer.per_customer_days}, field="offer"
        )


def _amount(offer: Offer, incident: Incident, amount_minor: int | None) -> int:
    """The amount to grant, checked against the offer's range. Raises OutOfRange, AmountNeeded."""
    allowed = scale.range_of(offer, incident.amount_at_stake_minor)
    if amount_minor is None:
        return allowed.default
    if not allowed.minimum <= amount_minor <= allowed.maximum:
        market = incident.market
        raise OutOfRange(
            _("Choose an amount from %(low)s to %(high)s.")
            % {
                "low": format_money(allowed.minimum, market.currency, market.locale),
                "high": format_money(allowed.maximum, market.currency, market.locale),
            },
            field="amount_minor",
            extra={"minimum": allowed.minimum, "maximum": allowed.maximum},
        )
    return amount_minor


def check_open(case: Incident) -> None:
    """Raises IssuanceStopped, and TransitionRefused for a case that is not worked on any more."""
    if case.market.issuance_stopped_at is not None:
        raise IssuanceStopped
    if case.state not in OPEN_STATES:
        raise TransitionRefused(_("This case is resolved. Reopen it to grant something more."))


def prepare(
    *,
    incident: Incident,
    offer: Offer,
    amount_minor: int | None,
    by: Staff,
    reissue_of: Compensation | None = None,
) -> Ground:
    """Locks the case and checks everything but the limits and who else has to agree.

    Raises NotAllowed, NotFound, NotInScale, OutOfRange, AmountNeeded, SelfDealing, TooOften,
    IssuanceStopped, TransitionRefused.
    """
    case = lock_case(incident.pk)
    market, customer = case.market, case.customer
    if not by.has_role(market, Role.AGENT, Role.SUPERVISOR):
        raise NotAllowed
    check_open(case)
    version_id, in_force, rows = _rules_and_contacts_now(case)
    version = scale.version_of(version_id)
    if version is None:
        raise NotInScale(field="offer")
    rule = scale.rule_for(version, case.category, case.severity, customer.segment)
    if rule is None:
        raise NotInScale(field="offer")
    chosen = next((row for row in rule.offers.all() if row.pk == offer.pk), None)
    if chosen is None:
        raise NotInScale(field="offer")
    minor = _amount(chosen, case, amount_minor)
    contacts = _nobodys(rows)
    check_frequency(chosen, customer, reissue_of)
    return Ground(case, version, rule, chosen, minor, contacts, in_force)


def unsaved(ground: Ground, *, by: Staff, note: str = "") -> Compensation:
    """The compensation that the ground allows, not issued yet and in no table."""
    case, offer = ground.case, ground.offer
    return fresh(
        Compensation,
        market=case.market,
        incident=case,
        customer=case.customer,
        version=ground.version,
        rule=ground.rule,
        offer=offer,
        kind=offer.kind,
        is_statutory=offer.is_statutory,
        face_minor=ground.minor,
        expected_cost_minor=share(ground.minor, offer.expected_cost_bp),
        currency=case.market.currency,
        state=CompensationState.REQUESTED,
        granted_by=by,
        team_id=by.team_id,
        location_id=case.location_id,
        category=case.category,
        severity=case.severity,
        channel=case.channel,
        note=note,
    )
