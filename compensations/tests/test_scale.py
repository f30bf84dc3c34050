"""A version of the scale: written by several, compared, reviewed, scheduled, published, undone."""

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Market, Staff
from accounts.states import Role
from audit.models import AuditEvent
from common.errors import InvalidInput, NotAllowed, NotFound, Refusal, Stale, TransitionRefused
from compensations import scale
from compensations.actions import (
    approve_scale,
    change_cells,
    create_draft,
    delete_draft,
    grant,
    publish_due,
    publish_scale,
    return_scale,
    submit_scale,
)
from compensations.models import Offer, ScaleRule, ScaleVersion
from compensations.scale_content import Cell, OfferTerms, content_of, read_key
from compensations.scale_diff import compare
from compensations.scale_refusals import (
    CellsRefused,
    DecidedAlready,
    NotADraft,
    ScheduleRefused,
    Superseded,
)
from compensations.scale_versions import compared_with, difference, visible_scales
from compensations.states import SCALE_TRANSITIONS, ScaleState

from .scenario import Company, build, person

GIFT = OfferTerms(
    kind="coupon", name_es="Vale", name_en="Voucher", minimum=100_00, default=150_00, maximum=200_00
)


@pytest.fixture
def third(company: Company) -> Staff:
    return person(company.market, "nora", Role.FINANCE)


def cell(company: Company, severity: str = "moderate", segment: str = "") -> Cell:
    return Cell(company.category.parent_id, severity, segment)


def draft_of(company: Company, offers: tuple[OfferTerms, ...] = (GIFT,)) -> ScaleVersion:
    """Elena's draft with one more cell than the live version."""
    draft = create_draft(market=company.market, by=company.elena)
    return change_cells(
        version=draft,
        cells={cell(company, "critical"): offers},
        revision=draft.revision,
        by=company.elena,
    )


def in_review(company: Company, **plan: Any) -> ScaleVersion:
    return submit_scale(version=draft_of(company), by=company.elena, **plan)


def scheduled(company: Company, **plan: Any) -> ScaleVersion:
    return company.approve(in_review(company, **plan))


def events(version: ScaleVersion) -> list[str]:
    rows = AuditEvent.objects.filter(object_kind="scale", object_id=str(version.pk))
    return list(rows.order_by("id").values_list("act", flat=True))


def test_a_draft_is_copied_from_live_in_one_statement(company: Company) -> None:
    live = content_of(company.scale)
    with CaptureQueriesContext(connection) as queries:
        draft = create_draft(market=company.market, note=" Sube vales ", by=company.elena)
    assert content_of(draft) == live
    assert (draft.number, draft.based_on, draft.note) == (2, company.scale, "Sube vales")
    copies = [q for q in queries if "INSERT INTO compensations_offer" in q["sql"]]
    assert len(copies) == 1
    assert len(queries) == 6


def test_the_way_back_is_an_old_content_under_a_new_number(company: Company) -> None:
    first = content_of(company.scale)
    company.republish("coupon", default=250_00)
    back = create_draft(
        market=company.market,
        based_on=ScaleVersion.objects.get(number=1),
        by=company.elena,
    )
    submit_scale(version=back, by=company.elena)
    company.approve(back)
    live = publish_scale(version=back, by=company.hugo)
    assert (live.number, content_of(live)) == (3, first)
    states = dict(ScaleVersion.objects.values_list("number", "state"))
    assert states == {1: "retired", 2: "retired", 3: "live"}


def test_only_finance_of_the_market_drafts(company: Company) -> None:
    stranger = build("CO")
    for by in (company.agent, company.supervisor, company.administrator, stranger.elena):
        with pytest.raises(NotAllowed):
            create_draft(market=company.market, by=by)
    with pytest.raises(NotFound):
        create_draft(market=company.market, based_on=stranger.scale, by=company.elena)
    assert ScaleVersion.objects.filter(market=company.market).count() == 1


