"""Finding customers and incidents by what a person types: folio, order, phone, email, name, words.

Each way of finding is a query of its own with an index that serves it alone and a bound on what it
may bring; their ids are united. One OR over joins would have to read the table. What is typed is
folded by the database as the columns were, so accents and case never matter.
"""

import re
import uuid
from collections.abc import Iterable
from typing import Any

from django.contrib.postgres.search import TrigramWordSimilarity
from django.db.models import QuerySet, Value

from ..models import ContactPoint, Customer, Incident
from ..models.customers import Fold
from .customers import visible_customers
from .incidents import visible_incidents

# What one way of finding may bring: more than a person reads, few enough to stay fast.
BOUND = 200
CUSTOMER_BOUND = 60
LONGEST = 120
FOLIO = re.compile(r"[A-Z0-9][A-Z0-9-]{0,11}-\d{4}(-\d{0,12})?", re.IGNORECASE)
PHONE = re.compile(r"[+()\d .\-/]+")
FEWEST_DIGITS = 4
FEWEST_LETTERS = 2


def clean_query(text: str) -> str:
    return " ".join(text.replace("\x00", " ").split())[:LONGEST]


def phone_digits(text: str) -> str:
    """The digits of something that looks like (part of) a phone number, else an empty text."""
    digits = re.sub(r"\D", "", text)
    return digits if PHONE.fullmatch(text) and len(digits) >= FEWEST_DIGITS else ""


def _words(text: str) -> list[str]:
    return [word for word in text.split() if len(word) >= FEWEST_LETTERS][:8]


def _by_contact(text: str) -> QuerySet[ContactPoint] | None:
    """Contacts that hold (part of) the phone number or email, or None when it is neither."""
    digits = phone_digits(text)
    part = digits or (text.lower() if "@" in text and len(text) >= FEWEST_DIGITS else "")
    if not part:
        return None
    return ContactPoint.objects.filter(value__contains=part, is_active=True)


def _by_name(rows: QuerySet[Customer], text: str) -> QuerySet[Customer] | None:
    """Customers whose name holds every word typed."""
    words = _words(text)
    if not words or not any(character.isalpha() for character in text):
        return None
    for word in words:
        rows = rows.filter(name_search__contains=Fold(Value(word)))
    return rows


def _by_name_with_slips(rows: QuerySet[Customer], text: str) -> QuerySet[Customer]:
    """Customers whose name is like what was typed, by the trigrams that both share."""
    return rows.filter(name_search__trigram_word_similar=Fold(Value(text)))


def _united(parts: Iterable[QuerySet[Any] | None]) -> list[uuid.UUID]:
    """The ids that any of the bounded parts brings, in one query."""
    sliced = [part for part in parts if part is not None]
    if not sliced:
        return []
    ids = sliced[0].union(*sliced[1:], all=True) if len(sliced) > 1 else sliced[0]
    return list(dict.fromkeys(ids))


def _customer_ids(rows: QuerySet[Customer], text: str) -> list[uuid.UUID]:
    """Ids of a few dozen customers of `rows` that fit; slips only where nothing else did."""
    plain = rows.order_by().select_related(None)
    named = _by_name(plain, text)
    contacts = _by_contact(text)
    exact: list[QuerySet[Any] | None] = [
        plain.filter(external_ref=text).values_list("id", flat=True)[:CUSTOMER_BOUND],
        None if named is None else named.values_list("id", flat=True)[:CUSTOMER_BOUND],
        None
        if contacts is None
        else plain.filter(id__in=contacts.values("customer_id")[:CUSTOMER_BOUND]).values_list(
            "id", flat=True
        ),
    ]
    found = _united(exact)
    if not found and named is not None and len(text) > FEWEST_LETTERS:
        found = list(_by_name_with_slips(plain, text).values_list("id", flat=True)[:CUSTOMER_BOUND])
    return found


def _numbered(rows: QuerySet[Incident], text: str) -> list[QuerySet[Any] | None]:
    """Incidents by their folio's beginning and by their order's whole number."""
    folio = rows.filter(folio__startswith=text.upper()) if FOLIO.fullmatch(text) else None
    orders = {text, text.upper(), text.lower()}
    return [folio, rows.filter(order_ref__in=orders) if " " not in text else None]


def search_customers(queryset: QuerySet[Customer], text: str) -> QuerySet[Customer]:
    """The customers of `queryset` that fit what was typed; at most a few dozen."""
    text = clean_query(text)
    if not text:
        return queryset
    return queryset.filter(id__in=_customer_ids(queryset, text))


def search_incidents(queryset: QuerySet[Incident], text: str) -> QuerySet[Incident]:
    """The incidents of `queryset` that fit what was typed: the newest few hundred of each kind.

    Apply other filters first: the bound then counts only what passes them.
    """
    text = clean_query(text)
    if not text:
        return queryset
    plain = queryset.order_by().select_related(None)
    parts = _numbered(plain, text)
    customers = _customer_ids(Customer.objects.all(), text)
    if customers:
        parts.append(plain.filter(customer__in=customers))
    words = _words(text)
    if any(character.isalpha() for character in text) and words:
        told = plain
        for word in words:
            told = told.filter(narrative_search__contains=Fold(Value(word)))
        parts.append(told)
    ids = _united(
        None if part is None else part.order_by("-id").values_list("id", flat=True)[:BOUND]
        for part in parts
    )
    return queryset.filter(id__in=ids)


def find_customers(user: object, text: str, limit: int = 8) -> list[Customer]:
    """The look-up box: customers by phone, email, name, customer number, folio or order.

    Best first: those whose number, contact, folio or order it is, then the likest names. Each comes
    with its active contacts loaded as `contacts`.
    """
    text = clean_query(text)
    if not text:
        return []
    visible = visible_customers(user)
    through = [
        part for part in _numbered(visible_incidents(user).order_by(), text) if part is not None
    ]
    ids = _united(
        part.order_by("-id").values_list("customer_id", flat=True)[:limit] for part in through
    )
    ids = list(dict.fromkeys([*ids, *_customer_ids(visible, text)]))
    found = list(
        visible.filter(id__in=ids)
        .annotate(likeness=TrigramWordSimilarity(Fold(Value(text)), "name_search"))
        .order_by("-likeness", "-id")
        .prefetch_related("contacts")
    )
    return found[:limit]
