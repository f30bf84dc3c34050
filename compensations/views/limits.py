"""Limits: who stands where, where each comes from, what is proposed, and the second person's word.

Nothing here decides: what may be seen comes from `limit_rights`, what may be done from the actions.
"""

import uuid
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import Staff
from accounts.states import Role
from accounts.workplace import Workplace, workplace_page
from common.errors import NotAllowed, NotFound, Refusal
from common.folding import Fold
from incidents.states import Segment

from .. import standing
from ..actions import confirm_limit, propose_limit, reject_limit, retire_limit, withdraw_limit
from ..forms import LimitForm, WhyForm
from ..limit_rights import (
    CHANGERS,
    READERS,
    check_change,
    may_change,
    may_decide,
    visible_limit_teams,
    visible_limits,
    visible_people,
)
from ..limit_words import (
    BOUNDS,
    cap_words,
    difference_words,
    kind_words,
    source_words,
    target_words,
)
from ..models import IssuanceLimit
from ..states import LimitScope, LimitState, LimitWindow, Measure

# People of one page: beyond that, a team or a name narrows them.
PEOPLE = 100
ROLES = (Role.AGENT, Role.SUPERVISOR)
SCOPES = list(LimitScope.values)
WINDOWS = (LimitWindow.DAY, LimitWindow.WEEK, LimitWindow.MONTH)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else None


@require_safe
@workplace_page(*READERS)
def limits(request: HttpRequest, here: Workplace) -> HttpResponse:
    """What waits for a second person, then people and teams by how near their limits they are."""
    text = request.GET.get("q", "").strip()
    teams = list(visible_limit_teams(here.staff, here.market).order_by(Fold("name")))
    chosen = next((row for row in teams if str(row.pk) == request.GET.get("team")), None)
    people = visible_people(here.staff, here.market).select_related("team")
    if chosen is not None:
        people = people.filter(team=chosen)
    if text:
        people = people.filter(name__icontains=text)
    rows = standing.people_standings(list(people), here.market)
    near = [row for row in rows if row.tightest and row.tightest.is_near]
    only_near = request.GET.get("near") == "1"
    return render(
        request,
        "compensations/limits.html",
        {
            "here": here,
            "tab": "people",
            "proposals": proposals(here),
            "rows": (near if only_near else rows)[:PEOPLE],
            "found": len(near) if only_near else len(rows),
            "near": len(near),
            "only_near": only_near,
            "most": PEOPLE,
            "text": text,
            "teams": teams,
            "chosen": chosen,
            "budgets": standing.team_standings([chosen] if chosen else teams, here.market),
            "may_propose": here.holds(*CHANGERS),
            "is_finance": here.holds(Role.FINANCE),
        },
    )


@require_safe
@workplace_page(*READERS)
def general(request: HttpRequest, here: Workplace) -> HttpResponse:
    """The limits that hold for everybody, and those of roles and segments."""
    return render(
        request,
        "compensations/limits_general.html",
        {
            "here": here,
            "tab": "general",
            "proposals": proposals(here),
            "groups": [(BOUNDS[scope], rows) for scope, rows in standing.bounds(here.market)],
            "is_finance": here.holds(Role.FINANCE),
        },
    )


def proposals(here: Workplace) -> list[dict[str, Any]]:
    """What waits for a second person in this market, oldest first, with the difference in words."""
    waiting = visible_limits(here.staff).filter(market=here.market, state=LimitState.PROPOSED)
    rows = list(waiting.order_by("proposed_at", "pk"))
    now = standing.in_force(here.market) if rows else []
    return [_proposal(row, now, here.staff) for row in rows]


