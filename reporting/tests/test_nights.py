"""The night: what is due, what a report says, that it repeats, and who is written to."""

import datetime as dt
import io
import re
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import Market, Team
from accounts.states import Role
from audit.models import AuditEvent
from common.windows import day_bounds
from compensations.ledger import pair
from compensations.models import Compensation, LedgerEntry
from compensations.states import Account, LedgerEvent
from compensations.tests.scenario import Company, build, person
from delivery.models import Message
from delivery.registry import get_topic
from incidents.models import Incident
from reporting.actions import (
    DayNotOver,
    build_report,
    due_dates,
    outdated_dates,
    roll_day,
    run_night,
    sign_report,
)
from reporting.models import NightlyReport, RolledDay
from reporting.periodic import night
from reporting.selectors.night import day_content, digest_of
from reporting.selectors.reports import part_of, reading_sight, unsigned_count

from .history import History
from .test_rollups import MONDAY, TUESDAY, WEDNESDAY, at, week

pytestmark = pytest.mark.django_db
THURSDAY = WEDNESDAY + dt.timedelta(days=1)


@pytest.fixture
def company(db: None) -> Company:
    return build()


def built(company: Company, date: dt.date) -> NightlyReport:
    return build_report(company.market, date).report


def of(report: NightlyReport, company: Company, who: str = "agent") -> dict[str, Any]:
    (team,) = [part for part in report.content["teams"] if part["team"] == company.team.pk]
    staff = str(getattr(company, who).pk)
    (found,) = [entry for entry in team["people"] if entry["staff"] == staff]
    return dict(found)


def test_a_report_says_what_happened_and_agrees_with_the_ledger(company: Company) -> None:
    week(company)
    report = built(company, TUESDAY)
    assert report.difference_minor == 0
    agent = of(report, company)
    assert (agent["cases"], agent["compensated"]) == (1, 0)
    assert (agent["issued"], agent["issued_face"], agent["issued_expected"]) == (2, 40000, 24000)
    assert (agent["approved"], agent["reissued"], agent["voided"]) == (1, 1, 1)
    assert (agent["redeemed"], agent["redeemed_value"], agent["reversed_value"]) == (
        2,
        40000,
        12000,
    )
    assert (agent["rejected"], agent["withdrawn"], agent["lapsed"]) == (1, 1, 1)
    assert agent["kinds"] == [
        ["coupon", False, 1, 20000, 12000],
        ["courtesy", False, 1, 20000, 12000],
    ]
    assert report.content["ledger"] == [
        ["expire", "MXN", 0, 0, 0],
        ["issue", "MXN", 40000, 40000, 0],
        ["redeem", "MXN", 40000, 40000, 0],
        ["reverse", "MXN", 12000, 12000, 0],
        ["void", "MXN", 20000, 20000, 0],
    ]
    assert report.content["decisions"] == [
        [company.team.pk, str(company.supervisor.pk), 1, 20000, 1]
    ]
    (voids,) = report.content["voids"]
    assert (voids["team"], voids["count"]) == (company.team.pk, 1)
    assert report.content["hours"] == 24


def test_a_difference_from_the_ledger_is_said_to_the_cent(company: Company) -> None:
    week(company)
    entry = LedgerEntry.objects.filter(event="issue", amount_minor__gt=0).earliest("at")
    other = LedgerEntry(
        transaction=company.till.pk,
        event="issue",
        market=company.market,
        compensation=entry.compensation,
        account="goodwill_expense",
        amount_minor=1,
        currency="MXN",
        at=at(company, MONDAY, 12),
    )
    counter = LedgerEntry(
        transaction=other.transaction,
        event="issue",
        market=company.market,
        compensation=entry.compensation,
        account="outstanding_liability",
        amount_minor=-1,
        currency="MXN",
        at=at(company, MONDAY, 12),
    )
    LedgerEntry.objects.bulk_create([other, counter])
    report = built(company, MONDAY)
    assert report.difference_minor == 1
    assert ["issue", "MXN", 70000, 70001, -1] in report.content["ledger"]
    with pytest.raises(CommandError, match="1 problem"):
        call_command(
            "build_nightly_reports", date=MONDAY, stdout=io.StringIO(), stderr=io.StringIO()
        )


