"""Finding: accents folded, slips tolerated, part of a phone; nothing of another market."""

import datetime as dt
import uuid
from collections.abc import Callable

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Staff
from accounts.states import Role
from accounts.tests.factories import ApiClientFactory, StaffFactory
from common.ids import uuid7
from incidents.actions import change_customer
from incidents.models import Category, Customer, Incident
from incidents.selectors import (
    bounded_count,
    counted_page,
    customer_summary,
    find_customers,
    folios_meant,
    found_incidents,
    found_page,
    incident_page,
    listed_rows,
    logged_between,
    open_and_recent,
    search_customers,
    search_incidents,
    visible_customers,
    visible_incidents,
)
from incidents.selectors.slips import slips

from .conftest import Desk
from .factories import IncidentFactory


@pytest.fixture
def crowd(desk: Desk) -> dict[str, Customer]:
    return {
        name: desk.customer(name, **fields)
        for name, fields in {
            "Íñigo Núñez": {"phone": "5512345678", "email": "inigo@example.com"},
            "Mariana López": {"phone": "5598761234", "external_ref": "C-77"},
            "Guadalupe Hernández": {"phone": "3311112222"},
            "Ana Sofía Peña": {},
        }.items()
    }


def found(desk: Desk, text: str) -> list[str]:
    return [customer.name for customer in find_customers(desk.agent, text)]


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("inigo nunez", "Íñigo Núñez"),
        ("ÍÑIGO", "Íñigo Núñez"),
        ("nunez inigo", "Íñigo Núñez"),
        ("peña", "Ana Sofía Peña"),
        ("pena", "Ana Sofía Peña"),
        ("mraiana", "Mariana López"),
        ("mariana lpez", "Mariana López"),
        ("marianna lopes", "Mariana López"),
        ("hernandes", "Guadalupe Hernández"),
        ("guadalpue", "Guadalupe Hernández"),
        ("4567", "Íñigo Núñez"),
        ("55 1234-56", "Íñigo Núñez"),
        ("+52 55 1234 5678", "Íñigo Núñez"),
        ("1234 5678", "Íñigo Núñez"),
        ("inigo@example.com", "Íñigo Núñez"),
        ("INIGO@exam", "Íñigo Núñez"),
        ("C-77", "Mariana López"),
    ],
)
def test_the_look_up_finds_the_person(
    desk: Desk, crowd: dict[str, Customer], typed: str, name: str
) -> None:
    assert found(desk, typed) == [name]


@pytest.mark.parametrize(
    "typed", ["", " ", "zzzqqq", "9999", "nadie@example.com", "%", "_", "\x00"]
)
def test_the_look_up_finds_nobody(desk: Desk, crowd: dict[str, Customer], typed: str) -> None:
    assert found(desk, typed) == []


@pytest.mark.parametrize(
    "typed",
    [
        "+52 1 55 1234 5678",
        "5215512345678",
        "52 1 55 1234-5678",
        "044 55 1234 5678",
        "045 (55) 1234 5678",
        "01 55 1234 5678",
        "00 52 55 1234 5678",
        "00 52 1 55 1234 5678",
    ],
)
def test_a_phone_is_found_as_mexicans_write_it(
    desk: Desk, crowd: dict[str, Customer], typed: str
) -> None:
    assert found(desk, typed) == ["Íñigo Núñez"]


def test_a_phone_is_found_as_colombians_dial_it(abroad: Desk) -> None:
    customer = abroad.customer("Luz Mar", phone="03 300 123 4567")
    assert customer.contacts.get().value == "+573001234567"
    for typed in ("03 300 123 4567", "00 57 300 123 4567", "300 123 4567"):
        assert found(abroad, typed) == ["Luz Mar"]


def test_part_of_a_phone_finds_everyone_who_has_it(desk: Desk, crowd: dict[str, Customer]) -> None:
    assert set(found(desk, "1234")) == {"Íñigo Núñez", "Mariana López"}