def _proposal(limit: IssuanceLimit, now: list[IssuanceLimit], by: Staff) -> dict[str, Any]:
    current = standing.compared_with(limit, now)
    replaced = current.pk if current and _same_target(limit, current) else None
    return {
        "limit": limit,
        "who": target_words(limit),
        "what": kind_words(limit.scope, limit.window, limit.measure),
        "difference": difference_words(limit, current),
        "source": source_words(current) if current else "",
        "raises": current is None or limit.cap > current.cap,
        "is_own": limit.proposed_by_id == by.pk,
        "is_stale": replaced != limit.replaces_id,
        "decidable": may_decide(limit, by),
    }


def _same_target(one: IssuanceLimit, other: IssuanceLimit) -> bool:
    names = ("for_staff_id", "for_team_id", "for_role", "for_segment")
    return all(getattr(one, name) == getattr(other, name) for name in names)


@require_safe
@workplace_page(*READERS)
def person(request: HttpRequest, here: Workplace, pk: uuid.UUID) -> HttpResponse:
    """Every limit that a grant by this person would meet, and where each comes from."""
    who = _person(here, pk)
    rows = sorted(
        standing.standings_of(who, here.market),
        key=lambda row: (
            SCOPES.index(row.limit.scope),
            list(LimitWindow).index(LimitWindow(row.limit.window)),
            row.limit.measure,
        ),
    )
    return render(
        request,
        "compensations/limits_person.html",
        {
            "here": here,
            "who": who,
            "rows": [
                {
                    "row": row,
                    "what": BOUNDS[row.limit.scope],
                    "instead_of": cap_words(row.instead_of) if row.instead_of else "",
                    "changeable": row.limit.scope in standing.OWN and _changes(here, who),
                    "depends": row.limit.scope in {LimitScope.CUSTOMER, LimitScope.INCIDENT},
                }
                for row in rows
            ],
            "may_propose": _changes(here, who),
            "is_self": who.pk == here.staff.pk,
            "past": _past_of(here, who),
        },
    )


def _changes(here: Workplace, who: Staff) -> bool:
    """Whether the page should offer to propose a limit for this person."""
    try:
        check_change(market=here.market, for_staff=who, for_team=None, by=here.staff)
    except NotAllowed:
        return False
    return True


def _past_of(here: Workplace, who: Staff) -> list[dict[str, Any]]:
    """Every limit there was for this person alone, newest first."""
    rows = visible_limits(here.staff).filter(market=here.market, for_staff=who)
    return _stories(list(rows.order_by("-proposed_at", "-pk")))


def _stories(past: list[IssuanceLimit]) -> list[dict[str, Any]]:
    reasons = standing.ending_reasons(past)
    return [
        {
            "limit": row,
            "what": kind_words(row.scope, row.window, row.measure),
            "cap": cap_words(row),
            "ended_because": reasons.get(row.pk, ""),
        }
        for row in past
    ]


@require_safe
@workplace_page(*READERS)
def limit(request: HttpRequest, here: Workplace, pk: int) -> HttpResponse:
    """One limit: for whom, since when, by which two people, and all that came before it."""
    return _limit_page(request, here, _limit(here, pk))


def _limit_page(
    request: HttpRequest,
    here: Workplace,
    row: IssuanceLimit,
    *,
    form: WhyForm | None = None,
    refused: str = "",
    status: int = 200,
) -> HttpResponse:
    now = standing.in_force(here.market)
    changeable = row.state == LimitState.IN_FORCE and may_change(row, here.staff)
    wider = standing.compared_with(row, [one for one in now if one.pk != row.pk])
    return render(
        request,
        "compensations/limit.html",
        {
            "here": here,
            "limit": row,
            "who": target_words(row),
            "what": kind_words(row.scope, row.window, row.measure),
            "cap": cap_words(row),
            "proposal": _proposal(row, now, here.staff)
            if row.state == LimitState.PROPOSED
            else None,
            "changeable": changeable,
            "liftable": changeable
            and here.holds(Role.FINANCE)
            and row.proposed_by_id != here.staff.pk
            and wider is not None
            and wider.cap <= row.cap,
            "wider": cap_words(wider) if wider else "",
            "form": form or WhyForm(),
            "refused": refused,
            "past": _stories(standing.history_of(row)),
        },
        status=status,
    )


