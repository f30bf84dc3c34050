"""Server time and queries of the desk's hot pages, as an agent meets them at a million incidents.

Each page is asked for through Django's whole handler, signed in, in this process: the time is what
the server needs, without a network. Every sample is another address, drawn from what is there.
"""

import importlib
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.test import Client

from incidents.models import Category, ContactPoint, Incident

from .table import Row
from .volume import Place

BUDGET, AIM = 100, 50  # milliseconds at the 95th percentile
SAMPLES = 60
WARM_UP = 3


@dataclass(slots=True)
class Samples:
    """What one kind of page took, in milliseconds, and how many queries it asked."""

    name: str
    times: list[float] = field(default_factory=list)
    queries: list[int] = field(default_factory=list)
    slowest: tuple[str, dict[str, str]] = ("", {})

    @property
    def p95(self) -> float:
        return sorted(self.times)[int(len(self.times) * 0.95)]

    def row(self) -> Row:
        few, many = min(self.queries), max(self.queries)
        count = str(few) if few == many else f"{few} to {many}"
        middle = sorted(self.times)[len(self.times) // 2]
        return Row(
            f"{self.name}, {count} queries",
            f"p95 {self.p95:.0f} ms, median {middle:.0f} ms",
            budget=f"{BUDGET} ms",
            met=self.p95 <= BUDGET,
        )


class Draw:
    """Random things of the volume, from a seed."""

    def __init__(self, place: Place, seed: int = 7) -> None:
        self.random = random.Random(seed)
        self.market = place.company.market
        self.rows: list[Incident] = list(
            Incident.objects.filter(market=self.market, pk__in=self._some_keys())
            .select_related("customer")
            .order_by("folio")
        )
        self.categories = list(
            Category.objects.filter(market=self.market, code__startswith="v-")
            .order_by("code")
            .values_list("pk", flat=True)
        )

    def _some_keys(self) -> list[Any]:
        with connection.cursor() as cursor:
            # By their folios, which every volume of a size makes alike: two runs ask the same.
            cursor.execute(
                "SELECT id FROM incidents_incident WHERE market_id = %s "
                "AND abs(hashtext(folio)) %% greatest(1, (SELECT reltuples FROM pg_class "
                "WHERE relname = 'incidents_incident')::bigint / 2000) = 0 "
                "ORDER BY folio LIMIT 1500",
                [self.market.pk],
            )
            return [key for (key,) in cursor.fetchall()]

    def incident(self) -> Incident:
        return self.random.choice(self.rows)

    def slipped_name(self) -> str:
        """First and last name of a customer, with one letter wrong in one of them."""
        parts = self.incident().customer.name.split()[:2]
        which = self.random.randrange(2)
        word = parts[which]
        place = self.random.randrange(1, len(word))
        parts[which] = word[:place] + self.random.choice("aeiourns") + word[place + 1 :]
        return " ".join(parts).lower()

    def part_of_phone(self) -> str:
        """Six digits out of the middle of somebody's number."""
        value = None
        while value is None:
            value = (
                ContactPoint.objects.filter(kind="phone", customer=self.incident().customer_id)
                .values_list("value", flat=True)
                .first()
            )
        start = self.random.randrange(3, 7)
        return str(value)[start : start + 6]

    def order(self) -> str:
        """An order number of some incident."""
        found = ""
        while not found:
            found = self.incident().order_ref
        return found

    def words(self) -> str:
        """Two or three longer words of one narrative, as somebody remembers them."""
        text = self.incident().narrative.replace(".", " ").replace(",", " ")
        long = [word for word in text.split() if len(word) > 4]
        chosen = self.random.sample(long, self.random.choice((2, 2, 3)))
        if self.random.random() < 0.25:  # still typing
            chosen[-1] = chosen[-1][:4]
        return " ".join(chosen)


def _list_address(draw: Draw) -> str:
    row = draw.incident()
    choices = [
        "",
        "?state=active",
        "?state=closed",
        "?severity=critical",
        "?severity=critical&state=active",
        "?view=mine",
        "?view=team",
        "?view=due",
        "?view=critical",
        "?period=7",
        "?period=90&severity=minor",
        f"?channel={row.channel}",
        f"?location={row.location_id}",
        f"?location={row.location_id}&severity=critical&state=active",
        f"?category={draw.random.choice(draw.categories)}",
        f"?category={draw.random.choice(draw.categories)}&channel={row.channel}&period=30",
        f"?after={row.pk}",
        f"?before={row.pk}&severity={row.severity}",
    ]
    return f"/incidents/{draw.random.choice(choices)}"


Address = Callable[[Draw], tuple[str, dict[str, str]]]


def _search(text: Callable[[Draw], str], path: str = "/incidents/") -> Address:
    return lambda draw: (path, {"q": text(draw)})


def _path(text: Callable[[Draw], str]) -> Address:
    return lambda draw: (text(draw), {})


KINDS: dict[str, Address] = {
    "desk, my cases": _path(lambda draw: "/"),
    "list of incidents, 18 filters": _path(_list_address),
    "search: name with a slip": _search(Draw.slipped_name),
    "search: part of a phone number": _search(Draw.part_of_phone),
    "search: order": _search(Draw.order),
    "search: words of the narrative": _search(Draw.words),
    "search: folio": _search(lambda draw: draw.incident().folio),
    "palette: name with a slip": _search(Draw.slipped_name, "/find/"),
    "palette: words of the narrative": _search(Draw.words, "/find/"),
    "customer page": _path(lambda draw: f"/customers/{draw.incident().customer_id}/"),
    "incident page": _path(lambda draw: f"/incidents/{draw.incident().folio}/"),
}


def measure(clients: Sequence[Client], draw: Draw, name: str, samples: int = SAMPLES) -> Samples:
    """One kind of page, the clients by turns. Raises RuntimeError for an answer that is no page."""
    found = Samples(name)
    address = KINDS[name]
    counted = 0

    def count(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal counted
        counted += 1
        return execute(sql, params, many, context)

    for number in range(samples + WARM_UP):
        path, values = address(draw)
        client = clients[number % len(clients)]
        counted = 0
        with connection.execute_wrapper(count):
            start = time.perf_counter()
            answer = client.get(path, values)
            taken = (time.perf_counter() - start) * 1000
        if answer.status_code != 200:
            raise RuntimeError(f"{path} {values} answered {answer.status_code}")
        if number < WARM_UP:
            continue
        if taken > max(found.times, default=0):
            found.slowest = (path, values)
        found.times.append(taken)
        found.queries.append(counted)
    return found


def sign_in(place: Place) -> list[Client]:
    """Browsers of two agents and of a supervisor."""
    clients = []
    for staff in (*place.agents[:2], place.supervisor):
        client = Client(HTTP_HOST="127.0.0.1")
        client.force_login(staff)
        clients.append(client)
    return clients


def measured(places: Sequence[Place]) -> Iterator[tuple[Samples, Client]]:
    """The samples of each kind of page, with a browser that is signed in."""
    # Loads all views and spares them from the collector, as every web process does.
    importlib.import_module("recovery.wsgi")
    clients = sign_in(places[0])
    draw = Draw(places[0])
    for name in KINDS:
        yield measure(clients, draw, name), clients[0]
