"""Races between real processes over the scale: one live version at every instant, decided once.

Each with a negative control: the same race with its locks switched off, and the database's own
guards where they would save it, has to break the invariant.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from audit.models import AuditEvent
from common.errors import Refusal
from compensations import scale
from compensations.actions import (
    approve_scale,
    change_cells,
    create_draft,
    grant,
    publish_due,
    publish_scale,
    publishing,
    submit_scale,
)
from compensations.models import Compensation, Offer, ScaleVersion
from compensations.scale_content import Cell, OfferTerms
from compensations.scale_versions import compared_with, newer_decided
from compensations.tests.scenario import Company, build
from tests.support.race import count, errors, race

pytestmark = [pytest.mark.django_db(transaction=True)]

# Seconds for which a reader looks on.
WATCH = 2.0
UNGUARDED = (
    (
        "ALTER TABLE compensations_scaleversion DISABLE TRIGGER USER; DROP INDEX scale_one_live; "
        "ALTER TABLE compensations_scaleversion DROP CONSTRAINT scale_until_only_retired",
        "TRUNCATE compensations_scaleversion CASCADE; "
        "ALTER TABLE compensations_scaleversion ENABLE TRIGGER USER; "
        "CREATE UNIQUE INDEX scale_one_live ON compensations_scaleversion (market_id) "
        "WHERE state = 'live'; "
        "ALTER TABLE compensations_scaleversion ADD CONSTRAINT scale_until_only_retired CHECK ("
        "(state = 'retired' AND effective_until IS NOT NULL) "
        "OR (state <> 'retired' AND effective_until IS NULL))",
    ),
)


@pytest.fixture
def company() -> Company:
    return build()


@contextmanager
def without_guards() -> Iterator[None]:
    """Without what the database itself refuses about versions."""
    with connection.cursor() as cursor:
        for off, _on in UNGUARDED:
            cursor.execute(off)
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            for _off, on in UNGUARDED:
                cursor.execute(on)


def scheduled(company: Company, number: int) -> list[ScaleVersion]:
    """Approved versions with the content of the live one."""
    found = []
    for _version in range(number):
        draft = create_draft(market=company.market, by=company.elena)
        submit_scale(version=draft, by=company.elena)
        found.append(approve_scale(version=draft, by=company.hugo))
    return found


def watch() -> list[int]:
    """How many versions were live, each time it was other than one."""
    wrong = []
    until = time.monotonic() + WATCH
    with connection.cursor() as cursor:
        while time.monotonic() < until:
            cursor.execute("SELECT count(*) FROM compensations_scaleversion WHERE state = 'live'")
            (number,) = cursor.fetchone()
            if number != 1:
                wrong.append(number)
    return wrong


def tiles() -> bool:
    """Whether the ranges in force follow each other with no gap and no overlap."""
    rows = list(
        ScaleVersion.objects.filter(state__in=["live", "retired"])
        .order_by("effective_from")
        .values_list("effective_from", "effective_until", "state")
    )
    touching = all(now[1] == following[0] for now, following in pairwise(rows))
    return touching and [row[2] for row in rows] == ["retired"] * (len(rows) - 1) + ["live"]


def publishers(company: Company, versions: list[ScaleVersion]) -> Any:
    """Two publishers for each version, then readers, who look on all the while."""

    def work(number: int) -> Any:
        if number >= 2 * len(versions):
            return watch()
        return publish_scale(version=versions[number // 2], by=company.hugo).number

    return work


def test_many_publishers_leave_one_live_at_every_instant(company: Company) -> None:
    versions = scheduled(company, 8)
    answers = race(publishers(company, versions), range(2 * 8 + 3))
    assert errors(answers) == []
    seen = [value for kind, value in answers if kind == "ok" and isinstance(value, list)]
    assert seen == [[], [], []]
    published = [value for kind, value in answers if kind == "ok" and isinstance(value, int)]
    assert len(published) == len(set(published))
    # The highest is never passed over.
    assert max(published) == 9
    refused = {value for kind, value in answers if kind == "refused"}
    assert refused <= {"superseded", "already_decided"}
    assert AuditEvent.objects.filter(act="scale.published").count() == 1 + len(published)
    assert ScaleVersion.objects.get(state="live").number == 9
    assert tiles()


def test_many_publishers_without_the_locks(company: Company) -> None:
    versions = scheduled(company, 8)
    with without_guards():
        answers = race(
            publishers(company, versions), range(2 * 8 + 3), guards_off=["rules", "scale"]
        )
        seen = [value for kind, value in answers if kind == "ok" and isinstance(value, list)]
        assert any(seen)
        assert not tiles()


def publish_all_due(_number: int) -> int:
    return len(publish_due())


@pytest.fixture
def hesitant(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between finding a version due and making it live passes a moment."""

    def slowly_newer(version: ScaleVersion) -> ScaleVersion | None:
        found = newer_decided(version)
        time.sleep(0.05)
        return found

    monkeypatch.setattr(publishing, "newer_decided", slowly_newer)


