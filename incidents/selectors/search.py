"""Finding customers and incidents by what a person types: folio, order, phone, email, name, words.

Each way of finding is a query of its own with an index that serves it alone and a bound on what it
may bring; their ids are united. One OR over joins would have to read the table. What is typed is
folded by the database as the columns were, so accents and case never matter.
"""

import re
import uuid
from collections.abc import Iterable
from typing import Any

from django.contrib.postgres.search import (
    SearchQuery,
    SearchQueryCombinable,
    SearchVectorExact,
    SearchVectorField,
)
from django.db import connection
from django.db.models import FloatField, Func, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.models import Market
from common.contacts import dialled_digits
from common.fingerprints import fingerprint
from common.folding import Fold
from common.prepared import prepared

from ..models import ContactPoint, Customer, Incident, NarrativeWord
from .customers import visible_customers
from .incidents import visible_incidents
from .slips import words_near

# What one way of finding may bring: more than a person reads, few enough to stay fast.
BOUND = 200
CUSTOMER_BOUND = 60
# How many of the newest incidents are read for words before the index is asked.
NEWEST = 20_000
# And how many more, where those held at least this share of what is brought.
FURTHER = 40_000
MANY = BOUND * 2 // 5
LONGEST = 120
MOST_WORDS = 6
MOST_CATEGORIES = 12
FOLIO = re.compile(r"[A-Z0-9][A-Z0-9-]{0,11}-\d{4}(-\d{0,12})?", re.IGNORECASE)
# A folio as people say it: "mx 2026 6158", "MX2026006158", "2026-006158", "006158", "6158".
SPOKEN = re.compile(r"(?:(?:([A-Z]{2,11})[-/. ]*)?(20\d\d)[-/. ]*)?(\d{1,8})", re.IGNORECASE)
# A number alone may be of any of these last years.
YEARS = 5
PHONE = re.compile(r"[+()\d .\-/]+")
FEWEST_DIGITS = 4
FEWEST_LETTERS = 2
# A shorter beginning would stand for a large part of the dictionary.
FEWEST_LETTERS_OF_A_BEGINNING = 4


class WordSimilarity(Func):
    """How much of the first text is found in one stretch of the second, 0 to 1."""

    function = "word_similarity"
    output_field = FloatField()


def clean_query(text: str) -> str:
    return " ".join(text.replace("\x00", " ").split())[:LONGEST]


def phone_digits(text: str) -> str:
    """The digits of something that looks like (part of) a phone number, else an empty text."""
    digits = dialled_digits(re.sub(r"\D", "", text))
    return digits if PHONE.fullmatch(text) and len(digits) >= FEWEST_DIGITS else ""


def name_words(text: str) -> list[str]:
    """The words typed that may be of a name; none in an email, or without a letter."""
    words = [word for word in re.findall(r"\w+", text) if len(word) >= FEWEST_LETTERS]
    is_name = "@" not in text and any(word.isalpha() for word in words)
    return words[:MOST_WORDS] if is_name else []


def _by_contact(text: str) -> QuerySet[ContactPoint] | None:
    """Contacts that hold (part of) the phone number or email, or None when it is neither."""
    digits = phone_digits(text)
    part = digits or (text.lower() if "@" in text and len(text) >= FEWEST_DIGITS else "")
    if not part:
        return None
    rows = ContactPoint.objects.filter(is_active=True)
    whole = rows.filter(fingerprint=fingerprint("contact", part))
    return whole if not digits and whole.exists() else rows.filter(value__contains=part)


def _by_name(rows: QuerySet[Customer], words: list[str]) -> QuerySet[Customer]:
    """Customers whose name holds every word typed."""
    for word in words:
        rows = rows.filter(name_search__contains=Fold(Value(word)))
    return rows


def _by_name_with_slips(rows: QuerySet[Customer], words: list[str]) -> QuerySet[Customer] | None:
    """Customers whose name holds, for every word typed, the word itself or one very near it."""
    near = words_near(words)
    if not any(near.values()):
        return None
    for word in words:
        fits = Q(name_search__contains=Fold(Value(word)))
        for other in near[word]:
            fits |= Q(name_search__contains=other)
        rows = rows.filter(fits)
    return rows


def narrative_words(text: str) -> list[str]:
    """The words typed that a narrative may hold; none when there is no letter."""
    words = [word for word in re.findall(r"[^\W_]+", text) if len(word) >= FEWEST_LETTERS]
    return words[:MOST_WORDS] if any(word.isalpha() for word in words) else []


def _raw(query: str) -> SearchQueryCombinable:
    return SearchQuery(Fold(Value(query)), config="simple", search_type="raw")


class Read(Func):
    """The words of a row that is read anyway: hides them from the index, which brings them all."""

    template = "COALESCE(%(expressions)s, ''::tsvector)"
    output_field = SearchVectorField()


