"""The pages of the scale: reading it, writing a draft, deciding, and what each refuses."""

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import Staff
from accounts.states import Role
from compensations.actions import (
    change_cells,
    create_draft,
    lapse_due,
    publish_scale,
    request,
    submit_scale,
)
from compensations.models import ScaleVersion
from compensations.scale_content import Cell, OfferTerms, content_of

from .scenario import Company, person

GIFT = OfferTerms(
    kind="coupon", name_es="Vale", name_en="Voucher", minimum=100_00, default=150_00, maximum=200_00
)


def browser(staff: Staff) -> Client:
    """Somebody who reads English."""
    Staff.objects.filter(pk=staff.pk).update(language="en")
    client = Client()
    client.force_login(staff)
    return client


@pytest.fixture
def elena(company: Company) -> Client:
    return browser(company.elena)


@pytest.fixture
def draft(company: Company) -> ScaleVersion:
    draft = create_draft(market=company.market, by=company.elena)
    return change_cells(
        version=draft,
        cells={Cell(company.category.parent_id, "critical", ""): [GIFT]},
        revision=0,
        by=company.elena,
    )


def at(name: str, version: ScaleVersion, *more: str) -> str:
    return reverse(name, args=[version.market.code, version.number, *more])


def own(company: Company, severity: str = "moderate") -> str:
    return Cell(company.category.parent_id, severity, "").key


def edit(client: Client, version: ScaleVersion, **change: Any) -> Any:
    body = {"revision": version.revision, **change}
    return client.post(
        at("scale-cells", version), json.dumps(body), content_type="application/json"
    )


def text(response: Any) -> str:
    return str(response.content.decode())


def test_everybody_at_the_desk_reads_the_live_scale(company: Company) -> None:
    for reader in (company.agent, company.supervisor, company.elena):
        page = text(browser(reader).get(reverse("scales")))
        assert "coupon" in page
        assert "$100 " in page
        assert ("Draft a new version" in page) == (reader == company.elena)
    assert browser(company.cashier).get(reverse("scales")).status_code == 403


def test_a_draft_is_for_finance_and_auditors(company: Company, draft: ScaleVersion) -> None:
    auditor = person(company.market, "aurora", Role.AUDITOR)
    pages = [at(name, draft) for name in ("scale", "scale-changes", "scale-edit")]
    assert [browser(company.hugo).get(page).status_code for page in pages] == [200, 200, 200]
    assert [browser(auditor).get(page).status_code for page in pages] == [200, 200, 403]
    assert [browser(company.agent).get(page).status_code for page in pages] == [404, 403, 403]


def test_a_search_keeps_what_fits(company: Company, elena: Client) -> None:
    found = text(elena.get(reverse("scales"), {"q": "HABITACION"}))
    assert "gift_card" in found
    none = text(elena.get(reverse("scales"), {"q": "submarino"}))
    assert "gift_card" not in none


def test_terms_are_read_when_asked_for_or_searched(company: Company, elena: Client) -> None:
    draft = create_draft(market=company.market, by=company.elena)
    place = Cell(company.category.parent_id, "critical", "")
    terms = replace(GIFT, terms_es="Solo en la terraza", terms_en="Only on the terrace")
    version = change_cells(version=draft, cells={place: [terms]}, revision=0, by=company.elena)
    page = at("scale", version)
    assert "Only on the terrace" not in text(elena.get(page))
    assert f'href="{page}?terms=1"' in text(elena.get(page))
    asked = text(elena.get(page, {"terms": "1"}))
    assert "Only on the terrace" in asked
    assert f'href="{page}"' in asked
    assert "Only on the terrace" in text(elena.get(page, {"q": "terrace"}))


def test_holes_say_how_many_cases_fell_in(company: Company, elena: Client) -> None:
    company.incident(severity="critical", severity_reason="peor")
    company.incident(severity="critical", severity_reason="peor")
    company.incident()
    page = text(elena.get(reverse("scales")))
    assert "2 cases in 90 days" in page or "2 casos en 90" in page