def test_cells_are_set_replaced_and_emptied(company: Company) -> None:
    draft = draft_of(company)
    vip = cell(company, "critical", "vip")
    draft = change_cells(
        version=draft,
        cells={cell(company, "critical"): [replace(GIFT, default=180_00)], vip: [GIFT]},
        revision=draft.revision,
        by=company.elena,
    )
    found = content_of(draft)
    assert found[cell(company, "critical")][0].default == 180_00
    assert found[vip] == (GIFT,)
    draft = change_cells(
        version=draft,
        cells={vip: [], cell(company): []},
        revision=draft.revision,
        by=company.elena,
    )
    assert set(content_of(draft)) == {cell(company, "critical")}
    assert draft.revision == 3
    # The live version is as it was.
    assert set(content_of(company.scale)) == {cell(company)}


def test_a_change_that_changes_nothing_leaves_no_trace(company: Company) -> None:
    draft = draft_of(company)
    before = AuditEvent.objects.count()
    same = change_cells(
        version=draft,
        cells={cell(company, "critical"): [GIFT]},
        revision=draft.revision,
        by=company.elena,
    )
    assert (same.revision, AuditEvent.objects.count()) == (draft.revision, before)


BAD: list[tuple[dict[str, Any], str]] = [
    ({"minimum": 160_00}, "default"),
    ({"maximum": 140_00}, "maximum"),
    ({"minimum": -1}, "minimum"),
    ({"maximum": 10**13}, "maximum"),
    ({"kind": "yacht"}, "kind"),
    ({"name_es": " "}, "name_es"),
    ({"name_en": ""}, "name_en"),
    ({"terms_es": "x" * 401}, "terms_es"),
    ({"name_en": "a\x00b"}, "name_en"),
    ({"basis": "percent", "cap_minor": None}, "cap_minor"),
    ({"cap_minor": 5}, "cap_minor"),
    ({"expected_cost_bp": 10_001}, "expected_cost_bp"),
    ({"validity_days": 0}, "validity_days"),
    ({"validity_days": 1_826}, "validity_days"),
    ({"usable_at": ("NADA",)}, "usable_at"),
    ({"per_customer": 2}, "per_customer_days"),
    ({"per_customer_days": 30}, "per_customer"),
    ({"approval_from_minor": -5}, "approval_from_minor"),
    ({"basis": "percent", "cap_minor": 100, "maximum": 150_01}, "maximum"),
]


@pytest.mark.parametrize(("change", "field"), BAD)
def test_what_is_out_of_bounds_names_its_field(
    company: Company, change: dict[str, Any], field: str
) -> None:
    draft = create_draft(market=company.market, by=company.elena)
    base = replace(GIFT, minimum=100, default=125, maximum=150) if "basis" in change else GIFT
    if change.get("maximum") == 150_01:
        change = {**change, "default": 5_000}
    with pytest.raises(CellsRefused) as refused:
        change_cells(
            version=draft,
            cells={cell(company, "critical"): [replace(base, **change)]},
            revision=0,
            by=company.elena,
        )
    (listed,) = refused.value.found.values()
    assert [problem.field for problem in listed] == [field]
    draft.refresh_from_db()
    assert (draft.revision, len(content_of(draft))) == (0, 1)


def test_one_bad_cell_keeps_every_cell_as_it_was(company: Company) -> None:
    draft = create_draft(market=company.market, by=company.elena)
    with pytest.raises(CellsRefused) as refused:
        change_cells(
            version=draft,
            cells={
                cell(company, "critical"): [GIFT],
                cell(company, "minor"): [GIFT, GIFT],
            },
            revision=0,
            by=company.elena,
        )
    assert list(refused.value.found) == [cell(company, "minor")]
    assert set(content_of(draft)) == {cell(company)}


def test_a_foreign_category_does_not_exist(company: Company) -> None:
    foreign = build("CO").category
    draft = create_draft(market=company.market, by=company.elena)
    for place in (
        Cell(foreign.pk, "minor", ""),
        Cell(987_654_321, "minor", ""),
        Cell(None, "huge", ""),
        Cell(None, "minor", "royal"),
    ):
        with pytest.raises(NotFound):
            change_cells(version=draft, cells={place: [GIFT]}, revision=0, by=company.elena)


