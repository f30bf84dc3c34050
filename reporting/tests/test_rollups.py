"""A rollup equals a recount; a sum over days reads rolled days and counts the rest."""

import datetime as dt

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Staff
from common.windows import day_bounds, local_date
from compensations.tests.scenario import Company, build
from reporting.actions import mark_touched, roll_day, roll_stale
from reporting.filters import OWN_DATES
from reporting.models import CaseDay, IssuanceDay, RolledDay
from reporting.selectors.dashboard import Figures
from reporting.selectors.lists import Narrow, rows_behind
from reporting.selectors.rollups import Filters, case_rows, issuance_rows
from reporting.selectors.sight import Sight
from reporting.selectors.slices import Slice
from reporting.states import Measure

from .history import History

pytestmark = pytest.mark.django_db

MONDAY = dt.date(2026, 3, 2)
TUESDAY = MONDAY + dt.timedelta(days=1)
WEDNESDAY = TUESDAY + dt.timedelta(days=1)


@pytest.fixture
def company(db: None) -> Company:
    return build()


def at(company: Company, date: dt.date, hour: float) -> dt.datetime:
    """A moment so many hours into a local date."""
    return day_bounds(date, company.market.time_zone)[0] + dt.timedelta(hours=hour)


def week(company: Company) -> History:
    """Monday and Tuesday with one of everything that a day counts."""
    history = History(company)
    case = history.case(at(company, MONDAY, 9))
    late = history.case(
        at(company, MONDAY, 10), compensated_at=at(company, MONDAY, 14), state="in_recovery"
    )
    history.case(at(company, TUESDAY, 8), state="resolved", resolved_at=at(company, TUESDAY, 9))
    whole = history.given(case, at(company, MONDAY, 9.5))
    history.voided(whole, at(company, TUESDAY, 9))
    again = history.given(case, at(company, TUESDAY, 9), reissue_of=whole)
    history.redeemed(again, at(company, TUESDAY, 12))
    card = history.given(late, at(company, MONDAY, 14), offer="gift_card", face=500_00)
    part = history.redeemed(card, at(company, MONDAY, 15), 120_00)
    history.reversed(part, at(company, TUESDAY, 15))
    history.redeemed(card, at(company, TUESDAY, 16), 200_00)
    history.expired(card, at(company, WEDNESDAY, 1))
    history.given(late, at(company, TUESDAY, 10), offer="large", asked_at=at(company, MONDAY, 23.5))
    for state in ("rejected", "withdrawn", "lapsed"):
        other = history.case(at(company, MONDAY, 11))
        history.asked(other, at(company, MONDAY, 20), state, at(company, TUESDAY, 20))
    return history


def total(company: Company, start: dt.date, end: dt.date) -> dict[str, int]:
    filters = Filters(market=company.market, start=start, end=end)
    (issued,) = issuance_rows(filters)
    (cases,) = case_rows(filters)
    return {**issued, **cases}


MONDAYS = {
    "issued": 2,
    "issued_face": 700_00,
    "issued_expected": 420_00,
    "redeemed": 1,
    "redeemed_value": 120_00,
    "requested": 4,
    "requested_face": 2_900_00,
    "cases": 5,
    "compensated": 2,
    "seconds_to_compensation": 4 * 3600 + 24 * 3600,
    # One was compensated late, the others are open long after their clocks.
    "breached": 5,
}
TUESDAYS = {
    "issued": 2,
    "issued_face": 400_00,
    "issued_expected": 240_00,
    "approved": 1,
    "reissued": 1,
    "voided": 1,
    "voided_face": 200_00,
    "redeemed": 2,
    "redeemed_value": 400_00,
    "reversed": 1,
    "reversed_value": 120_00,
    "rejected": 1,
    "withdrawn": 1,
    "lapsed": 1,
    "cases": 1,
    "resolved": 1,
    "met": 1,
}