def test_the_likest_name_comes_first(desk: Desk, crowd: dict[str, Customer]) -> None:
    desk.customer("Mariana Lopezortiz")
    assert found(desk, "mariana lopez")[0] == "Mariana López"


def test_a_folio_or_an_order_leads_to_the_customer(desk: Desk, crowd: dict[str, Customer]) -> None:
    incident = desk.incident(crowd["Ana Sofía Peña"], order_ref="RES-901")
    assert found(desk, incident.folio.lower()) == ["Ana Sofía Peña"]
    assert found(desk, "res-901") == ["Ana Sofía Peña"]


def test_a_new_name_is_found_with_a_slip(desk: Desk) -> None:
    customer = desk.customer("Itzel Xóchitl")
    change_customer(customer=customer, version=1, name="Itzel Cuauhtémoc", by=desk.agent)
    assert found(desk, "cuautemoc") == ["Itzel Cuauhtémoc"]


@pytest.mark.parametrize(
    ("typed", "word", "count"),
    [("lpez", "lopez", 1), ("mraiana", "mariana", 1), ("lopez", "lopez", 0), ("ana", "elena", 3)],
)
def test_slips_are_counted(typed: str, word: str, count: int) -> None:
    assert slips(typed, word) == count


def test_nothing_of_another_market_is_found(desk: Desk, abroad: Desk) -> None:
    stranger = abroad.customer("Mariana Lejana", phone="3001234567", email="lejos@example.com")
    incident = abroad.incident(stranger, order_ref="LEJOS-1", narrative="Llegó derramada la sopa")
    for text in ("Mariana Lejana", "3001234567", "lejos@example.com", incident.folio, "LEJOS-1"):
        assert find_customers(desk.agent, text) == []
        assert not search_incidents(visible_incidents(desk.agent), text).exists()
    assert not search_incidents(visible_incidents(desk.agent), "sopa").exists()
    assert search_incidents(visible_incidents(abroad.agent), "sopa").get() == incident


@pytest.mark.parametrize(
    "typed",
    [
        "Íñigo",
        "inigo nunes",
        "5678",
        "inigo@example.com",
        "ORD-5",
        "ord-5",
        "regadera",
        "goteaba",
        "gotea",
        "regadra",
        "regaderra rrota",
    ],
)
def test_incidents_are_found_by_what_is_known_of_them(
    desk: Desk, crowd: dict[str, Customer], typed: str
) -> None:
    desk.incident(crowd["Mariana López"], narrative="La cena llegó fría")
    wanted = desk.incident(
        crowd["Íñigo Núñez"], order_ref="ORD-5", narrative="Regadera rota.La llave goteaba"
    )
    assert search_incidents(visible_incidents(desk.agent), typed).get() == wanted


def test_incidents_are_found_by_folio_and_by_its_beginning(desk: Desk) -> None:
    first, second = desk.incident(), desk.incident()
    rows = visible_incidents(desk.agent)
    assert search_incidents(rows, first.folio).get() == first
    assert set(search_incidents(rows, first.folio[:7])) == {first, second}


@pytest.mark.parametrize(
    "say",
    [
        lambda folio: folio.lower(),
        lambda folio: folio.replace("-", ""),
        lambda folio: folio.replace("-", " ").lower(),
        lambda folio: folio[-6:],
        lambda folio: str(int(folio[-6:])),
        lambda folio: folio.split("-", 1)[1],
        lambda folio: f"{folio[:-6]}{int(folio[-6:])}",
    ],
)
def test_part_of_a_folio_is_enough(desk: Desk, say: Callable[[str], str]) -> None:
    wanted = desk.incident()
    desk.incident()
    rows = visible_incidents(desk.agent)
    assert search_incidents(rows, say(wanted.folio)).get() == wanted


