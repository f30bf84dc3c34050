"""The locked case, and what is in force for it, read once the locks are had.

Locks are taken in one order everywhere: the market's rules, incident and customer, the customer's
contacts, coupon, compensation, approval, then counters by rank.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection

from accounts.models import Market
from common.errors import NotFound
from common.joined import Part, fetch_all
from common.prepared import prepared
from common.rows import relate
from incidents.models import Category, ContactPoint, Customer, Incident

from ..locks import contacts_held, shared
from ..refusals import SelfDealing
from ..sharing import OTHERS


@dataclass(frozen=True, slots=True)
class Locked:
    """A locked case, and the ids of its market's live version and of its limits in force."""

    case: Incident
    live_version: int | None
    in_force: Sequence[int]
    # Other customers of the market who share an active contact: what bounds one counts for all.
    sharing: frozenset[uuid.UUID]
    # Each active contact of the customer, and whether it is a member of staff's.
    _contacts: Sequence[tuple[ContactPoint, bool]]

    def contacts(self) -> list[ContactPoint]:
        """The customer's active contacts, the last changed first. Raises SelfDealing."""
        return _nobodys(self._contacts)


def _nobodys(contacts: Sequence[tuple[ContactPoint, bool]]) -> list[ContactPoint]:
    """Raises SelfDealing when a member of staff, of whatever market or past, has one of them."""
    if any(theirs for _contact, theirs in contacts):
        raise SelfDealing
    return [contact for contact, _theirs in contacts]


_LIVE = """
(SELECT id FROM compensations_scaleversion WHERE market_id = market.id AND state = 'live')
"""
_IN_FORCE = """
ARRAY(SELECT id FROM compensations_issuancelimit
      WHERE market_id = market.id AND state = 'in_force')
"""
# Addresses by their mailbox: `lucia+x@` reaches Lucía as well as `lucia@` does.
_OF_STAFF = """
EXISTS (SELECT FROM accounts_staff staff
        WHERE mailbox(staff.email) = mailbox(contact.value)
           OR staff.phone_fingerprint = contact.fingerprint)
"""
_CONTACT = Part(
    "contact",
    ContactPoint,
    frozenset({"changed_by", "customer", "is_active", "market", "version"}),
)

_LOCK = """
SELECT FROM incidents_incident incident
JOIN incidents_customer customer ON customer.id = incident.customer_id
WHERE incident.id = %s FOR NO KEY UPDATE OF incident, customer
"""
# A row for each contact, and one for a customer who has none.
_CASE = """
FROM incidents_incident incident
JOIN incidents_customer customer ON customer.id = incident.customer_id
JOIN accounts_market market ON market.id = incident.market_id
JOIN incidents_category category ON category.id = incident.category_id
LEFT JOIN incidents_contactpoint contact
  ON contact.customer_id = customer.id AND contact.is_active
WHERE incident.id = %s ORDER BY contact.changed_at DESC
"""
# Without what no act on a compensation asks, and what the related rows say: each column is made
# anew for every grant.
_CASE_PARTS = (
    Part(
        "incident",
        Incident,
        frozenset(
            {
                "category",
                "closed_at",
                "currency",
                "customer",
                "kind",
                "logged_by_client",
                "market",
                "narrative",
                "narrative_search",
                "occurred_at",
                "order_ref",
                "resolution",
                "resolved_at",
                "severity_reason",
                "source",
                "source_ref",
                "stage",
                "suggested_severity",
            }
        ),
    ),
    Part(
        "customer",
        Customer,
        frozenset({"created_at", "created_by", "external_ref", "market", "name_search", "version"}),
    ),
    Part(
        "market",
        Market,
        frozenset({"brand", "country", "issuance_stopped_by", "name", "sender_email"}),
    ),
    Part(
        "category",
        Category,
        frozenset({"is_active", "market", "position", "suggested_severity"}),
    ),
    _CONTACT,
)


def lock_and_read(incident_id: uuid.UUID) -> Locked:
    """Holds the market's rules, locks case and customer, and reads; all in one trip.

    The contacts of a customer who shares one are held by another trip: what the others got is read
    after it. Raises NotFound.
    """
    holding = f"SELECT {shared('market_id')} FROM incidents_incident WHERE id = %s"  # noqa: S608
    found = fetch_all(
        _CASE,
        [incident_id],
        _CASE_PARTS,
        also=f"{_LIVE}, {_IN_FORCE}, {_OF_STAFF}, {OTHERS}",
        # Statements of their own: each sees what was committed while the one before it waited.
        after=[(holding, [incident_id]), (_LOCK, [incident_id])],
    )
    if not found:
        raise NotFound
    case: Incident
    case, customer, market, category, _contact, live_version, in_force, _theirs, _others = found[0]
    relate(case, customer=customer, market=market, category=category)
    relate(customer, market=market)
    contacts = [(row[4], row[7]) for row in found if row[4]]
    sharing = frozenset(other for row in found for other in row[8])
    if sharing:
        with connection.cursor() as cursor:
            cursor.execute(prepared(cursor, contacts_held()), [incident_id])
    return Locked(case, live_version, in_force, sharing, contacts)


def lock_case(incident_id: uuid.UUID) -> Incident:
    """The incident and its customer, locked, and its market's rules held. Raises NotFound."""
    return lock_and_read(incident_id).case


def contacts_of(customer: Customer) -> list[ContactPoint]:
    """The customer's active contacts as they are now, the last changed first.

    Raises SelfDealing when a member of staff, of whatever market or past, has one of them.
    """
    found = fetch_all(
        "FROM incidents_contactpoint contact "
        "WHERE contact.customer_id = %s AND contact.is_active ORDER BY contact.changed_at DESC",
        [customer.pk],
        (_CONTACT,),
        also=_OF_STAFF,
    )
    return _nobodys([(contact, theirs) for contact, theirs in found])


def rules_now(market: Market) -> tuple[int | None, list[int]]:
    """Ids of the live version and of the limits in force, read after the locks were had."""
    sql = f"SELECT {_LIVE}, {_IN_FORCE} FROM accounts_market market WHERE market.id = %s"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(prepared(cursor, sql), [market.pk])
        version_id, in_force = cursor.fetchone()
    return version_id, in_force