def _read_newest(
    rows: QuerySet[Incident], query: str, among: QuerySet[Incident], reach: int
) -> QuerySet[Incident]:
    """Those of the `reach` newest of `among` whose words fit, read one after the other.

    Common words bring enough of them at little cost, where the index would first bring all.
    """
    oldest = among.order_by("-id").values("id")[reach : reach + 1]
    far_back = Coalesce(Subquery(oldest), Value(uuid.UUID(int=0)))
    fitting = rows.alias(read=Read("narrative_search")).filter(read=_raw(query), id__gt=far_back)
    return fitting.order_by("-id")


def _newest_by_narrative(
    rows: QuerySet[Incident], begun: str, whole: str, among: QuerySet[Incident]
) -> list[tuple[uuid.UUID, bool]]:
    """Ids of the newest whose words fit where the last may be begun; and whether whole ones do."""
    fitting = _read_newest(rows, begun, among, NEWEST)
    held = SearchVectorExact(Read("narrative_search"), _raw(whole))
    return list(fitting.annotate(held=held).values_list("id", "held")[:BOUND])


def _older_by_narrative(
    rows: QuerySet[Incident], whole: str, among: QuerySet[Incident], held: list[uuid.UUID]
) -> list[uuid.UUID]:
    """Ids of the newest whose words fit, however far back. `held` are those of the newest read.

    Where they are many, reading on soon has enough; the index would first fetch thousands of rows
    from all over the table.
    """
    wanted = BOUND - len(held)
    if len(held) >= MANY:
        older = {"id__lt": held[-1]}
        reading = _read_newest(rows.filter(**older), whole, among.filter(**older), FURTHER)
        found = _united(_bounded([reading], wanted))
        if len(found) == wanted:
            return found
    return _united(_bounded([_by_narrative(rows, whole)], BOUND))


def _by_narrative(rows: QuerySet[Incident], query: str) -> QuerySet[Incident]:
    return rows.filter(narrative_search=_raw(query)).order_by("-id")


def _by_narrative_with_slips(
    rows: QuerySet[Incident], words: list[str]
) -> QuerySet[Incident] | None:
    """For every word typed, the word itself or one very near it."""
    near = words_near(words, NarrativeWord)
    if not any(near.values()):
        return None
    choices = (" | ".join([word, *near[word]]) for word in words)
    query = " & ".join(f"({choice})" for choice in choices)
    return rows.filter(narrative_search=_raw(query)).order_by("-id")


def _united(parts: Iterable[QuerySet[Any] | None]) -> list[uuid.UUID]:
    """The ids that any of the bounded parts brings, in one query, each once."""
    sliced = [part for part in parts if part is not None]
    if not sliced:
        return []
    ids = sliced[0].union(*sliced[1:], all=True) if len(sliced) > 1 else sliced[0]
    return list(dict.fromkeys(ids))


def _customer_ids(rows: QuerySet[Customer], text: str) -> list[uuid.UUID]:
    """Ids of a few dozen customers of `rows` that fit; slips only where nothing else did."""
    plain = rows.order_by().select_related(None).prefetch_related(None)
    words = name_words(text)
    contacts = _by_contact(text)
    ways: list[QuerySet[Customer] | None] = [
        plain.filter(external_ref=text),
        plain.filter(id__in=contacts.values("customer_id")[:CUSTOMER_BOUND])
        if contacts is not None
        else None,
        _by_name(plain, words).order_by("-id") if words else None,
    ]
    found = _united(_bounded(ways, CUSTOMER_BOUND))
    if not found and words:
        found = _united(_bounded([_by_name_with_slips(plain, words)], CUSTOMER_BOUND))
    return found


def _bounded(
    ways: Iterable[QuerySet[Any] | None], most: int, field: str = "id"
) -> list[QuerySet[Any]]:
    return [rows.values_list(field, flat=True)[:most] for rows in ways if rows is not None]


def folios_meant(text: str) -> list[str]:
    """Whole folios that a part of one may mean, the newest year first; none for anything else.

    Market and year may be left out, and so may the separators and the zeros before the number.
    """
    found = SPOKEN.fullmatch(text.strip())
    if found is None:
        return []
    code, year, number = found.groups()
    this_year = timezone.now().year
    # A day of difference to the market's own year is inside the range.
    years = [int(year)] if year else range(this_year + 1, this_year - YEARS, -1)
    codes = [code.upper()] if code else Market.objects.values_list("code", flat=True)
    known = list(codes)
    return [f"{code}-{year}-{int(number):06d}" for year in years for code in known]


def whole_folio(text: str) -> str:
    """The one folio that was typed with its market, year and number; empty for anything else."""
    text = text.strip()
    spoken = SPOKEN.fullmatch(text)
    if spoken is not None and spoken[1] and spoken[2]:
        return folios_meant(text)[0]
    return text.upper() if FOLIO.fullmatch(text) and text[-1].isdigit() else ""


def _numbered(rows: QuerySet[Incident], text: str) -> list[QuerySet[Incident]]:
    """Incidents by their folio's beginning or number, and by their order's whole number."""
    ways = []
    if FOLIO.fullmatch(text):
        # By folio, whose index then serves the order too; folios grow as ids do.
        ways.append(rows.filter(folio__startswith=text.upper()).order_by("-folio"))
    meant = folios_meant(text)
    if meant:
        ways.append(rows.filter(folio__in=meant).order_by("-id"))
    if " " not in text:
        orders = {text, text.upper(), text.lower()}
        ways.append(rows.filter(order_ref__in=orders).order_by("-id"))
    return ways