def test_an_amount_is_typed_into_a_cell(
    company: Company, elena: Client, draft: ScaleVersion
) -> None:
    answer = edit(elena, draft, texts={own(company, "critical"): "120/160/210"})
    data = answer.json()
    assert (answer.status_code, data["revision"]) == (200, draft.revision + 1)
    (offer,) = content_of(draft)[Cell(company.category.parent_id, "critical", "")]
    assert (offer.minimum, offer.default, offer.maximum) == (120_00, 160_00, 210_00)
    assert data["before"][own(company, "critical")] == [GIFT.as_json()]
    assert "$160<" in data["rows"]


def test_what_was_replaced_comes_back(company: Company, elena: Client, draft: ScaleVersion) -> None:
    whole = content_of(draft)
    first = edit(elena, draft, clear=[own(company), own(company, "critical")]).json()
    assert content_of(draft) == {}
    draft.refresh_from_db()
    assert edit(elena, draft, offers=first["before"]).status_code == 200
    assert content_of(draft) == whole


def test_a_cell_is_copied_whole(company: Company, elena: Client, draft: ScaleVersion) -> None:
    answer = edit(elena, draft, copy={own(company, "minor"): own(company, "critical")})
    assert answer.status_code == 200
    assert content_of(draft)[Cell(company.category.parent_id, "minor", "")] == (GIFT,)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("500", "180/240/300"),
        ("120/160", "lowest/usual/highest"),
        ("12,5", "1,234.50"),
        ("10 %", "not a share"),
        ("150; 200", "one offer"),
        ("", "Delete"),
        ("200/100/300", "below the lowest"),
        ("99999999999999", "too large"),
    ],
)
def test_what_cannot_be_read_says_why_and_changes_nothing(
    company: Company, draft: ScaleVersion, typed: str, said: str
) -> None:
    company.elena.language = "en"
    company.elena.save()
    answer = edit(browser(company.elena), draft, texts={own(company, "critical"): typed})
    data = answer.json()
    assert answer.status_code == 422
    assert data["cells"] == [own(company, "critical")]
    assert said in data["message"] or typed == "500"
    draft.refresh_from_db()
    assert draft.revision == 1


BODIES: list[Any] = [
    [],
    {},
    {"revision": "1"},
    {"revision": True, "clear": ["any-minor-any"]},
    {"revision": 1},
    {"revision": 1, "texts": []},
    {"revision": 1, "texts": {"nothing": "1"}},
    {"revision": 1, "clear": [5]},
    {"revision": 1, "clear": 5},
    {"revision": 1, "offers": {"any-minor-any": "x"}},
    {"revision": 1, "offers": {"any-minor-any": [{"kind": "coupon"}]}},
    {"revision": 1, "offers": {"any-minor-any": [{**GIFT.as_json(), "minimum": "1"}]}},
    {"revision": 1, "offers": {"any-minor-any": [{**GIFT.as_json(), "minimum": True}]}},
    {"revision": 1, "offers": {"any-minor-any": [{**GIFT.as_json(), "minimum": 10**30}]}},
    {"revision": 1, "offers": {"any-minor-any": [{**GIFT.as_json(), "usable_at": [1]}]}},
    {"revision": 1, "copy": {"any-minor-any": None}},
]


@pytest.mark.parametrize("body", BODIES)
def test_a_strange_change_is_refused(elena: Client, draft: ScaleVersion, body: Any) -> None:
    answer = elena.post(at("scale-cells", draft), json.dumps(body), content_type="application/json")
    assert answer.status_code == 422
    draft.refresh_from_db()
    assert draft.revision == 1


def test_a_stale_change_shows_what_the_other_did(
    company: Company, elena: Client, draft: ScaleVersion
) -> None:
    change_cells(
        version=draft,
        cells={Cell(company.category.parent_id, "minor", ""): [GIFT]},
        revision=draft.revision,
        by=company.hugo,
    )
    answer = edit(elena, draft, texts={own(company, "critical"): "160"})
    data = answer.json()
    assert (answer.status_code, data["revision"]) == (409, 2)
    assert company.hugo.name in data["message"]
    assert [change["cells"] for change in data["changes"]] == [[own(company, "minor")]]
    # Saved again on what is shown now, it is taken.
    draft.refresh_from_db()
    assert edit(elena, draft, texts={own(company, "critical"): "160"}).status_code == 200