def _limit(here: Workplace, pk: int) -> IssuanceLimit:
    row = visible_limits(here.staff).filter(market=here.market, pk=pk).first()
    if row is None:
        raise NotFound
    return row


def _person(here: Workplace, pk: uuid.UUID) -> Staff:
    row = visible_people(here.staff, here.market).select_related("team").filter(pk=pk).first()
    if row is None:
        raise NotFound
    return row


@require_http_methods(["GET", "HEAD", "POST"])
@workplace_page(*CHANGERS)
def propose(request: HttpRequest, here: Workplace) -> HttpResponse:
    """A limit to propose: for what the address names, or for what finance chooses."""
    asked = _asked(request, here)
    form = LimitForm(
        request.POST or None,
        market=here.market,
        kinds=asked["kinds"],
        targets=asked["targets"],
    )
    if form.is_valid() and _propose(request, here, form, asked["given"]):
        return redirect("limits")
    return render(
        request,
        "compensations/limit_propose.html",
        {"here": here, "form": form, **asked},
        status=422 if form.is_bound else 200,
    )


def _asked(request: HttpRequest, here: Workplace) -> dict[str, Any]:
    """What the address names: a limit to change, a person or a team to have one of their own."""
    source = who = team = None
    if (number := _named(request, "limit", _number)) is not None:
        source = _limit(here, number)
        if source.state != LimitState.IN_FORCE:
            raise Http404
    if (key := _named(request, "person", _uuid)) is not None:
        who = _person(here, key)
    if (number := _named(request, "team", _number)) is not None:
        team = visible_limit_teams(here.staff, here.market).filter(pk=number).first()
        if team is None:
            raise Http404
    given: dict[str, Any] = {}
    targets: list[tuple[str, str]] = []
    if who is not None:
        given["for_staff"] = who
    elif team is not None:
        given["for_team"] = team
    elif source is not None:
        given = {
            "for_staff": source.for_staff,
            "for_team": source.for_team,
            "for_role": source.for_role,
            "for_segment": source.for_segment,
        }
    else:
        targets = _targets()
    check_change(
        market=here.market,
        for_staff=given.get("for_staff"),
        for_team=given.get("for_team"),
        by=here.staff,
    )
    kinds = _kinds(source, given)
    return {
        "given": given,
        "targets": targets or [("", _("Everybody"))],
        "kinds": kinds,
        "what": kinds[0][1] if len(kinds) == 1 else "",
        "who": _who(given),
        "now": cap_words(source) if source else "",
        "source": source_words(source) if source else "",
        "counts": source is not None and source.measure == Measure.COUNT,
    }


def _named(request: HttpRequest, name: str, read: Callable[[str], Any]) -> Any:
    """The value that the address gives, None where it gives none. Raises Http404 for no value."""
    text = request.GET.get(name, "")
    if not text:
        return None
    value = read(text)
    if value is None:
        raise Http404
    return value


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _who(given: dict[str, Any]) -> str:
    if not any(given.values()):
        return ""
    return target_words(IssuanceLimit(**given))


def _kinds(source: IssuanceLimit | None, given: dict[str, Any]) -> list[tuple[str, str]]:
    """What may be bounded for the target, named."""
    if source is not None:
        kinds = [(source.scope, source.window, source.measure)]
    elif given.get("for_staff") is not None:
        kinds = [
            (LimitScope.GRANT, LimitWindow.EACH, Measure.AMOUNT),
            *((LimitScope.AGENT, window, measure) for measure in Measure for window in WINDOWS),
        ]
    elif given.get("for_team") is not None:
        kinds = [(LimitScope.TEAM, window, measure) for measure in Measure for window in WINDOWS]
    else:
        kinds = [
            (LimitScope.GRANT, LimitWindow.EACH, Measure.AMOUNT),
            (LimitScope.INCIDENT, LimitWindow.EACH, Measure.AMOUNT),
            (LimitScope.INCIDENT, LimitWindow.EACH, Measure.COUNT),
            *(
                (scope, window, measure)
                for scope in LimitScope
                if scope not in {LimitScope.GRANT, LimitScope.INCIDENT}
                for measure in Measure
                for window in WINDOWS
            ),
        ]
    return [(".".join(map(str, kind)), kind_words(*map(str, kind))) for kind in kinds]