def test_a_number_is_that_of_the_markets_that_are_read(desk: Desk, abroad: Desk) -> None:
    here, there = desk.incident(), abroad.incident()
    # Each market counts its own; here both have come to the same number.
    for row in (here, there):
        row.pk, row.folio = uuid7(), f"{row.folio[:-6]}987654"
        row.save(force_insert=True)
    for side, own in ((desk, here), (abroad, there)):
        assert search_incidents(visible_incidents(side.agent), own.folio[-6:]).get() == own


@pytest.mark.parametrize("text", ["", "12-34-56", "1234567890123", "MX", "H-1", "sopa 12"])
def test_what_is_no_folio_means_none(desk: Desk, text: str) -> None:
    assert folios_meant(text) == []


def test_a_category_is_found_by_its_name(desk: Desk) -> None:
    Category.objects.filter(pk=desk.noise.pk).update(name_es="Tubería con gotera")
    wanted = desk.incident(category=desk.noise, narrative="Sin palabras")
    desk.incident(narrative="Otra cosa")
    rows = visible_incidents(desk.agent)
    for typed in ("tuberia", "TUBERÍA CON", "Tubería con gotera"):
        assert search_incidents(rows, typed).get() == wanted, typed
    assert not search_incidents(rows.exclude(pk=wanted.pk), "tuberia con").exists()


def test_all_words_must_be_there_and_operators_are_words(desk: Desk) -> None:
    incident = desk.incident(narrative="Sábanas sucias y ruido toda la noche")
    rows = visible_incidents(desk.agent)
    assert search_incidents(rows, "ruido sabanas").get() == incident
    for text in ("ruido alberca", "!ruido", "ruido | alberca", "'; DROP", "ruido:*&!(", "((("):
        assert search_incidents(rows, text).count() == (
            1 if text in {"!ruido", "ruido:*&!("} else 0
        )


