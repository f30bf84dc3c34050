"""Saving drafts in chunks: each chunk is one transaction, a run cut short goes on where it ended.

What was imported before is known by source and reference. Two imports of one source wait for each
other chunk by chunk, so neither doubles the other's rows.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from accounts.models import Market
from audit.actions import Actor, event
from audit.models import AuditEvent
from audit.states import ActorKind
from common.fingerprints import fingerprint
from common.ids import uuid7
from common.windows import local_date
from delivery.states import Channel

from ..models import ContactPoint, Customer, Incident, RecoveryStep
from ..models.customers import UNNAMED
from ..states import ContactKind, IncidentState, Step
from .rows import Draft, Person
from .words import plain

CHUNK = 500
IMPORTER = Actor(ActorKind.SYSTEM, name="import_incidents")


@dataclass(slots=True)
class Known:
    """What a source brought before: the prints of its rows, and its references.

    The print decides, so that another mapping of the same rows does not bring them twice.
    """

    prints: set[str] = field(default_factory=set)
    references: set[str] = field(default_factory=set)


def known_rows(market: Market, source: str) -> Known:
    """What earlier runs of this source left; one read of an index."""
    known = Known()
    refs = Incident.objects.filter(market=market, source=source).values_list(
        "source_ref", flat=True
    )
    for ref in refs.iterator(chunk_size=10_000):
        reference, _mark, row_print = ref.rpartition("#")
        known.prints.add(row_print)
        if reference:
            known.references.add(reference)
    return known


def save_drafts(
    market: Market, source: str, name: str, drafts: Sequence[Draft], *, closed: bool = False
) -> int:
    """Saves the drafts that are not there yet, as `closed` cases if asked; how many it added."""
    people = People(market, source, name)
    added = 0
    for start in range(0, len(drafts), CHUNK):
        added += _save_chunk(market, source, people, drafts[start : start + CHUNK], closed)
    return added


@transaction.atomic
def _save_chunk(
    market: Market, source: str, people: "People", drafts: Sequence[Draft], closed: bool
) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"{market.pk}:{source}"]
        )
    # Another run of the same source may have saved some since the plan was made.
    there = set(
        Incident.objects.filter(
            market=market, source=source, source_ref__in=[draft.source_ref for draft in drafts]
        ).values_list("source_ref", flat=True)
    )
    drafts = [draft for draft in drafts if draft.source_ref not in there]
    customers = people.find_or_make([draft.person for draft in drafts])
    now = timezone.now()
    # A row counts on its own day, wherever figures and lists look; without one, on that of now.
    moments = [draft.occurred_at or now for draft in drafts]
    folios = _folios(market, moments)
    incidents = [
        _incident(market, source, draft, customer, folio, moment)
        for draft, customer, folio, moment in zip(drafts, customers, folios, moments, strict=True)
    ]
    if closed:
        for row in incidents:
            row.state, row.closed_at = IncidentState.CLOSED, now
    Incident.objects.bulk_create(incidents)
    RecoveryStep.objects.bulk_create(
        RecoveryStep(incident=row, step=Step.LISTEN, proof="imported", done_at=row.logged_at)
        for row in incidents
    )
    AuditEvent.objects.bulk_create(
        event(
            act="incident.imported",
            by=IMPORTER,
            object_kind="incident",
            object_id=row.pk,
            market_code=market.code,
            after={
                "folio": row.folio,
                "source": source,
                "category": draft.category.code,
                "state": str(row.state),
                "logged_at": row.logged_at.isoformat(),
            },
        )
        for row, draft in zip(incidents, drafts, strict=True)
    )
    return len(incidents)


def _folios(market: Market, moments: Sequence[dt.datetime]) -> list[str]:
    """A number of the year of each moment's local date; folios begin with the year 2000."""
    years = [max(local_date(moment, market.time_zone).year, 2000) for moment in moments]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT next_folio(%s, year) FROM unnest(%s::int[]) AS given (year)",
            [market.code, years],
        )
        numbers = [number for (number,) in cursor.fetchall()]
    return [
        f"{market.code}-{year}-{number:06d}" for year, number in zip(years, numbers, strict=True)
    ]


def _incident(
    market: Market, source: str, draft: Draft, customer: Customer, folio: str, moment: dt.datetime
) -> Incident:
    """The row as of its aware `moment`, without clocks: nobody was at the desk for it."""
    suggested = draft.category.suggested_severity
    return Incident(
        # Lists go by id.
        id=uuid7(moment),
        market=market,
        folio=folio,
        customer=customer,
        kind=draft.kind,
        category=draft.category,
        severity=draft.severity,
        suggested_severity=suggested,
        severity_reason="" if draft.severity == suggested else _said_by_source(market),
        narrative=draft.narrative,
        channel=draft.channel,
        location=draft.location,
        order_ref=draft.order_ref,
        amount_at_stake_minor=draft.amount_minor,
        currency=market.currency,
        occurred_at=draft.occurred_at,
        logged_at=moment,
        source=source,
        source_ref=draft.source_ref,
    )