def test_a_stale_edit_is_told_who_changed_what(company: Company) -> None:
    draft = draft_of(company)
    change_cells(
        version=draft,
        cells={cell(company, "minor"): [GIFT]},
        revision=draft.revision,
        by=company.hugo,
    )
    with pytest.raises(Stale) as stale:
        change_cells(
            version=draft,
            cells={cell(company, "critical"): []},
            revision=draft.revision,
            by=company.elena,
        )
    assert company.hugo.name in str(stale.value)
    assert stale.value.extra["revision"] == 2
    (since,) = stale.value.extra["changes"]
    assert (since["by"], since["cells"]) == (company.hugo.name, [cell(company, "minor").key])
    assert cell(company, "critical") in content_of(draft)


def test_only_a_draft_changes_or_goes_away(company: Company) -> None:
    sent = in_review(company)
    for version in (sent, company.scale):
        with pytest.raises(NotADraft):
            change_cells(
                version=version,
                cells={cell(company): []},
                revision=version.revision,
                by=company.elena,
            )
        with pytest.raises(NotADraft):
            delete_draft(version=version, by=company.elena)
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("DELETE FROM compensations_scaleversion WHERE id = %s", [version.pk])


def test_a_deleted_draft_leaves_its_trail(company: Company) -> None:
    draft = draft_of(company)
    pk = draft.pk
    other = create_draft(market=company.market, based_on=draft, by=company.elena)
    with pytest.raises(NotADraft):
        delete_draft(version=draft, by=company.elena)
    delete_draft(version=other, by=company.hugo)
    delete_draft(version=draft, by=company.elena)
    assert not ScaleVersion.objects.filter(pk=pk).exists()
    assert not ScaleRule.objects.filter(version=pk).exists()
    acts = list(
        AuditEvent.objects.filter(object_id=str(pk), object_kind="scale").values_list(
            "act", flat=True
        )
    )
    assert acts == ["scale.drafted", "scale.edited", "scale.deleted"]


def test_a_version_goes_its_way(company: Company, third: Staff) -> None:
    draft = draft_of(company)
    sent = submit_scale(version=draft, note="Vale en críticas", by=company.elena)
    assert (sent.state, sent.note, sent.needs_second) == ("in_review", "Vale en críticas", True)
    once = approve_scale(version=sent, by=company.hugo)
    assert (once.state, once.approved_by) == ("in_review", company.hugo)
    with pytest.raises(DecidedAlready):
        approve_scale(version=sent, by=company.hugo)
    twice = approve_scale(version=sent, by=third)
    assert (twice.state, twice.second_approved_by) == ("scheduled", third)
    live = publish_scale(version=sent, by=company.hugo)
    old = ScaleVersion.objects.get(number=1)
    assert (live.state, old.state, old.effective_until) == ("live", "retired", live.effective_from)
    assert scale.live_version(company.market) == live
    assert events(sent) == [
        f"scale.{act}"
        for act in ("drafted", "edited", "submitted", "approved", "approved", "published")
    ]


def test_a_small_change_needs_one_approval(company: Company, settings: Any) -> None:
    settings.SCALE_LARGE_CHANGE_PERCENT = 60
    sent = in_review(company)
    # One of two cells differs: half of them.
    assert not sent.needs_second
    assert approve_scale(version=sent, by=company.hugo).state == ScaleState.SCHEDULED
    with pytest.raises(DecidedAlready):
        approve_scale(version=sent, by=company.hugo)


def test_the_threshold_is_reached_exactly(company: Company) -> None:
    draft = draft_of(company)
    found = difference(company.scale, draft)
    assert (len(found.cells), found.total) == (1, 2)
    assert found.reaches(50)
    assert not found.reaches(51)
    same = create_draft(market=company.market, by=company.elena)
    assert not difference(company.scale, same).reaches(1)


