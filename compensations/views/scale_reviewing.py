"""What a version changes, and the decisions about it: submitted, returned, approved, published."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.states import Role
from accounts.workplace import Workplace
from common.errors import Refusal
from incidents.models import Category
from incidents.selectors import categories_for
from incidents.states import Segment, Severity

from ..actions import approve_scale, publish_scale, return_scale, submit_scale
from ..models import ScaleVersion
from ..scale_diff import CellChange, OfferChange
from ..scale_forms import PlanForm, ReturnForm
from ..scale_grid import SEVERITIES
from ..scale_versions import (
    INSIDERS,
    compared_with,
    difference,
    newer_decided,
    passed_over_by,
)
from ..scale_words import LABELS, Speaker
from ..selectors import waiting_in
from ..states import ScaleState
from .scale_editing import address
from .scales import frame, version_page

AMOUNTS = frozenset({"minimum", "default", "maximum"})


@dataclass(frozen=True, slots=True)
class FieldLine:
    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class OfferDifference:
    """One offer that came, went or changed, in words."""

    kind: str
    name: str
    usual: str
    conditions: list[str]
    fields: list[FieldLine]


@dataclass(frozen=True, slots=True)
class CellDifference:
    kind: str
    category: Category | None
    severity: str
    severity_label: str
    segment: str
    offers: list[OfferDifference]


def _offer(change: OfferChange, speaker: Speaker) -> OfferDifference:
    terms = change.after or change.before
    assert terms is not None
    before, after = change.before, change.after
    # The three amounts read as one.
    names = dict.fromkeys("amounts" if name in AMOUNTS else name for name in change.fields)
    lines = [
        FieldLine(
            str(LABELS[name]),
            speaker.value(before, name) if before else "",
            speaker.value(after, name) if after else "",
        )
        for name in names
    ]
    return OfferDifference(
        change.kind,
        speaker.name(terms),
        speaker.usual(terms),
        speaker.conditions(terms),
        lines,
    )


def _in_order(changes: list[CellChange], categories: list[Category]) -> list[CellChange]:
    """As the sheet has them: by category, severity, segment."""
    places = {category.pk: place for place, category in enumerate(categories, 1)}
    return sorted(
        changes,
        key=lambda change: (
            places.get(change.cell.category_id or 0, 0),
            SEVERITIES.index(change.cell.severity),
            change.cell.segment,
        ),
    )


def _page(
    request: HttpRequest,
    here: Workplace,
    version: ScaleVersion,
    *,
    status: int = 200,
    plan: PlanForm | None = None,
    back: ReturnForm | None = None,
    problem: str = "",
) -> HttpResponse:
    market = version.market
    base = compared_with(version)
    found = difference(base, version)
    categories = categories_for(market)
    by_id = {category.pk: category for category in categories}
    speaker = Speaker.of(market)
    context = frame(here, market, version)
    wrote = here.staff.pk == version.author_id or here.staff.pk in version.editors
    newer = newer_decided(version)
    waits = version.state == ScaleState.IN_REVIEW
    can_decide = context["is_finance"] and waits and not wrote
    can_publish = (
        context["is_finance"]
        and version.state == ScaleState.SCHEDULED
        and not wrote
        and newer is None
    )
    context |= {
        "base": base,
        "found": found,
        "changes": [
            CellDifference(
                change.kind,
                by_id.get(change.cell.category_id or 0),
                change.cell.severity,
                str(Severity(change.cell.severity).label),
                str(Segment(change.cell.segment).label) if change.cell.segment else "",
                [_offer(one, speaker) for one in change.offers if one.kind != "same"],
            )
            for change in _in_order(list(found.cells), categories)
        ],
        "newer": newer,
        "passed_over": passed_over_by(version) if waits else [],
        "plan": plan or PlanForm(initial={"note": version.note}),
        "back": back or ReturnForm(),
        "problem": problem,
        "wrote": wrote,
        "approved_by_me": version.approved_by_id == here.staff.pk,
        "can_submit": context["is_finance"] and version.state == ScaleState.DRAFT and newer is None,
        "can_decide": can_decide,
        "can_publish": can_publish,
        # What the yes would end, for whoever is about to say it.
        "waiting": waiting_in(market) if can_decide or can_publish else 0,
    }
    return render(request, "compensations/scale_changes.html", context, status=status)


@require_safe
@version_page(*INSIDERS)
def changes(request: HttpRequest, here: Workplace, version: ScaleVersion) -> HttpResponse:
    """What the version changes of the one that is live before it, and what may be done with it."""
    return _page(request, here, version)


def _number(request: HttpRequest, name: str) -> int:
    """A number that the form carries; one that no version has where it does not."""
    text = request.POST.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 10 else -1


@require_POST
@version_page(Role.FINANCE)
def submit(request: HttpRequest, here: Workplace, version: ScaleVersion) -> HttpResponse:
    """Sends the draft to review, with its plan."""
    form = PlanForm(request.POST)
    if not form.is_valid():
        return _page(request, here, version, status=422, plan=form)
    try:
        submit_scale(
            version=version,
            effective_from=form.cleaned_data["effective_from"],
            note=form.cleaned_data["note"],
            revision=_number(request, "revision"),
            by=here.staff,
        )
    except Refusal as refusal:
        if refusal.field in form.fields:
            form.add_error(refusal.field, str(refusal))
            return _page(request, here, version, status=refusal.status, plan=form)
        return _refused(request, here, version, refusal, plan=form)
    messages.success(request, _("Sent. Another person of finance decides."))
    return redirect(address("scale-changes", version))


def _refused(
    request: HttpRequest,
    here: Workplace,
    version: ScaleVersion,
    refusal: Refusal,
    **forms: Any,
) -> HttpResponse:
    """The page as it is now, with the reason. Raises what is about permission or existence."""
    if refusal.status in {403, 404}:
        raise refusal
    version.refresh_from_db()
    return _page(request, here, version, status=refusal.status, problem=str(refusal), **forms)


def _decide(
    request: HttpRequest,
    here: Workplace,
    version: ScaleVersion,
    act: Callable[[], ScaleVersion],
    say: Callable[[ScaleVersion], str],
) -> HttpResponse:
    try:
        row = act()
    except Refusal as refusal:
        return _refused(request, here, version, refusal)
    messages.success(request, say(row))
    return redirect(address("scale-changes", version))


@require_POST
@version_page(Role.FINANCE)
def approve(request: HttpRequest, here: Workplace, version: ScaleVersion) -> HttpResponse:
    """Approves what was seen: the draft's revision, compared with the version that was shown."""

    def say(row: ScaleVersion) -> str:
        if row.state == ScaleState.IN_REVIEW:
            return _("Approved. It is a large change: a second person has to approve it too.")
        return _("Approved.")

    return _decide(
        request,
        here,
        version,
        lambda: approve_scale(
            version=version,
            revision=_number(request, "revision"),
            against=_number(request, "against"),
            by=here.staff,
        ),
        say,
    )


@require_POST
@version_page(Role.FINANCE)
def send_back(request: HttpRequest, here: Workplace, version: ScaleVersion) -> HttpResponse:
    """Returns the version to its author with the reason."""
    form = ReturnForm(request.POST)
    if not form.is_valid():
        return _page(request, here, version, status=422, back=form)
    try:
        return_scale(version=version, reason=form.cleaned_data["reason"], by=here.staff)
    except Refusal as refusal:
        return _refused(request, here, version, refusal, back=form)
    messages.success(request, _("Returned to its author."))
    return redirect(address("scale-changes", version))


@require_POST
@version_page(Role.FINANCE)
def publish(request: HttpRequest, here: Workplace, version: ScaleVersion) -> HttpResponse:
    """Makes the version live now."""
    return _decide(
        request,
        here,
        version,
        lambda: publish_scale(version=version, by=here.staff),
        lambda row: _("Version %(number)s is live.") % {"number": row.number},
    )
