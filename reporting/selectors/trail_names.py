"""Names of what a page of the trail speaks of: one query for each kind of thing that is on it."""

import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.utils.formats import date_format

from accounts.models import ApiClient, Location, Market, Staff, Team
from audit.models import AuditEvent
from compensations.models import Compensation, IssuanceLimit
from incidents.models import Customer, Incident

from ..models import NightlyReport


def _uuids(keys: Iterable[str]) -> list[uuid.UUID]:
    found = []
    for key in keys:
        try:
            found.append(uuid.UUID(key))
        except ValueError:
            continue
    return found


def _numbers(keys: Iterable[str]) -> list[int]:
    return [int(key) for key in keys if key.isdecimal() and len(key) < 19]


@dataclass(slots=True)
class Names:
    """Names by kind and id; folios by the id of a case or compensation; offers likewise."""

    named: dict[tuple[str, str], str] = field(default_factory=dict)
    folios: dict[str, str] = field(default_factory=dict)
    offers: dict[str, str] = field(default_factory=dict)

    def name(self, event: AuditEvent) -> str:
        """The name of what the row is about; empty where it has none or is gone."""
        return self.named.get((event.object_kind, event.object_id), "")

    def folio(self, event: AuditEvent) -> str:
        """The folio of the case that the row belongs to; empty for none."""
        return self.folios.get(event.object_id) or self.folios.get(event.about_id, "")

    def offer(self, event: AuditEvent) -> str:
        """The offer of the compensation that the row is about."""
        recorded = str((event.after or {}).get("offer") or "")
        return self.offers.get(event.object_id, recorded)


def _plain(model: type[Staff | Team | Location | ApiClient | Market | Customer]) -> Callable[
    [Iterable[str]], dict[str, str]
]:  # fmt: skip
    def read(keys: Iterable[str]) -> dict[str, str]:
        by_uuid = model in (Customer, ApiClient, Staff)
        wanted: list[Any] = _uuids(keys) if by_uuid else _numbers(keys)
        rows = model._default_manager.filter(pk__in=wanted).values_list("pk", "name")
        return {str(pk): str(name) for pk, name in rows}

    return read


def _limits(keys: Iterable[str]) -> dict[str, str]:
    """Whom a limit is for; its scope and window are in the row."""
    rows = IssuanceLimit.objects.filter(pk__in=_numbers(keys)).values_list(
        "pk", "for_staff__name", "for_team__name"
    )
    return {str(pk): staff or team or "" for pk, staff, team in rows}


def _reports(keys: Iterable[str]) -> dict[str, str]:
    rows = NightlyReport.objects.filter(pk__in=_numbers(keys)).values_list("pk", "date")
    return {str(pk): date_format(date, "SHORT_DATE_FORMAT") for pk, date in rows}


_READERS: dict[str, Callable[[Iterable[str]], dict[str, str]]] = {
    "staff": _plain(Staff),
    "team": _plain(Team),
    "location": _plain(Location),
    "market": _plain(Market),
    "api_client": _plain(ApiClient),
    "customer": _plain(Customer),
    "limit": _limits,
    "report": _reports,
}


def names_of(events: Iterable[AuditEvent]) -> Names:
    """The names that these rows need, in at most one query for each kind."""
    names = Names()
    by_kind: defaultdict[str, set[str]] = defaultdict(set)
    cases: set[str] = set()
    for event in events:
        by_kind[event.object_kind].add(event.object_id)
        if event.object_kind == "incident":
            cases.add(event.object_id)
        if event.about_id and event.object_kind != "limit":
            cases.add(event.about_id)
    # A message is filed under its compensation, everything else under its case.
    if maybe := _uuids(cases | by_kind.get("compensation", set())):
        rows = Compensation.objects.filter(pk__in=maybe).select_related("offer", "incident")
        for row in rows.only("offer__name_es", "offer__name_en", "incident__folio"):
            names.offers[str(row.pk)] = row.offer.name
            names.named["compensation", str(row.pk)] = row.offer.name
            names.folios[str(row.pk)] = row.incident.folio
        for pk, folio in Incident.objects.filter(pk__in=maybe).values_list("pk", "folio"):
            names.folios[str(pk)] = folio
            names.named["incident", str(pk)] = folio
    for kind, read in _READERS.items():
        if keys := by_kind.get(kind):
            names.named |= {(kind, key): name for key, name in read(keys).items()}
    return names