_KNOWN = """
SELECT
    ARRAY(
        SELECT id FROM incidents_category
        WHERE %(named)s::text <> '' AND (strpos(fold(name_es), fold(%(named)s)) > 0
            OR strpos(fold(name_en), fold(%(named)s)) > 0)
        ORDER BY position, code LIMIT %(most)s
    ),
    ARRAY(
        SELECT typed.word FROM unnest(%(words)s::text[]) AS typed (word)
        WHERE fold(typed.word) ~ '^[a-z]{4,25}$' AND NOT EXISTS (
            SELECT FROM incidents_narrativeword AS known WHERE known.word = fold(typed.word)
        )
    )
"""


def _known(text: str, words: list[str]) -> tuple[list[int], set[str]]:
    """The categories whose name holds the whole text, and the words that no narrative ever held.

    The dictionary has every word of four to twenty-five letters; of others nothing is said.
    """
    named = text if len(text) >= FEWEST_LETTERS_OF_A_BEGINNING and text[0].isalpha() else ""
    with connection.cursor() as cursor:
        cursor.execute(
            prepared(cursor, _KNOWN), {"named": named, "words": words, "most": MOST_CATEGORIES}
        )
        categories, unheard = cursor.fetchone()
    return categories, set(unheard)


def search_customers(queryset: QuerySet[Customer], text: str) -> QuerySet[Customer]:
    """The customers of `queryset` that fit what was typed; at most a few dozen."""
    text = clean_query(text)
    if not text:
        return queryset
    return queryset.filter(id__in=_customer_ids(queryset, text))


def search_incidents(
    queryset: QuerySet[Incident], text: str, among: QuerySet[Incident] | None = None
) -> QuerySet[Incident]:
    """The incidents of `queryset` that `found_incidents` finds; all of them for no text."""
    text = clean_query(text)
    return queryset.filter(id__in=found_incidents(queryset, text, among)) if text else queryset


def found_incidents(
    queryset: QuerySet[Incident], text: str, among: QuerySet[Incident] | None = None
) -> list[uuid.UUID]:
    """Ids of what fits what was typed: the newest few hundred of each kind, in no order.

    Apply other filters first: the bound then counts only what passes them. `among` is what the
    person may see before any filter, where `queryset` has some.
    """
    text = clean_query(text)
    if not text:
        return []
    plain = queryset.order_by().select_related(None).prefetch_related(None)
    ways = _numbered(plain, text)
    customers = _customer_ids(Customer.objects.all(), text)
    if customers:
        ways.append(plain.filter(customer__in=customers).order_by("-id"))
    words = narrative_words(text)
    if not words:
        return _united(_bounded(ways, BOUND))
    categories, unheard = _known(text, words)
    # Each category from its own index.
    ways += [plain.filter(category=key).order_by("-id") for key in categories]
    ids = _united(_bounded(ways, BOUND))
    whole = " & ".join(words)
    unfinished = len(words[-1]) >= FEWEST_LETTERS_OF_A_BEGINNING
    begun = f"{whole}:*" if unfinished else whole
    # A name, mostly: nothing is read for words that no narrative holds. The last may be begun.
    may_hold_begun = not unheard.intersection(words[:-1] if unfinished else words)
    among = plain if among is None else among
    newest = _newest_by_narrative(plain, begun, whole, among) if may_hold_begun else []
    ids = list(dict.fromkeys([*ids, *(key for key, _held in newest)]))
    if len(ids) < BOUND and not unheard:
        held = [key for key, fits in newest if fits]
        ids = list(dict.fromkeys([*ids, *_older_by_narrative(plain, whole, among, held)]))
    if not ids and unfinished and may_hold_begun:
        # A beginning costs the index a scan of every word it may become.
        ids = _united(_bounded([_by_narrative(plain, begun)], BOUND))
    if not ids:
        ids = _united(_bounded([_by_narrative_with_slips(plain, words)], BOUND))
    return ids


def find_customers(user: object, text: str, limit: int = 8) -> list[Customer]:
    """The look-up box: customers by phone, email, name, customer number, folio or order.

    Those of the folio or order first, then the likest names. Each comes with `contacts` loaded.
    """
    text = clean_query(text)
    if not text:
        return []
    visible = visible_customers(user)
    numbered = _numbered(visible_incidents(user).order_by(), text)
    first = _united(_bounded(numbered, limit, "customer_id"))
    ids = list(dict.fromkeys([*first, *_customer_ids(visible, text)]))
    if not ids:
        return []
    rows = (
        visible.filter(id__in=ids)
        .annotate(likeness=WordSimilarity(Fold(Value(text)), "name_search"))
        .order_by("-likeness", "-id")
        .prefetch_related("contacts")
    )
    found: list[Customer] = list(rows)
    return sorted(found, key=lambda row: row.pk not in first)[:limit]