def test_live_days_count_every_event_on_its_own_date(company: Company) -> None:
    week(company)
    found = total(company, MONDAY, TUESDAY)
    assert found == {**dict.fromkeys(found, 0), **MONDAYS}
    found = total(company, TUESDAY, WEDNESDAY)
    assert found == {**dict.fromkeys(found, 0), **TUESDAYS}
    found = total(company, WEDNESDAY, WEDNESDAY + dt.timedelta(days=1))
    assert found == {**dict.fromkeys(found, 0), "expired": 1, "expired_value": 300_00}


def test_a_rolled_day_says_what_the_live_one_said(company: Company) -> None:
    week(company)
    after = WEDNESDAY + dt.timedelta(days=1)
    live = total(company, MONDAY, after)
    for date in (MONDAY, TUESDAY):
        roll_day(company.market, date)
        assert total(company, MONDAY, after) == live
    assert IssuanceDay.objects.exists()
    assert CaseDay.objects.exists()


def test_a_rolled_day_is_read_from_its_rollup(company: Company) -> None:
    week(company)
    roll_day(company.market, MONDAY)
    IssuanceDay.objects.filter(date=MONDAY).delete()
    CaseDay.objects.filter(date=MONDAY).delete()
    found = total(company, MONDAY, WEDNESDAY)
    assert found == {**dict.fromkeys(found, 0), **TUESDAYS}


def test_rolling_again_changes_nothing(company: Company) -> None:
    week(company)
    roll_day(company.market, MONDAY)
    fields = [field.attname for field in IssuanceDay._meta.fields if field.name != "id"]
    before = list(IssuanceDay.objects.order_by("kind", "is_statutory").values(*fields))
    roll_day(company.market, MONDAY)
    assert list(IssuanceDay.objects.order_by("kind", "is_statutory").values(*fields)) == before


@pytest.mark.parametrize("rolled", [False, True])
def test_filters_and_groups_hold_on_both_sides(company: Company, rolled: bool) -> None:
    week(company)
    if rolled:
        roll_day(company.market, MONDAY)
    filters = Filters(
        market=company.market,
        start=MONDAY,
        end=WEDNESDAY,
        team=company.team,
        category=company.category.parent,
        staff=company.agent,
        channel="phone",
        kind="gift_card",
    )
    rows = issuance_rows(filters, ["date", "kind"])
    assert [(row["date"], row["kind"], row["issued"]) for row in rows] == [
        (MONDAY, "gift_card", 1),
        (TUESDAY, "gift_card", 0),
    ]
    assert [row["cases"] for row in case_rows(filters, ["staff"])] == [6]
    nobody = Filters(market=company.market, start=MONDAY, end=WEDNESDAY, staff=company.colleague)
    assert issuance_rows(nobody, ["kind"]) == []


@pytest.mark.parametrize("is_rolled", [True, False])
def test_an_imported_case_is_neither_in_time_nor_late(company: Company, is_rolled: bool) -> None:
    history = week(company)
    before = Figures()
    (row,) = case_rows(Filters(market=company.market, start=MONDAY, end=WEDNESDAY))
    before.add_cases(row)
    clocks = {"compensate_due_at": None, "resolve_due_at": None}
    noon = at(company, MONDAY, 12)
    history.case(noon, **clocks, state="resolved", resolved_at=at(company, WEDNESDAY, 12))
    given = history.case(noon, **clocks, compensated_at=at(company, WEDNESDAY, 12))
    history.given(given, at(company, WEDNESDAY, 12))
    if is_rolled:
        roll_day(company.market, MONDAY)
    after = Figures()
    (row,) = case_rows(Filters(market=company.market, start=MONDAY, end=WEDNESDAY))
    after.add_cases(row)
    assert (after.cases, after.imported) == (before.cases + 2, 2)
    assert (after.compensated, after.imported_compensated) == (before.compensated + 1, 1)
    clocked = [(figures.met, figures.breached, figures.running) for figures in (before, after)]
    assert clocked[0] == clocked[1]
    assert (after.clocks_met, after.mean_seconds) == (before.clocks_met, before.mean_seconds)
    sight = Sight(company.market, company.supervisor)
    behind = rows_behind(Measure.ON_TIME, Slice(sight=sight, start=MONDAY, end=WEDNESDAY), Narrow())
    assert behind.count() == after.met