def test_what_is_settled_without_a_code_agrees_apart(company: Company) -> None:
    history = History(company)
    made = history.given(
        history.case(at(company, MONDAY, 9)), at(company, MONDAY, 9), offer="refund"
    )
    paid = at(company, TUESDAY, 10)
    Compensation.objects.filter(pk=made.pk).update(state="settled", ended_at=paid)
    entries = pair(
        LedgerEvent.REDEEM, made, Account.REFUNDS, Account.CLEARING, made.face_minor, paid
    )
    LedgerEntry.objects.bulk_create(entries)
    report = built(company, TUESDAY)
    assert ["settle", "MXN", 20000, 20000, 0] in report.content["ledger"]
    assert report.difference_minor == 0
    # Settled with no entry of that day, or the other way round, differs.
    Compensation.objects.filter(pk=made.pk).update(ended_at=at(company, WEDNESDAY, 1))
    assert built(company, TUESDAY).difference_minor == 20000


def test_building_again_gives_the_same_report_and_no_second_mail(company: Company) -> None:
    week(company)
    first = build_report(company.market, MONDAY)
    assert (first.is_new, first.mails) == (True, Message.objects.count())
    assert first.mails == 3, "the supervisor and two people of finance"
    again = build_report(company.market, MONDAY)
    assert (again.is_new, again.is_revised, again.mails) == (False, False, 0)
    assert bytes(again.report.digest) == bytes(first.report.digest)
    assert Message.objects.count() == first.mails
    assert AuditEvent.objects.filter(act="report.built").count() == 1
    stored = NightlyReport.objects.get()
    assert digest_of(stored.content) == bytes(stored.digest)


def test_what_happens_later_leaves_an_earlier_report_as_it_is(company: Company) -> None:
    """Later resolutions, grants, voids and uses are other days' news."""
    history = week(company)
    report = built(company, MONDAY)
    case = history.case(at(company, TUESDAY, 9))
    late = Incident.objects.filter(logged_at__lt=at(company, TUESDAY, 0)).first()
    assert late is not None
    made = history.given(late, at(company, TUESDAY, 20), offer="refund")
    history.voided(made, at(company, WEDNESDAY, 2))
    history.given(case, at(company, TUESDAY, 21))
    Incident.objects.update(state="resolved", resolved_at=at(company, WEDNESDAY, 3))
    again = build_report(company.market, MONDAY)
    assert not again.is_revised
    assert again.report.revision == report.revision == 1


def test_a_late_correction_is_a_revision_that_is_sent_again(company: Company) -> None:
    week(company)
    first = build_report(company.market, MONDAY)
    case = Incident.objects.filter(logged_at__lt=at(company, TUESDAY, 0)).earliest("logged_at")
    Incident.objects.filter(pk=case.pk).update(owner=company.colleague)
    second = build_report(company.market, MONDAY)
    assert (second.is_revised, second.report.revision) == (True, 2)
    assert of(second.report, company, "colleague")["cases"] == 1
    assert Message.objects.count() == first.mails + second.mails == 6
    assert AuditEvent.objects.filter(act="report.revised").count() == 1


def test_nights_are_made_up_in_order(company: Company) -> None:
    week(company)
    now = at(company, THURSDAY, 0.1)
    assert due_dates(company.market, now) == [MONDAY, TUESDAY, WEDNESDAY]
    dates = [made.report.date for made in run_night(company.market, now=now)]
    assert dates == [MONDAY, TUESDAY, WEDNESDAY]
    assert list(run_night(company.market, now=now)) == []
    later = at(company, THURSDAY, 24.1)
    assert due_dates(company.market, later) == [THURSDAY]
    NightlyReport.objects.filter(date=TUESDAY).delete()
    assert due_dates(company.market, later) == [TUESDAY, THURSDAY]