def test_nobody_decides_about_what_they_wrote(company: Company, third: Staff) -> None:
    draft = draft_of(company)
    draft = change_cells(
        version=draft,
        cells={cell(company, "minor"): [GIFT]},
        revision=draft.revision,
        by=company.hugo,
    )
    sent = submit_scale(version=draft, by=third)
    fourth = person(company.market, "olga", Role.FINANCE)
    others = (company.elena, company.hugo, third, company.administrator, company.agent)
    for by in others:
        with pytest.raises(NotAllowed):
            approve_scale(version=sent, by=by)
        with pytest.raises(NotAllowed):
            return_scale(version=sent, reason="no", by=by)
    assert approve_scale(version=sent, by=fourth).approved_by == fourth
    fifth = person(company.market, "pilar", Role.FINANCE)
    approve_scale(version=sent, by=fifth)
    for by in others:
        with pytest.raises(NotAllowed):
            publish_scale(version=sent, by=by)
    sent.refresh_from_db()
    assert sent.state == ScaleState.SCHEDULED


def test_the_database_knows_who_wrote(company: Company) -> None:
    sent = in_review(company)
    rows = ScaleVersion.objects.filter(pk=sent.pk)
    now = timezone.now()
    rows.update(editors=[company.hugo.pk])
    for column in ("approved", "second_approved"):
        for by in (company.elena, company.hugo):
            with pytest.raises(IntegrityError), transaction.atomic():
                rows.update(**{f"{column}_at": now, f"{column}_by": by})


@pytest.mark.parametrize("field", ["note", "revision", "needs_second", "editors"])
def test_what_was_decided_never_changes(company: Company, field: str) -> None:
    values: dict[str, Any] = {
        "note": "otra",
        "revision": 99,
        "needs_second": True,
        "editors": [company.agent.pk],
    }
    with pytest.raises(IntegrityError), transaction.atomic():
        ScaleVersion.objects.filter(pk=company.scale.pk).update(**{field: values[field]})
    with pytest.raises(IntegrityError), transaction.atomic():
        ScaleVersion.objects.filter(pk=company.scale.pk).update(effective_from=timezone.now())


def test_a_version_is_returned_with_a_reason_and_comes_again(
    company: Company, third: Staff
) -> None:
    sent = in_review(company, effective_from=timezone.now() + dt.timedelta(days=3))
    approve_scale(version=sent, by=third)
    with pytest.raises(InvalidInput):
        return_scale(version=sent, reason="  ", by=company.hugo)
    back = return_scale(version=sent, reason="Falta el tope", by=company.hugo)
    assert (back.state, back.return_reason, back.returned_by) == (
        "draft",
        "Falta el tope",
        company.hugo,
    )
    assert (back.approved_by, back.effective_from, back.needs_second) == (None, None, False)
    with pytest.raises(TransitionRefused):
        return_scale(version=sent, reason="otra vez", by=company.hugo)
    again = submit_scale(version=back, by=company.elena)
    # The first approval was of something else.
    assert company.approve(again).state == ScaleState.SCHEDULED


def test_an_approval_is_of_what_was_seen(company: Company, third: Staff) -> None:
    sent = in_review(company)
    with pytest.raises(Stale):
        approve_scale(version=sent, revision=sent.revision + 1, by=company.hugo)
    with pytest.raises(Stale):
        approve_scale(version=sent, against=0, by=company.hugo)
    seen = {"revision": sent.revision, "against": 1}
    assert approve_scale(version=sent, **seen, by=company.hugo).approved_by == company.hugo


def test_a_submission_is_of_what_was_seen(company: Company) -> None:
    draft = draft_of(company)
    with pytest.raises(Stale):
        submit_scale(version=draft, revision=0, by=company.elena)
    empty = change_cells(
        version=draft,
        cells={cell(company): [], cell(company, "critical"): []},
        revision=draft.revision,
        by=company.elena,
    )
    with pytest.raises(InvalidInput):
        submit_scale(version=empty, by=company.elena)


@pytest.mark.parametrize("days", [-1, 367])
def test_a_date_is_still_to_come(company: Company, days: int) -> None:
    moment = timezone.now() + dt.timedelta(days=days)
    with pytest.raises(ScheduleRefused):
        submit_scale(version=draft_of(company), effective_from=moment, by=company.elena)


def due(version: ScaleVersion, ago: dt.timedelta = dt.timedelta(seconds=1)) -> None:
    """Lets the version's moment have come."""
    ScaleVersion.objects.filter(pk=version.pk).update(effective_from=timezone.now() - ago)