@pytest.mark.usefixtures("hesitant")
def test_what_is_due_is_published_once(company: Company) -> None:
    scheduled(company, 3)
    answers = race(publish_all_due, range(12))
    assert errors(answers) == []
    assert sum(value for _kind, value in answers) == 3
    assert AuditEvent.objects.filter(act="scale.published", actor_kind="system").count() == 3
    assert ScaleVersion.objects.get(state="live").number == 4
    assert tiles()


@pytest.mark.usefixtures("hesitant")
def test_what_is_due_without_the_locks(company: Company) -> None:
    scheduled(company, 3)
    with without_guards():
        answers = race(publish_all_due, range(12), guards_off=["rules", "scale"])
        assert sum(value for kind, value in answers if kind == "ok") > 3


@pytest.fixture
def deliberate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between reading a version and writing the decision passes a moment."""

    def slowly_compared(version: ScaleVersion) -> ScaleVersion | None:
        time.sleep(0.2)
        return compared_with(version)

    monkeypatch.setattr(publishing, "compared_with", slowly_compared)


def _approve(company: Company, version: ScaleVersion) -> Any:
    def work(_number: int) -> str:
        return str(approve_scale(version=version, by=company.hugo).state)

    return work


def _waiting(company: Company) -> ScaleVersion:
    """A large change in review: it needs two people."""
    draft = create_draft(market=company.market, by=company.elena)
    gift = OfferTerms("coupon", "Vale", "Voucher", 1, 2, 3)
    draft = change_cells(
        version=draft, cells={Cell(None, "critical", ""): [gift]}, revision=0, by=company.elena
    )
    return submit_scale(version=draft, by=company.elena)


@pytest.mark.usefixtures("deliberate")
def test_two_approvals_of_one_person_count_as_one(company: Company) -> None:
    version = _waiting(company)
    answers = race(_approve(company, version), range(6))
    assert errors(answers) == []
    assert [value for kind, value in answers if kind == "ok"] == ["in_review"]
    assert {value for kind, value in answers if kind == "refused"} == {"already_decided"}
    version.refresh_from_db()
    assert (version.state, version.second_approved_by) == ("in_review", None)
    assert AuditEvent.objects.filter(act="scale.approved", object_id=str(version.pk)).count() == 1


@pytest.mark.usefixtures("deliberate")
def test_two_approvals_without_the_locks(company: Company) -> None:
    version = _waiting(company)
    answers = race(_approve(company, version), range(10), guards_off=["rules", "scale"])
    assert count(answers, "ok") > 1


@pytest.fixture
def slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Grants take a moment after they have read which version is live."""
    real = scale.version_of

    def version_of(version_id: int | None) -> ScaleVersion | None:
        time.sleep(0.05)
        return real(version_id)

    monkeypatch.setattr(scale, "version_of", version_of)


def granting(company: Company, versions: list[ScaleVersion]) -> Any:
    """One publisher of every version in turn, and people who grant all the while."""
    cases = [company.incident() for _ in range(24)]

    def work(number: int) -> int:
        if number == len(cases):
            for version in versions:
                time.sleep(0.03)
                publish_scale(version=version, by=company.hugo)
            return 0
        for _try in range(40):
            offer = Offer.objects.get(rule__version__state="live", name_en="coupon")
            try:
                return grant(incident=cases[number], offer=offer, by=company.agent).version.number
            except Refusal as refusal:
                if refusal.code != "not_in_scale":
                    raise
        raise RuntimeError("never granted")

    return work


def _outside() -> int:
    """Compensations issued at a moment when their version was not in force."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM compensations_compensation given "
            "JOIN compensations_scaleversion version ON version.id = given.version_id "
            "WHERE given.issued_at < version.effective_from "
            "OR given.issued_at >= version.effective_until"
        )
        return int(cursor.fetchone()[0])


@pytest.mark.usefixtures("slowly")
def test_a_grant_is_pinned_to_a_version_that_was_live(company: Company) -> None:
    versions = scheduled(company, 6)
    answers = race(granting(company, versions), range(25))
    assert errors(answers) == []
    assert count(answers, "ok") == 25
    assert Compensation.objects.count() == 24
    assert _outside() == 0
    assert tiles()


@pytest.mark.usefixtures("slowly")
def test_a_grant_without_the_lock_of_the_rules(company: Company) -> None:
    versions = scheduled(company, 6)
    answers = race(granting(company, versions), range(25), guards_off=["rules"])
    assert errors(answers) == []
    assert _outside() > 0


def test_a_moment_is_after_everything_granted_before(company: Company) -> None:
    before = timezone.now()
    (version,) = scheduled(company, 1)
    live = publish_scale(version=version, by=company.hugo)
    assert live.effective_from is not None
    assert live.effective_from > before
