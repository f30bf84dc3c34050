"""Invented customers and their contacts. Mail goes to reserved names; nobody here exists."""

import datetime as dt
import random
import unicodedata
import uuid
from dataclasses import dataclass

from accounts.states import Language
from audit.actions import Actor
from common.contacts import mask_email
from common.fingerprints import fingerprint
from delivery.states import Channel
from incidents.models import ContactPoint, Customer
from incidents.states import ContactKind, Segment

from . import content
from .company import DemoMarket, Person
from .ids import HistoricIds
from .loading import Batch
from .rhythm import Wheel
from .trail import Trail

# All under .example, which no real mail server serves (RFC 2606).
DOMAINS = ("correo.example", "buzon.example", "mail.example", "postal.example")
# Area codes (or mobile prefixes) and how many digits follow; the first three are always 555.
PHONES = {
    "MX": ("+52", {"55": 8, "81": 8, "33": 8, "998": 7, "999": 7, "322": 7, "951": 7}),
    "CO": ("+57", dict.fromkeys(("300", "301", "310", "311", "312", "315", "320"), 7)),
}
ENGLISH_SHARE = {"MX": 0.11, "CO": 0.04}
REFERENCE = {"MX": "Q-{:06d}", "CO": "Y{:07d}"}
# The share of customers who were on file before the product came.
ON_FILE = 0.8
# How many times more often than others somebody may complain.
MOST_OFTEN = 9.0


@dataclass(slots=True)
class DemoCustomer:
    """A customer to be; `id` and `created_at` are given when they first appear."""

    number: int
    name: str
    language: str
    segment: str
    preferred: str
    email: str
    phone: str
    reference: str
    created_at: dt.datetime | None = None
    id: uuid.UUID | None = None
    created_by: uuid.UUID | None = None
    email_contact: uuid.UUID | None = None
    phone_contact: uuid.UUID | None = None

    @property
    def channel(self) -> Channel:
        """Where a message goes: email where it is preferred and known, else by hand."""
        return Channel.EMAIL if self.preferred == Channel.EMAIL and self.email else Channel.HANDOVER

    @property
    def masked(self) -> str:
        return mask_email(self.email)


def plain(text: str) -> str:
    """Lower-case letters without accents or spaces, for addresses."""
    folded = unicodedata.normalize("NFD", text.lower())
    return "".join(letter for letter in folded if letter.isascii() and letter.isalnum())


class Customers:
    """The customers of one market."""

    def __init__(
        self,
        market: DemoMarket,
        *,
        count: int,
        now: dt.datetime,
        rng: random.Random,
        ids: HistoricIds,
        trail: Trail,
    ) -> None:
        self.market = market
        self.rng = rng
        self.ids = ids
        self.trail = trail
        self.began = now - dt.timedelta(days=95)
        self._phones: set[str] = set()
        self.everybody = [self._invent(number) for number in range(1, count + 1)]
        for customer in self.everybody[: int(count * ON_FILE)]:
            self._appear(customer, self.began - dt.timedelta(minutes=rng.randint(10, 700_000)))
        # Most people complain once or twice; a few again and again, though never every day.
        self._wheel = Wheel(
            self.everybody, [min(rng.paretovariate(1.5), MOST_OFTEN) for _one in self.everybody]
        )

    def draw(self) -> DemoCustomer:
        return self._wheel.draw(self.rng)

    def _invent(self, number: int) -> DemoCustomer:
        rng, code = self.rng, self.market.code
        english = rng.random() < ENGLISH_SHARE[code]
        names = content.names()["EN" if english else code]
        first = rng.choice(names.women if rng.random() < 0.54 else names.men)
        last = rng.choice(names.surnames)
        second = "" if english else f" {rng.choice(names.surnames)}"
        has_email = rng.random() < 0.9
        domain = rng.choice(DOMAINS)
        prefers_email = rng.random() < 0.86
        roll = rng.random()
        segment = Segment.VIP if roll < 0.05 else Segment.VALUED if roll < 0.2 else Segment.STANDARD
        return DemoCustomer(
            number=number,
            name=f"{first} {last}{second}",
            language=Language.EN if english else Language.ES,
            segment=segment,
            preferred=Channel.EMAIL if has_email and prefers_email else Channel.HANDOVER,
            email=f"{plain(first)}.{plain(last)}{number}@{domain}" if has_email else "",
            phone=self._phone() if not has_email or rng.random() < 0.93 else "",
            reference=REFERENCE[code].format(number * 7 + 1000) if rng.random() < 0.8 else "",
        )

    def _phone(self) -> str:
        country, areas = PHONES[self.market.code]
        while True:
            area, digits = self.rng.choice(list(areas.items()))
            rest = digits - 3
            number = f"{country}{area}555{self.rng.randrange(10**rest):0{rest}d}"
            if number not in self._phones:
                self._phones.add(number)
                return number

    def _appear(self, customer: DemoCustomer, at: dt.datetime) -> None:
        customer.created_at = at
        customer.id = self.ids.at(at)
        customer.email_contact = self.ids.at(at) if customer.email else None
        customer.phone_contact = self.ids.at(at) if customer.phone else None

    def known(self, customer: DemoCustomer, at: dt.datetime, by: Person) -> uuid.UUID:
        """The customer's id; somebody new is put on file by the agent a moment before `at`."""
        if customer.id is None:
            created = at - dt.timedelta(seconds=self.rng.randint(40, 150))
            self._appear(customer, created)
            customer.created_by = by.staff.pk
            self._created(customer, created, by.actor)
        assert customer.id is not None
        return customer.id

    def _created(self, customer: DemoCustomer, at: dt.datetime, by: Actor) -> None:
        kinds = [
            kind for kind, value in (("phone", customer.phone), ("email", customer.email)) if value
        ]
        self.trail.add(
            at,
            "customer.created",
            by,
            "customer",
            customer.id or "",
            market=self.market.code,
            after={"contacts": kinds},
        )

    def relative_of(self, person: Person, at: dt.datetime) -> DemoCustomer:
        """A customer who shares a colleague's phone: a grant to them is refused."""
        customer = DemoCustomer(
            number=len(self.everybody) + 1,
            name=f"Gael {' '.join(person.staff.name.split()[-2:])}",
            language=Language.ES,
            segment=Segment.STANDARD,
            preferred=Channel.HANDOVER,
            email="",
            phone=person.staff.phone,
            reference="",
        )
        self._appear(customer, at)
        self.everybody.append(customer)
        return customer

    def load(self, now: dt.datetime) -> int:
        """Inserts customers and contacts in the order of their moments; returns how many rows."""
        market = self.market.row.pk
        customers = Batch(
            Customer,
            "id market_id name language segment preferred_channel external_ref created_at "
            "created_by_id",
        )
        contacts = Batch(
            ContactPoint,
            "id customer_id market_id kind value fingerprint changed_at changed_by_id",
        )
        for customer in self.everybody:
            if customer.id is None:
                self._appear(customer, now - dt.timedelta(minutes=self.rng.randint(1, 100_000)))
            customers.add(
                customer.id,
                market,
                customer.name,
                customer.language,
                customer.segment,
                customer.preferred,
                customer.reference,
                customer.created_at,
                customer.created_by,
            )
            for key, kind, value in (
                (customer.email_contact, ContactKind.EMAIL, customer.email),
                (customer.phone_contact, ContactKind.PHONE, customer.phone),
            ):
                if key is not None:
                    contacts.add(
                        key,
                        customer.id,
                        market,
                        kind,
                        value,
                        fingerprint("contact", value),
                        customer.created_at,
                        customer.created_by,
                    )
        return customers.load() + contacts.load()