def test_a_date_publishes_once_and_not_before(company: Company) -> None:
    version = scheduled(company, effective_from=timezone.now() + dt.timedelta(hours=2))
    assert publish_due() == []
    due(version)
    assert [row.pk for row in publish_due()] == [version.pk]
    assert publish_due() == []
    assert events(version).count("scale.published") == 1
    event = AuditEvent.objects.get(object_id=str(version.pk), act="scale.published")
    assert event.actor_kind == "system"


def test_as_soon_as_approved_is_due_at_once(
    company: Company, django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[str] = []
    monkeypatch.setattr(
        "compensations.actions.publishing.current_app.send_task",
        lambda name, **_options: rung.append(name),
    )
    with django_capture_on_commit_callbacks(execute=True):
        version = scheduled(company)
    assert rung == ["compensations.periodic.publish_due_scales"]
    call_command("publish_due_scales")
    version.refresh_from_db()
    assert version.state == ScaleState.LIVE


def test_a_dead_broker_fails_no_approval(
    company: Company, django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dead(*_args: Any, **_options: Any) -> None:
        raise OSError("away")

    monkeypatch.setattr("compensations.actions.publishing.current_app.send_task", dead)
    with django_capture_on_commit_callbacks(execute=True):
        assert scheduled(company).state == ScaleState.SCHEDULED


def test_due_versions_publish_in_the_order_of_their_dates(company: Company) -> None:
    later = timezone.now() + dt.timedelta(hours=1)
    first = scheduled(company, effective_from=later)
    second = scheduled(company, effective_from=later + dt.timedelta(hours=1))
    assert compared_with(second) == first
    due(second, dt.timedelta(seconds=5))
    due(first, dt.timedelta(seconds=9))
    assert [row.pk for row in publish_due()] == [first.pk, second.pk]
    rows = list(ScaleVersion.objects.order_by("effective_from"))
    assert [row.number for row in rows] == [1, 2, 3]
    ends = [row.effective_until for row in rows]
    assert ends == [rows[1].effective_from, rows[2].effective_from, None]


def test_an_older_one_never_follows_a_newer(company: Company) -> None:
    later = timezone.now() + dt.timedelta(hours=5)
    older = scheduled(company, effective_from=later)
    waiting = in_review(company)
    newer = scheduled(company)
    publish_scale(version=newer, by=company.hugo)
    for act in (publish_scale, approve_scale):
        with pytest.raises(Superseded) as refused:
            act(version=older if act is publish_scale else waiting, by=company.hugo)
        assert str(newer.number) in str(refused.value)
    due(older)
    assert publish_due() == []
    older.refresh_from_db()
    assert older.state == ScaleState.SCHEDULED
    # Its content is not lost: a new version starts from it.
    again = create_draft(market=company.market, based_on=older, by=company.elena)
    assert content_of(again) == content_of(older)


def test_a_lower_number_is_not_approved_after_a_higher_one(company: Company) -> None:
    lower = in_review(company)
    scheduled(company, effective_from=timezone.now() + dt.timedelta(days=1))
    with pytest.raises(Superseded):
        approve_scale(version=lower, by=company.hugo)
    mine = create_draft(market=company.market, by=company.elena)
    assert submit_scale(version=mine, by=company.elena).state == ScaleState.IN_REVIEW


def test_published_twice_is_said(company: Company) -> None:
    version = scheduled(company)
    publish_scale(version=version, by=company.hugo)
    with pytest.raises(DecidedAlready):
        publish_scale(version=version, by=company.hugo)
    assert events(version).count("scale.published") == 1


def test_a_market_that_fails_keeps_no_other_waiting(
    company: Company, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from compensations.actions import publishing

    other = build("CO")
    bad, good = scheduled(company), scheduled(other)
    due(bad, dt.timedelta(seconds=9))
    real = publishing._go_live

    def go(row: ScaleVersion, by: Staff | None) -> ScaleVersion:
        if row.pk == bad.pk:
            raise Refusal
        return real(row, by)

    monkeypatch.setattr(publishing, "_go_live", go)
    assert [row.pk for row in publish_due()] == [good.pk]
    assert f"scale version {bad.pk}" in caplog.text


def test_the_desk_offers_the_new_version_at_once(company: Company) -> None:
    case = company.incident()
    old = company.offers["coupon"]
    new = company.republish("coupon", default=260_00)
    made = grant(incident=case, offer=Offer(pk=new.pk), by=company.agent)
    assert (made.face_minor, made.version.number) == (260_00, 2)
    with pytest.raises(Refusal) as refused:
        grant(incident=company.incident(), offer=old, by=company.agent)
    assert refused.value.code == "not_in_scale"


def test_what_was_live_is_compared_with_what_it_replaced(company: Company) -> None:
    first = company.scale
    company.republish("coupon", default=260_00)
    second = ScaleVersion.objects.get(number=2)
    assert compared_with(second) == first
    assert compared_with(ScaleVersion.objects.get(number=1)) is None
    assert len(difference(compared_with(second), second).cells) == 1


def test_who_sees_which_version(company: Company) -> None:
    foreign = build("CO")
    company.republish("coupon", default=250_00)
    draft = draft_of(company)
    for reader in (company.agent, company.supervisor):
        assert {row.number for row in visible_scales(reader)} == {1, 2}
    auditor = person(company.market, "aurora", Role.AUDITOR)
    for reader in (company.elena, company.hugo, auditor):
        assert {row.number for row in visible_scales(reader)} == {1, 2, draft.number}
    for nobody in (company.cashier, company.administrator):
        assert not visible_scales(nobody).exists()
    assert not visible_scales(company.till).exists()
    assert not visible_scales(foreign.elena).filter(market=company.market).exists()


def test_a_difference_matches_offers_by_kind_and_name() -> None:
    place = Cell(1, "minor", "")
    other = replace(GIFT, name_es="Postre", kind="courtesy")
    renamed = replace(GIFT, name_es="Vale grande", maximum=300_00)
    found = compare({place: (GIFT, other)}, {place: (renamed,)})
    (change,) = found.cells
    assert change.kind == "changed"
    kinds = [(one.kind, one.fields) for one in change.offers]
    assert kinds == [("changed", ("name_es", "maximum")), ("removed", ())]
    gone = compare({place: (GIFT,)}, {})
    assert (gone.removed, gone.added, gone.changed) == (1, 0, 0)


def test_a_cell_has_a_name_for_pages() -> None:
    for place in (Cell(12, "moderate", "vip"), Cell(None, "minor", "")):
        assert read_key(place.key) == place
    for text in ("", "12-minor", "x-minor-any", "1-2-3-4", "-1-minor-any", "9" * 30 + "-minor-any"):
        assert read_key(text) is None


STATES = [str(state) for state in ScaleState]


@pytest.mark.parametrize("source", STATES)
@pytest.mark.parametrize("target", STATES)
def test_a_version_moves_only_along_its_arrows(company: Company, source: str, target: str) -> None:
    """By an update and by a saved row alike; what an arrow allows, the actions do above."""
    if source == target or target in SCALE_TRANSITIONS.get(source, frozenset()):
        return
    market = Market.objects.get(pk=company.market.pk)
    market.pk, market.code = None, "ZZ"
    market.save(force_insert=True)
    now = timezone.now()
    with transaction.atomic():
        version = ScaleVersion.objects.create(
            market=market,
            number=77,
            state=source,
            author=company.elena,
            approved_by=company.hugo,
            approved_at=now,
            effective_from=now,
            effective_until=now if source == "retired" else None,
        )
        until = now if target == "retired" else None
        changed = {"state": target, "effective_until": until}

        rows = ScaleVersion.objects.filter(pk=version.pk)
        with pytest.raises(IntegrityError, match="not drawn"), transaction.atomic():
            rows.update(**changed)
        version.state, version.effective_until = target, until
        with pytest.raises(IntegrityError, match="not drawn"), transaction.atomic():
            version.save()
        # A lone retired version is not a market's whole history.
        transaction.set_rollback(True)