def test_a_day_is_closed_some_minutes_after_it_ended(company: Company) -> None:
    week(company)
    midnight = at(company, TUESDAY, 0)
    assert due_dates(company.market, midnight + dt.timedelta(minutes=2)) == []
    assert due_dates(company.market, midnight + dt.timedelta(minutes=3)) == [MONDAY]


def test_no_time_left_begins_nothing(company: Company) -> None:
    week(company)
    now = at(company, THURSDAY, 1)
    assert list(run_night(company.market, now=now, seconds=0)) == []


def test_a_market_without_activity_has_no_nights(company: Company) -> None:
    assert due_dates(company.market) == []
    with pytest.raises(DayNotOver):
        build_report(company.market, dt.date(2999, 1, 1))


def test_a_corrected_day_is_held_against_its_report_once_a_day(company: Company) -> None:
    week(company)
    now = timezone.now()
    built(company, MONDAY)
    assert outdated_dates(company.market, now) == []
    # Checked on an earlier day, rolled again since: due.
    NightlyReport.objects.update(checked_at=now - dt.timedelta(days=2))
    RolledDay.objects.update(rolled_at=now - dt.timedelta(days=1))
    assert outdated_dates(company.market, now) == [MONDAY]
    # Rolled before it was checked: nothing to look at.
    RolledDay.objects.update(rolled_at=now - dt.timedelta(days=3))
    assert outdated_dates(company.market, now) == []
    # Checked today: the reader's morning is left alone.
    NightlyReport.objects.update(checked_at=now)
    RolledDay.objects.update(rolled_at=now)
    assert outdated_dates(company.market, now) == []


def test_beat_builds_what_is_due_for_every_market(company: Company) -> None:
    other = build("ES")
    yesterday = timezone.now() - dt.timedelta(days=1)
    for each in (company, other):
        History(each).case(yesterday)
    assert night() == 2
    assert night() == 0
    assert set(NightlyReport.objects.values_list("market__code", flat=True)) == {"MX", "ES"}