def form(*offers: dict[str, Any], revision: int, do: str = "save") -> dict[str, Any]:
    plain = {
        "kind": "coupon",
        "basis": "fixed",
        "name_es": "Vale",
        "name_en": "Voucher",
        "minimum": "100",
        "default": "150",
        "maximum": "200",
        "expected_cost": "60 %",
        "validity_days": "45",
    }
    data: dict[str, Any] = {"count": str(len(offers)), "revision": str(revision), "do": do}
    for place, offer in enumerate(offers):
        data |= {f"o{place}-{name}": value for name, value in {**plain, **offer}.items()}
    return data


def test_the_offers_of_a_cell_are_written(
    company: Company, elena: Client, draft: ScaleVersion
) -> None:
    page = at("scale-cell", draft, own(company, "minor"))
    assert elena.get(page).status_code == 200
    two = (
        {"usable_at": ["CUN"], "per_customer": "2", "per_customer_days": "30"},
        {
            "kind": "partial_refund",
            "basis": "percent",
            "name_es": "Devolución",
            "name_en": "Refund",
            "minimum": "10 %",
            "default": "12.5 %",
            "maximum": "50",
            "cap": "$1,000.00",
            "approval_from": "800",
            "is_statutory": "on",
        },
    )
    answer = elena.post(page, form(*two, revision=draft.revision))
    assert answer.status_code == 302
    assert answer["Location"].endswith(f"#cell-{own(company, 'minor')}")
    first, second = content_of(draft)[Cell(company.category.parent_id, "minor", "")]
    assert (first.usable_at, first.per_customer, first.expected_cost_bp) == (("CUN",), 2, 6000)
    assert (second.minimum, second.default, second.maximum) == (1000, 1250, 5000)
    assert (second.cap_minor, second.approval_from_minor, second.is_statutory) == (
        1_000_00,
        800_00,
        True,
    )


def test_buttons_add_move_and_take_out(
    company: Company, elena: Client, draft: ScaleVersion
) -> None:
    page = at("scale-cell", draft, own(company, "minor"))
    offers = ({"name_es": "Uno"}, {"name_es": "Dos"})
    added = text(elena.post(page, form(*offers, revision=1, do="add")))
    assert 'name="count" value="3"' in added
    moved = text(elena.post(page, form(*offers, revision=1, do="up-1")))
    assert moved.index("Dos") < moved.index("Uno")
    gone = text(elena.post(page, form(*offers, revision=1, do="remove-0")))
    assert 'name="count" value="1"' in gone
    assert 'value="Uno"' not in gone
    draft.refresh_from_db()
    assert draft.revision == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"default": "50"}, "default"),
        ({"default": ""}, "default"),
        ({"minimum": "1.234,5"}, "minimum"),
        ({"name_en": ""}, "name_en"),
        ({"expected_cost": "120 %"}, "expected_cost"),
        ({"validity_days": "0"}, "validity_days"),
        ({"cap": "100"}, "cap"),
        ({"basis": "percent", "minimum": "1", "default": "2", "maximum": "3"}, "cap"),
        ({"per_customer": "3"}, "per_customer_days"),
        ({"kind": "yacht"}, "kind"),
        ({"usable_at": ["NADA"]}, "usable_at"),
    ],
)
def test_a_field_that_is_wrong_keeps_the_form(
    company: Company, elena: Client, draft: ScaleVersion, change: dict[str, Any], field: str
) -> None:
    page = at("scale-cell", draft, own(company, "minor"))
    answer = elena.post(page, form({"name_es": "Mi vale", **change}, revision=1))
    assert answer.status_code == 422
    (bad,) = [one for one in answer.context["forms"] if one.errors]
    assert list(bad.errors) == [field]
    assert 'value="Mi vale"' in text(answer)
    draft.refresh_from_db()
    assert draft.revision == 1