def _targets() -> list[tuple[str, str]]:
    return [
        ("", _("Everybody")),
        *((f"for_role={role}", _("Role: %(name)s") % {"name": role.label}) for role in ROLES),
        *(
            (f"for_segment={segment}", _("Segment: %(name)s") % {"name": segment.label})
            for segment in Segment
        ),
    ]


def _propose(request: HttpRequest, here: Workplace, form: LimitForm, given: dict[str, Any]) -> bool:
    """Whether the proposal was taken; else its refusal is beside the field it speaks of."""
    data = form.cleaned_data
    scope, window, measure = data["kind"]
    name, _equals, value = data["target"].partition("=")
    target = {name: value} if name else given
    try:
        propose_limit(
            market=here.market,
            scope=LimitScope(scope),
            window=LimitWindow(window),
            measure=Measure(measure),
            cap=data["cap"],
            reason=data["reason"],
            by=here.staff,
            **target,
        )
    except NotAllowed:
        raise
    except Refusal as refusal:
        form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
        return False
    messages.success(request, _("Proposed. It holds once another person has confirmed it."))
    return True


Act = Callable[[IssuanceLimit, str], object]


def _act(
    request: HttpRequest, here: Workplace, pk: int, act: Act, done: str, *, why: bool
) -> HttpResponse:
    """Runs an act on a limit; what is refused is said on the limit's page."""
    row = _limit(here, pk)
    form = WhyForm(request.POST) if why else None
    if form is not None and not form.is_valid():
        return _limit_page(request, here, row, form=form, status=422)
    try:
        act(row, form.cleaned_data["reason"] if form else "")
    except (NotAllowed, NotFound):
        raise
    except Refusal as refusal:
        row = _limit(here, pk)
        return _limit_page(request, here, row, refused=str(refusal), status=refusal.status)
    messages.success(request, done)
    return redirect("limits")


@require_POST
@workplace_page(*CHANGERS)
def confirm(request: HttpRequest, here: Workplace, pk: int) -> HttpResponse:
    """The second person's yes."""
    return _act(
        request,
        here,
        pk,
        lambda row, _why: confirm_limit(limit=row, by=here.staff),
        _("In force. It holds from the next grant on."),
        why=False,
    )


@require_POST
@workplace_page(*CHANGERS)
def reject(request: HttpRequest, here: Workplace, pk: int) -> HttpResponse:
    """The second person's no, with its reason."""
    return _act(
        request,
        here,
        pk,
        lambda row, why: reject_limit(limit=row, reason=why, by=here.staff),
        _("Rejected. The limit stays as it was."),
        why=True,
    )


@require_POST
@workplace_page(*CHANGERS)
def withdraw(request: HttpRequest, here: Workplace, pk: int) -> HttpResponse:
    """Takes one's own proposal back."""
    return _act(
        request,
        here,
        pk,
        lambda row, _why: withdraw_limit(limit=row, by=here.staff),
        _("Withdrawn. Nothing has changed."),
        why=False,
    )


@require_POST
@workplace_page(Role.FINANCE)
def lift(request: HttpRequest, here: Workplace, pk: int) -> HttpResponse:
    """Ends a limit of its own target; the general one, which is not wider, holds again."""
    row = _limit(here, pk)
    if not here.staff.has_role(row.market, Role.FINANCE):
        raise PermissionDenied
    return _act(
        request,
        here,
        pk,
        lambda row, why: retire_limit(limit=row, reason=why, by=here.staff),
        _("Lifted. The general limit holds again."),
        why=True,
    )