def test_a_market_that_fails_keeps_no_other_waiting(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = build("ES")
    yesterday = timezone.now() - dt.timedelta(days=1)
    for each in (company, other):
        History(each).case(yesterday)

    def failing(market: Market, **more: Any) -> Any:
        if market.pk == company.market.pk:
            raise RuntimeError("broken")
        return run_night(market, **more)

    monkeypatch.setattr("reporting.periodic.run_night", failing)
    assert night() == 1
    monkeypatch.setattr("reporting.management.commands.build_nightly_reports.run_night", failing)
    out, err = io.StringIO(), io.StringIO()
    with pytest.raises(CommandError, match="1 problem"):
        call_command("build_nightly_reports", stdout=out, stderr=err)
    assert "MX: RuntimeError: broken" in err.getvalue()


def test_the_command_says_what_it_did(company: Company) -> None:
    week(company)
    out = io.StringIO()
    call_command("build_nightly_reports", market="MX", date=MONDAY, stdout=out)
    assert f"MX {MONDAY}: built, revision 1, agrees with the ledger to the cent" in out.getvalue()
    with pytest.raises(CommandError, match="no market"):
        call_command("build_nightly_reports", market="XX")
    with pytest.raises(CommandError):
        call_command(
            "build_nightly_reports",
            market="MX",
            date=dt.date(2999, 1, 1),
            stdout=io.StringIO(),
            stderr=io.StringIO(),
        )


def test_each_reader_is_written_to_in_their_words_and_within_their_sight(
    company: Company,
) -> None:
    history = week(company)
    other = Team.objects.create(market=company.market, name="Restaurante")
    waiter = person(company.market, "waiter", Role.AGENT, team=other)
    history.given(
        history.case(at(company, MONDAY, 13), team=other, owner=waiter),
        at(company, MONDAY, 13),
        face=999_00,
        by=waiter,
    )
    company.elena.language = "en"
    company.elena.save()
    person(company.market, "alone", Role.SUPERVISOR)
    built(company, MONDAY)
    mails = {message.contact: message for message in Message.objects.all()}
    assert set(mails) == {company.supervisor.pk, company.elena.pk, company.hugo.pk}
    topic = get_topic("report.nightly")
    finance = topic.render(mails[company.elena.pk])
    assert "agrees with the ledger to the cent" in finance.text
    assert "Restaurante" in finance.text
    assert "3 compensations were granted" in finance.text
    assert f"/reports/nightly/MX/{MONDAY}/" in finance.text
    supervisor = topic.render(mails[company.supervisor.pk])
    assert "Restaurante" not in supervisor.text
    assert not re.search(r"\b999\b", supervisor.text)
    recipient = topic.resolve(mails[company.supervisor.pk])
    assert recipient is not None
    assert recipient.address == company.supervisor.email
    # Who left is written to no more.
    company.supervisor.is_active = False
    company.supervisor.save()
    assert topic.resolve(mails[company.supervisor.pk]) is None


def test_a_part_is_the_readers_teams_with_sums_of_its_own(company: Company) -> None:
    history = week(company)
    other = Team.objects.create(market=company.market, name="Restaurante")
    waiter = person(company.market, "waiter", Role.AGENT, team=other)
    history.given(
        history.case(at(company, MONDAY, 13), team=other, owner=waiter),
        at(company, MONDAY, 13),
        by=waiter,
    )
    content = built(company, MONDAY).content
    whole = part_of(content, reading_sight(company.elena, company.market))
    assert whole["totals"]["issued"] == 3
    own = part_of(content, reading_sight(company.supervisor, company.market))
    assert own["totals"]["issued"] == 2
    assert own["totals"].keys() == whole["totals"].keys()
    assert [team["team"] for team in own["teams"]] == [company.team.pk]
    assert own["kinds"] == [
        ["coupon", False, 1, 20000, 12000],
        ["gift_card", False, 1, 50000, 30000],
    ]
    assert own["ledger"] is None


def test_unsigned_parts_of_ones_own_teams_are_counted(company: Company) -> None:
    yesterday = timezone.now() - dt.timedelta(days=1)
    History(company).case(yesterday)
    report = built(company, yesterday.astimezone(ZoneInfo(company.market.time_zone)).date())
    assert unsigned_count(company.supervisor, company.market) == 1
    assert unsigned_count(company.elena, company.market) == 0
    sign_report(report=report, team=company.team, revision=1, by=company.supervisor)
    assert unsigned_count(company.supervisor, company.market) == 0
    # A correction has to be signed again.
    NightlyReport.objects.update(revision=2)
    assert unsigned_count(company.supervisor, company.market) == 1


def test_limits_and_budget_stand_as_they_did_at_midnight(company: Company) -> None:
    """What was taken is told from the uses, also after the limit was replaced."""
    from compensations.models import LimitCounter, LimitUse

    history = History(company)
    limit = company.limit("agent", "day", "amount", 1_000_00)
    budget = company.limit("team", "week", "amount", 2_000_00)
    type(limit).objects.update(decided_at=at(company, MONDAY, -10))
    for subject, rule in ((company.agent.pk, limit), (company.team.pk, budget)):
        LimitCounter.objects.create(limit=rule, subject=str(subject), starts_on=MONDAY, used=900_00)
        made = history.given(
            history.case(at(company, MONDAY, 9)), at(company, MONDAY, 10), face=400_00
        )
        late = history.given(
            history.case(at(company, TUESDAY, 9)), at(company, TUESDAY, 10), face=500_00
        )
        for taken, quantity in ((made, 400_00), (late, 500_00)):
            LimitUse.objects.create(
                compensation=taken,
                limits=[rule.pk],
                subjects=[str(subject)],
                starts_on=[MONDAY],
                quantities=[quantity],
            )
    report = built(company, MONDAY)
    assert of(report, company)["limit"] == [limit.pk, "day", "amount", 40000, 100000, 4000]
    (team,) = report.content["teams"]
    assert team["budget"] == [budget.pk, "week", "amount", 40000, 200000, 2000]


def test_peers_of_the_same_mix_and_too_little(company: Company) -> None:
    history = History(company)
    for number in range(6):
        case = history.case(at(company, MONDAY, 9 + number), owner=company.colleague)
        if number < 3:
            history.given(case, at(company, MONDAY, 9 + number), face=300_00, by=company.colleague)
    for number in range(8):
        case = history.case(at(company, MONDAY, 9 + number))
        if number < 3:
            history.given(case, at(company, MONDAY, 9 + number), face=100_00)
    report = built(company, MONDAY)
    agent = of(report, company)
    assert (agent["mean"], agent["peer_mean"], agent["peers"]) == (10000, 30000, 3)
    # A third of what peers gave in the same cell; and 3 of 8 cases where peers had 4.
    assert report.content["too_little"] == [
        [company.team.pk, str(company.agent.pk), "mean", 3, 10000, 30000]
    ]


def test_pairs_promises_and_what_was_changed(company: Company) -> None:
    from incidents.models import Promise

    history = History(company)
    case = history.case(at(company, MONDAY, 9))
    history.given(case, at(company, MONDAY, 9), face=100_00)
    history.given(history.case(at(company, TUESDAY, 9)), at(company, TUESDAY, 9), face=50_00)
    Promise.objects.create(
        incident=case,
        market=company.market,
        kind="call",
        due_at=at(company, TUESDAY, 12),
        owner=company.agent,
        created_by=company.agent,
    )
    Promise.objects.create(
        incident=case,
        market=company.market,
        kind="call",
        due_at=at(company, TUESDAY, 13),
        owner=company.agent,
        created_by=company.agent,
        state="kept",
        ended_at=at(company, TUESDAY, 12),
    )
    limit = company.limit("agent", "day", "amount", 1_000_00)
    type(limit).objects.update(decided_at=at(company, TUESDAY, 10))
    content = built(company, TUESDAY).content
    assert [team["rows"] for team in content["pairs"]] == [
        [[str(company.agent.pk), str(history.customer.pk), 2, 15000]]
    ]
    assert content["totals"]["promises"] == 1
    assert [row[:5] for row in content["limits"]] == [[limit.pk, "agent", "day", "amount", 100000]]
    assert built(company, MONDAY).content["pairs"] == []


def test_a_quiet_day_is_a_report_too(company: Company) -> None:
    roll_day(company.market, MONDAY)
    content = day_content(company.market, MONDAY)
    assert content["teams"] == []
    assert content["difference"] == 0
    assert built(company, MONDAY).team_ids == []


def test_days_of_23_and_25_hours(company: Company) -> None:
    Market.objects.update(time_zone="Europe/Madrid")
    company.market.refresh_from_db()
    history = History(company)
    for date, hours in ((dt.date(2026, 3, 29), 23), (dt.date(2026, 10, 25), 25)):
        starts, ends = day_bounds(date, "Europe/Madrid")
        inside = [starts, ends - dt.timedelta(microseconds=1)]
        outside = [starts - dt.timedelta(microseconds=1), ends]
        for moment in [*inside, *outside]:
            history.given(history.case(moment), moment)
        if ends > timezone.now():
            continue
        content = built(company, date).content
        assert content["hours"] == hours
        assert content["totals"]["cases"] == content["totals"]["issued"] == 2
        assert content["difference"] == 0


def brought(company: Company, moment: dt.datetime) -> Incident:
    """A case as an import leaves it, as of `moment`."""
    none = {"owner": None, "team": None, "logged_by": None}
    clocks = {"compensate_due_at": None, "resolve_due_at": None}
    return History(company).case(moment, **none, **clocks)


def test_an_import_leaves_the_reports_of_past_days_as_they_are(company: Company) -> None:
    week(company)
    report = built(company, MONDAY)
    brought(company, at(company, MONDAY, 12))
    again = build_report(company.market, MONDAY)
    assert not again.is_revised
    assert bytes(again.report.digest) == bytes(report.digest)


def test_the_first_night_is_that_of_the_first_case_that_was_worked_here(company: Company) -> None:
    brought(company, at(company, MONDAY, 12) - dt.timedelta(days=4000))
    assert due_dates(company.market, at(company, THURSDAY, 9)) == []
    History(company).case(at(company, TUESDAY, 9))
    assert due_dates(company.market, at(company, THURSDAY, 9)) == [TUESDAY, WEDNESDAY]