def test_a_stale_form_keeps_the_text_and_shows_what_stands(
    company: Company, elena: Client, draft: ScaleVersion
) -> None:
    change_cells(
        version=draft,
        cells={Cell(company.category.parent_id, "minor", ""): [GIFT]},
        revision=1,
        by=company.hugo,
    )
    page = at("scale-cell", draft, own(company, "minor"))
    answer = elena.post(page, form({"name_es": "Mío"}, revision=1))
    assert answer.status_code == 409
    assert 'value="Mío"' in text(answer)
    assert company.hugo.name in text(answer)
    assert 'name="revision" value="2"' in text(answer)
    assert elena.post(page, form({"name_es": "Mío"}, revision=2)).status_code == 302


def test_from_draft_to_live_by_pages(company: Company, elena: Client) -> None:
    third = person(company.market, "nora", Role.FINANCE)
    answer = elena.post(reverse("scale-new"), {"based_on": str(company.scale.pk)})
    draft = ScaleVersion.objects.get(state="draft")
    assert answer["Location"] == at("scale-edit", draft)
    assert edit(elena, draft, texts={own(company): "110/210/310"}).status_code == 200
    draft.refresh_from_db()
    changes = at("scale-changes", draft)
    assert "<del>$200, " in text(elena.get(changes))
    plan = {"note": "Sube", "when": "approved", "revision": str(draft.revision)}
    assert elena.post(at("scale-submit", draft), plan).status_code == 302
    # Their author neither approves nor publishes, on the page or past it.
    assert "scale-approve" not in text(elena.get(changes))
    seen = {"revision": str(draft.revision), "against": "1"}
    assert elena.post(at("scale-approve", draft), seen).status_code == 403
    hugo = browser(company.hugo)
    assert at("scale-approve", draft) in text(hugo.get(changes))
    assert hugo.post(at("scale-approve", draft), seen).status_code == 302
    assert hugo.post(at("scale-approve", draft), seen).status_code == 409
    assert browser(third).post(at("scale-approve", draft), seen).status_code == 302
    assert elena.post(at("scale-publish", draft)).status_code == 403
    assert hugo.post(at("scale-publish", draft)).status_code == 302
    assert "$210<" in text(browser(company.agent).get(reverse("scales")))


def test_what_was_not_seen_is_not_approved(company: Company, draft: ScaleVersion) -> None:
    submit_scale(version=draft, by=company.elena)
    hugo = browser(company.hugo)
    for seen in ({}, {"revision": "0", "against": "1"}, {"revision": "1", "against": "7"}):
        assert hugo.post(at("scale-approve", draft), seen).status_code == 409
    draft.refresh_from_db()
    assert draft.approved_by is None


def test_a_version_is_returned_with_words(company: Company, draft: ScaleVersion) -> None:
    submit_scale(version=draft, by=company.elena)
    hugo = browser(company.hugo)
    assert hugo.post(at("scale-return", draft), {"reason": " "}).status_code == 422
    assert hugo.post(at("scale-return", draft), {"reason": "Falta el tope"}).status_code == 302
    assert "Falta el tope" in text(browser(company.elena).get(at("scale-edit", draft)))


@pytest.mark.parametrize(
    "plan",
    [
        {"note": "", "when": "approved"},
        {"note": "x", "when": "date"},
        {"note": "x", "when": "date", "effective_from": "2020-01-01T10:00"},
        {"note": "x", "when": "date", "effective_from": "mañana"},
        {"note": "x", "when": "never"},
    ],
)
def test_a_plan_that_cannot_be_keeps_the_form(
    elena: Client, draft: ScaleVersion, plan: dict[str, str]
) -> None:
    answer = elena.post(at("scale-submit", draft), {**plan, "revision": str(draft.revision)})
    assert answer.status_code == 422
    draft.refresh_from_db()
    assert draft.state == "draft"