def test_other_filters_narrow_before_the_bound(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("incidents.selectors.search.BOUND", 2)
    old = desk.incident(narrative="ruido", category=desk.noise)
    for _number in range(3):
        desk.incident(narrative="ruido")
    assert (
        search_incidents(visible_incidents(desk.agent).filter(category=desk.noise), "ruido").get()
        == old
    )
    assert search_incidents(visible_incidents(desk.agent), "ruido").count() == 2


def test_what_lies_further_back_is_found_too(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("incidents.selectors.search.NEWEST", 1)
    far = desk.incident(narrative="La regadera goteaba de noche")
    near = desk.incident(narrative="Ruido en la regadera")
    rows = visible_incidents(desk.agent)
    assert set(search_incidents(rows, "regadera")) == {far, near}
    assert search_incidents(rows, "gotea").get() == far


def test_reading_on_and_the_index_find_the_same(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = "incidents.selectors.search"
    monkeypatch.setattr(f"{search}.BOUND", 5)
    monkeypatch.setattr(f"{search}.MANY", 2)
    monkeypatch.setattr(f"{search}.NEWEST", 4)
    narratives = ["Ruido", "Ruidos", "Nada", "Ruido y calor"] * 4
    made = [desk.incident(narrative=text) for text in narratives]
    held = [row.pk for row in made if "Ruidos" not in row.narrative and "Ruido" in row.narrative]
    rows = visible_incidents(desk.agent)
    # Not reading on, reading on far enough, and not far enough.
    found = []
    for further in (0, 8, 1):
        monkeypatch.setattr(f"{search}.FURTHER", further)
        found.append(set(found_incidents(rows, "ruido")))
    assert found[0] == found[1] == found[2]
    assert set(held[-5:]) <= found[0]


def test_words_that_no_narrative_holds_hide_nothing(desk: Desk) -> None:
    short = desk.incident(narrative="Fue en la 1204B, a las 7 pm")
    begun = desk.incident(narrative="Una alberca2 cerrada")
    accented = desk.incident(narrative="Señalización ilegible")
    rows = visible_incidents(desk.agent)
    assert search_incidents(rows, "1204b pm").get() == short
    assert search_incidents(rows, "cerrada alberca").get() == begun
    assert search_incidents(rows, "SEÑALIZACION").get() == accented
    assert not search_incidents(rows, "zzyzx cerrada").exists()


def test_a_search_is_few_queries_whatever_it_finds(desk: Desk, crowd: dict[str, Customer]) -> None:
    for customer in crowd.values():
        desk.incident(customer, narrative="ruido")
    for text, count in (("ruido", 7), ("mraiana", 7), ("1234", 4), ("MX-2026", 7)):
        with CaptureQueriesContext(connection) as queries:
            found_page(found_incidents(visible_incidents(desk.agent), text))
        assert len(queries) == count, text


def test_pages_go_by_key_both_ways(desk: Desk) -> None:
    customer = desk.customer()
    made = [desk.incident(customer).pk for _number in range(5)]
    made.sort(reverse=True)
    rows = visible_incidents(desk.agent)
    first = incident_page(rows, size=2)
    assert [row.pk for row in first.rows] == made[:2]
    assert first.before is None
    second = incident_page(rows, after=first.after, size=2)
    assert [row.pk for row in second.rows] == made[2:4]
    last = incident_page(rows, after=second.after, size=2)
    assert ([row.pk for row in last.rows], last.after) == (made[4:], None)
    back = incident_page(rows, before=last.before, size=2)
    assert [row.pk for row in back.rows] == made[2:4]
    assert incident_page(rows, before=back.before, size=2).before is None


def test_a_counted_page_is_the_page_with_its_count(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer = desk.customer()
    made = [desk.incident(customer).pk for _number in range(5)]
    rows = visible_incidents(desk.agent)
    for place in ({}, {"after": made[3]}, {"after": made[0]}, {"before": made[0]}):
        expected = incident_page(rows, size=2, **place)
        for page, count, more in (
            counted_page(rows, size=2, **place),
            found_page(made, size=2, **place),
        ):
            assert [row.pk for row in page.rows] == [row.pk for row in expected.rows]
            assert (page.after, page.before) == (expected.after, expected.before)
            assert (count, more) == (5, False)
    assert found_page([]) == counted_page(rows.none())
    monkeypatch.setattr("incidents.selectors.incidents.MOST_COUNTED", 4)
    assert counted_page(rows)[1:] == found_page(made)[1:] == (4, True)


def test_rows_of_a_list_are_those_of_the_table(desk: Desk) -> None:
    desk.incident(location=desk.location, category=desk.noise)
    desk.incident(narrative="Sábanas sucias")
    rows = visible_incidents(desk.agent).order_by("pk")
    related = ("market", "customer", "category", "category__parent", "location", "owner", "team")
    for shown, stored in zip(listed_rows(rows), rows.select_related(*related), strict=True):
        for one, other in (
            (shown, stored),
            (shown.customer, stored.customer),
            (shown.category, stored.category),
            (shown.owner, stored.owner),
        ):
            assert one is not None
            assert other is not None
            for field in one._meta.concrete_fields:
                value = getattr(one, field.attname)  # read only now where it was left out
                assert value == getattr(other, field.attname), field
        assert (shown.location, shown.team, shown.market, shown.category.parent) == (
            stored.location,
            stored.team,
            stored.market,
            stored.category.parent,
        )
        assert not shown._state.adding


def test_a_page_is_two_queries_however_many_rows(desk: Desk) -> None:
    for _number in range(3):
        desk.incident(location=desk.location)
    with CaptureQueriesContext(connection) as queries:
        for row in incident_page(visible_incidents(desk.agent)).rows:
            str(
                (
                    row.customer.name,
                    row.category.parent,
                    row.location,
                    row.owner,
                    row.team,
                    row.market,
                )
            )
    # Roles are read once more, then the page's keys, then its rows.
    assert len(queries) <= 3


def test_counts_stop_at_their_bound(desk: Desk) -> None:
    for _number in range(4):
        desk.incident()
    rows = visible_incidents(desk.agent)
    assert bounded_count(rows, most=3) == (3, True)
    assert bounded_count(rows, most=4) == (4, False)


def test_dates_narrow_by_the_day_it_was_logged(desk: Desk) -> None:
    now = timezone.now()
    made = [
        IncidentFactory.create(market=desk.market, logged_at=now - dt.timedelta(days=days))
        for days in (0, 3, 40)
    ]
    rows = visible_incidents(desk.agent)
    between = logged_between(rows, now - dt.timedelta(days=10), now - dt.timedelta(days=1))
    assert list(between) == [made[1]]
    assert set(logged_between(rows, None, now - dt.timedelta(days=1))) == set(made[1:])
    assert set(logged_between(rows, now - dt.timedelta(days=3, minutes=1), None)) == set(made[:2])


def test_an_id_tells_when(desk: Desk) -> None:
    with pytest.raises(IntegrityError, match="the id of a case tells when"), transaction.atomic():
        IncidentFactory.create(
            market=desk.market, id=uuid7(), logged_at=timezone.now() - dt.timedelta(days=2)
        )
    assert not Incident.objects.exists()
    case = IncidentFactory.create(market=desk.market)
    for change in ({"logged_at": timezone.now() - dt.timedelta(days=2)}, {"id": uuid.UUID(int=1)}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Incident.objects.filter(pk=case.pk).update(**change)
    Incident.objects.filter(pk=case.pk).update(logged_at=timezone.now() - dt.timedelta(hours=2))


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.CASHIER])
def test_some_roles_read_no_case_and_no_customer(desk: Desk, role: Role) -> None:
    desk.incident()
    person: Staff = StaffFactory.create(market=desk.market, roles=[role])
    assert not visible_incidents(person).exists()
    assert not visible_customers(person).exists()
    assert find_customers(person, "Mariana") == []


@pytest.mark.parametrize("role", [Role.AGENT, Role.SUPERVISOR, Role.FINANCE, Role.AUDITOR])
def test_the_others_read_their_markets(desk: Desk, abroad: Desk, role: Role) -> None:
    here, there = desk.incident(), abroad.incident()
    person: Staff = StaffFactory.create(market=desk.market, roles=[role])
    assert list(visible_incidents(person)) == [here]
    assert list(visible_customers(person)) == [here.customer]
    both: Staff = StaffFactory.create(market=desk.market, roles=[role])
    both.role_grants.create(market=abroad.market, role=role)
    assert set(visible_incidents(both)) == {here, there}


def test_a_person_who_left_reads_nothing(desk: Desk) -> None:
    desk.incident()
    gone: Staff = StaffFactory.create(market=desk.market, roles=[Role.AGENT], is_active=False)
    assert not visible_incidents(gone).exists()


def test_a_client_reads_what_it_sent(desk: Desk) -> None:
    desk.incident()
    client = ApiClientFactory.create(market=desk.market, scopes=["incidents:write"])
    customer = desk.customer()
    desk.agent = client
    sent = desk.incident(customer)
    assert list(visible_incidents(client)) == [sent]
    assert not visible_customers(client).exists()
    till = ApiClientFactory.create(market=desk.market, scopes=["coupons:redeem"])
    assert not visible_incidents(till).exists()


def test_search_customers_keeps_to_its_rows(desk: Desk, crowd: dict[str, Customer]) -> None:
    rows = visible_customers(desk.agent).exclude(name="Mariana López")
    assert not search_customers(rows, "mariana").exists()
    assert search_customers(rows, "nunez").get() == crowd["Íñigo Núñez"]


def test_the_summary_counts_a_year(desk: Desk) -> None:
    customer = desk.customer()
    now = timezone.now()
    for days in (1, 300, 500):
        IncidentFactory.create(
            market=desk.market,
            customer=customer,
            logged_at=now - dt.timedelta(days=days),
            state="closed" if days > 1 else "open",
        )
    summary = customer_summary(customer)
    assert (summary.open_now, summary.in_year, summary.all_time) == (1, 2, 3)
    assert [row.state for row in open_and_recent(customer)] == ["open"]