def _said_by_source(market: Market) -> str:
    with override(market.language):
        return _("As stated by the source.")


class People:
    """The customers of a file: those the market knows, those it brings, and nobody's placeholder.

    A number decides, then a phone, then an email. A name alone is the same person only inside one
    file: across files nobody can tell two of the same name apart.
    """

    def __init__(self, market: Market, source: str, name: str) -> None:
        self._market = market
        self._source = source
        self._name = name
        self._named: dict[str, Customer] = {}
        self._nobody: Customer | None = None

    def find_or_make(self, people: Sequence[Person]) -> list[Customer]:
        """A customer for each person, in their order; new ones are saved."""
        numbers, contacts = self._stored(people)
        made: list[tuple[Customer, Person]] = []
        found: list[Customer] = []
        for person in people:
            customer = self._match(person, numbers, contacts)
            if customer is None:
                customer = self._new(person)
                made.append((customer, person))
            if person.number:
                numbers.setdefault(person.number, customer)
            for value in filter(None, (person.phone, person.email)):
                contacts.setdefault(value, customer)
            if person.known and not (person.number or person.phone or person.email):
                self._named[plain(person.name)] = customer
            found.append(customer)
        self._save(made)
        return found

    def _stored(self, people: Iterable[Person]) -> tuple[dict[str, Customer], dict[str, Customer]]:
        people = list(people)
        rows = Customer.objects.filter(market=self._market).order_by("-id")
        numbers = {person.number for person in people if person.number}
        by_number = {row.external_ref: row for row in rows.filter(external_ref__in=numbers)}
        values = {value for person in people for value in (person.phone, person.email) if value}
        contacts = (
            ContactPoint.objects.filter(
                market=self._market,
                fingerprint__in=[fingerprint("contact", value) for value in values],
                is_active=True,
            )
            .select_related("customer")
            .order_by("id")
        )
        return by_number, {row.value: row.customer for row in contacts}

    def _match(
        self, person: Person, numbers: dict[str, Customer], contacts: dict[str, Customer]
    ) -> Customer | None:
        if not person.known:
            return self._placeholder()
        if person.number:
            return numbers.get(person.number)
        for value in (person.phone, person.email):
            if value in contacts:
                return contacts[value]
        if person.phone or person.email:
            return None
        return self._named.get(plain(person.name))

    def _new(self, person: Person) -> Customer:
        return Customer(
            market=self._market,
            name=person.name or self._unnamed(),
            language=person.language,
            preferred_channel=Channel.EMAIL if person.email else Channel.HANDOVER,
            external_ref=person.number,
        )

    def _unnamed(self) -> str:
        with override(self._market.language):
            return _("Customer without a name")

    def _save(self, made: list[tuple[Customer, Person]]) -> None:
        Customer.objects.bulk_create(customer for customer, _person in made)
        points = [
            ContactPoint(
                customer=customer,
                market=self._market,
                kind=kind,
                value=value,
                fingerprint=fingerprint("contact", value),
            )
            for customer, person in made
            for kind, value in (
                (ContactKind.PHONE, person.phone),
                (ContactKind.EMAIL, person.email),
            )
            if value
        ]
        ContactPoint.objects.bulk_create(points)
        AuditEvent.objects.bulk_create(
            event(
                act="customer.created",
                by=IMPORTER,
                object_kind="customer",
                object_id=customer.pk,
                market_code=self._market.code,
                after={"source": self._source},
            )
            for customer, _person in made
        )

    def _placeholder(self) -> Customer:
        """One customer for every row of the source that names nobody, in the market's language."""
        if self._nobody is None:
            with override(self._market.language):
                name = _("Not identified (%(source)s)") % {"source": self._name}
            self._nobody, created = Customer.objects.get_or_create(
                market=self._market,
                external_ref=f"{UNNAMED}{self._source}"[:60],
                defaults={
                    "name": name[:120],
                    "language": self._market.language,
                    "preferred_channel": Channel.HANDOVER,
                },
            )
            if created:
                AuditEvent.objects.bulk_create(
                    [
                        event(
                            act="customer.created",
                            by=IMPORTER,
                            object_kind="customer",
                            object_id=self._nobody.pk,
                            market_code=self._market.code,
                            after={"source": self._source},
                        )
                    ]
                )
        return self._nobody