def test_a_date_is_the_markets_own(elena: Client, draft: ScaleVersion) -> None:
    day = (timezone.now() + dt.timedelta(days=40)).date()
    plan = {"note": "x", "when": "date", "effective_from": f"{day}T10:00", "revision": "1"}
    assert elena.post(at("scale-submit", draft), plan).status_code == 302
    draft.refresh_from_db()
    # Mexico City has been six hours behind UTC all year since 2022.
    assert draft.effective_from == dt.datetime.combine(day, dt.time(16), dt.UTC)


def test_a_draft_is_deleted(elena: Client, draft: ScaleVersion) -> None:
    assert elena.post(at("scale-delete", draft)).status_code == 302
    assert not ScaleVersion.objects.filter(pk=draft.pk).exists()


def test_the_way_back_starts_from_an_old_version(company: Company, elena: Client) -> None:
    first = company.scale
    company.republish("coupon", default=250_00)
    page = text(elena.get(at("scale", first)))
    assert f'name="based_on" value="{first.pk}"' in page
    elena.post(reverse("scale-new"), {"based_on": str(first.pk)})
    assert content_of(ScaleVersion.objects.get(number=3)) == content_of(first)


def test_a_passed_over_version_says_by_which(company: Company, draft: ScaleVersion) -> None:
    submit_scale(version=draft, by=company.elena)
    newer = create_draft(market=company.market, by=company.elena)
    submit_scale(version=newer, by=company.elena)
    company.approve(newer)
    publish_scale(version=newer, by=company.hugo)
    hugo = browser(company.hugo)
    page = text(hugo.get(at("scale-changes", draft)))
    assert at("scale-approve", draft) not in page
    seen = {"revision": "1", "against": "3"}
    assert hugo.post(at("scale-approve", draft), seen).status_code == 409


def test_the_yes_says_which_waiting_requests_it_ends(company: Company, draft: ScaleVersion) -> None:
    submit_scale(version=draft, by=company.elena)
    hugo = browser(company.hugo)
    page = at("scale-changes", draft)
    assert "wait for a decision" not in text(hugo.get(page))
    for _time in range(2):
        request(
            incident=company.incident(),
            offer=company.offers["large"],
            reason="Segunda falla.",
            by=company.agent,
        )
    said = text(hugo.get(page))
    assert "2 requests wait for a decision. When this version goes live they end" in said
    assert f'href="{reverse("approvals")}"' in said
    # Who wrote it says no yes.
    assert "wait for a decision" not in text(browser(company.elena).get(page))
    company.approve(draft)
    assert "2 requests wait" in text(hugo.get(page))
    publish_scale(version=draft, by=company.hugo)
    assert lapse_due() == 2
    assert "wait for a decision" not in text(hugo.get(page))


# Queries of each page beyond those of the frame around it, however much a version holds.
RECORDED = {
    "scales": 7,
    "scale": 7,
    "scale-edit": 12,
    "scale-cell": 10,
    "scale-changes": 11,
    "cells": 27,
}


def count(act: Callable[[], Any]) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert act().status_code == 200
    return len(queries)


@pytest.mark.parametrize("times", [1, 4])
def test_each_page_runs_its_recorded_number(
    company: Company, elena: Client, draft: ScaleVersion, times: int
) -> None:
    for number in range(times):
        create_draft(market=company.market, by=company.hugo)
        cells = {Cell(None, severity, "vip"): [GIFT] for severity in ("minor", "critical")}
        draft = change_cells(
            version=draft,
            cells={
                **cells,
                Cell(company.category.pk, "minor", ("", "vip", "valued", "standard")[number]): [
                    GIFT
                ],
            },
            revision=draft.revision,
            by=company.elena,
        )
    pages = {
        "scales": reverse("scales"),
        "scale": at("scale", draft),
        "scale-edit": at("scale-edit", draft),
        "scale-cell": at("scale-cell", draft, own(company)),
        "scale-changes": at("scale-changes", draft),
    }
    frame = count(lambda: elena.get(reverse("preferences")))
    ran = {name: count(partial(elena.get, page)) - frame for name, page in pages.items()}
    # An answer of the sheet has no frame: counted whole.
    ran["cells"] = count(lambda: edit(elena, draft, texts={own(company): "110/210/310"}))
    assert ran == RECORDED