HOUR = dt.timedelta(hours=1)
# How a case stands, by hours from now: its two clocks, compensated, settled; and what counts it.
STANDS = {
    "open, nothing done, in time": ((1, 2, None, None), "running"),
    "open, compensated in time": ((-1, 2, -2, None), "running"),
    "open, not compensated, past that clock": ((-1, 2, None, None), "breached"),
    "open, compensated late": ((-3, 2, -2, None), "breached"),
    "open, past the last clock": ((-3, -1, -4, None), "breached"),
    "settled in time": ((-3, -1, -4, -2), "met"),
    "settled late": ((-3, -2, -4, -1), "breached"),
    "settled without a compensation": ((-3, 1, None, -1), "met"),
    "imported, open": ((None, None, None, None), None),
    "imported, settled": ((None, None, None, -1), None),
}


@pytest.mark.parametrize("rolled", [False, True])
@pytest.mark.parametrize("stands", STANDS)
def test_a_case_stands_with_its_clocks_as_on_the_desk(
    company: Company, stands: str, rolled: bool
) -> None:
    hours, measure = STANDS[stands]
    now = timezone.now()
    moments = [None if hour is None else now + hour * HOUR for hour in hours]
    names = ("compensate_due_at", "resolve_due_at", "compensated_at", "resolved_at")
    state = "resolved" if moments[3] else "in_recovery"
    date = local_date(now, company.market.time_zone) - dt.timedelta(days=1)
    logged = day_bounds(date, company.market.time_zone)[0]
    History(company).case(logged, state=state, **dict(zip(names, moments, strict=True)))
    if rolled:
        roll_day(company.market, date)
    found = total(company, date, date + dt.timedelta(days=1))
    counted = [name for name in ("breached", "met", "running") if found[name]]
    assert counted == ([measure] if measure else [])


def test_a_clock_that_runs_out_after_the_roll_is_seen_at_once_and_rolled_again(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody writes anything when a clock runs out."""
    now = timezone.now()
    date = local_date(now, company.market.time_zone) - dt.timedelta(days=1)
    after = date + dt.timedelta(days=1)
    logged = day_bounds(date, company.market.time_zone)[0]
    case = History(company).case(
        logged, compensate_due_at=now + HOUR, resolve_due_at=now + 2 * HOUR
    )
    roll_day(company.market, date)
    assert RolledDay.objects.get().clock_at == case.compensate_due_at
    assert total(company, date, after)["running"] == 1
    assert mark_touched(company.market) == 0
    monkeypatch.setattr(timezone, "now", lambda: now + HOUR)
    found = total(company, date, after)
    assert (found["running"], found["breached"]) == (0, 1)
    assert CaseDay.objects.get().breached == 0
    assert mark_touched(company.market) == 1
    assert roll_stale(company.market) == 1
    assert CaseDay.objects.get().breached == 1
    assert RolledDay.objects.get().clock_at == case.resolve_due_at
    assert mark_touched(company.market) == 0


def test_the_dashboard_tells_an_import_from_a_wave_of_complaints(company: Company) -> None:
    history, now = History(company), timezone.now()
    yesterday = now - dt.timedelta(days=1)
    clocks = {"compensate_due_at": None, "resolve_due_at": None}
    for moment in (yesterday, now):
        history.case(moment)
    for _number in range(3):
        history.case(now, **clocks, owner=None, team=None)
    Staff.objects.filter(pk=company.elena.pk).update(language="en")
    client = Client()
    client.force_login(company.elena)
    today = local_date(now, company.market.time_zone)
    day = today.isoformat()
    chosen = {"period": OWN_DATES, "from": day, "to": day, "compare": "previous"}
    page = client.get("/reports/issuance/", chosen).content.decode()
    tile = page[page.index(">Incidents<") :].split("</section>")[0]
    assert "3 imported" in tile
    # One case each day: not four times as many.
    assert ">0\N{NO-BREAK SPACE}%" in tile or " 0\N{NO-BREAK SPACE}%" in tile
    assert "+300" not in tile
