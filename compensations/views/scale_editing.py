"""Finance writes a draft: opened from a version, changed in the grid or offer by offer, deleted."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import Location
from accounts.states import Role
from accounts.workplace import Workplace, workplace_page
from common.errors import InvalidInput, NotFound, Refusal, Stale
from incidents.models import Category
from incidents.states import Segment, Severity

from ..actions import change_cells, create_draft, delete_draft
from ..models import ScaleVersion
from ..scale_content import MOST_OFFERS, Cell, Offers, content_of, read_key
from ..scale_forms import FIELDS, OfferForm, offer_initial, read_change
from ..scale_grid import Grid, line_of, sheet
from ..scale_refusals import CellsRefused
from ..scale_versions import compared_with, newer_decided, visible_scales
from ..scale_words import Speaker
from ..states import ScaleState
from .scales import frame, segment_in, segment_tabs, version_page

_get_or_post = require_http_methods(["GET", "HEAD", "POST"])


def address(name: str, version: ScaleVersion) -> str:
    return reverse(name, args=[version.market.code, version.number])


@require_POST
@workplace_page(Role.FINANCE)
def draft_new(request: HttpRequest, here: Workplace) -> HttpResponse:
    """Opens a draft from the live version, or from the one that is named."""
    based_on = None
    named = request.POST.get("based_on", "")
    if named:
        if not named.isdecimal() or len(named) > 15:
            raise NotFound
        rows = visible_scales(here.staff).filter(market__in=here.markets)
        based_on = rows.filter(pk=int(named)).first()
        if based_on is None:
            raise NotFound
    market = based_on.market if based_on is not None else here.market
    draft = create_draft(market=market, based_on=based_on, by=here.staff)
    return redirect(address("scale-edit", draft))


def _grid(request: HttpRequest, version: ScaleVersion, base: ScaleVersion | None) -> Grid:
    page = sheet(
        version.market,
        content_of(version),
        base=content_of(base) if base is not None else {},
        segment=segment_in(request),
    )
    return page.build(all_subs=request.GET.get("subs") == "all")


def _summary(grid: Grid) -> str:
    changed = ngettext("%(count)s cell changed", "%(count)s cells changed", grid.changed)
    words = [changed % {"count": grid.changed}]
    if grid.holes:
        holes = ngettext("%(count)s hole", "%(count)s holes", grid.holes)
        words.append(holes % {"count": grid.holes})
    return " · ".join(words)


@require_safe
@version_page(Role.FINANCE)
def edit(request: HttpRequest, here: Workplace, version: ScaleVersion) -> HttpResponse:
    """The draft as a sheet."""
    if version.state != ScaleState.DRAFT:
        return redirect(address("scale", version))
    base = compared_with(version)
    grid = _grid(request, version, base)
    every = {key: request.GET[key] for key in ("segment",) if request.GET.get(key)}
    if request.GET.get("subs") != "all":
        every["subs"] = "all"
    return render(
        request,
        "compensations/scale_edit.html",
        {
            **frame(here, version.market, version),
            "grid": grid,
            "summary": _summary(grid),
            "tabs": segment_tabs(request, grid),
            "segment": segment_in(request),
            "all_subs": request.GET.get("subs") == "all",
            "other_subs_url": f"{request.path}?{urlencode(every)}",
            "cells_url": f"{address('scale-cells', version)}?{request.GET.urlencode()}",
            "base": base,
            "newer": newer_decided(version),
        },
    )


def _answer(
    request: HttpRequest,
    version: ScaleVersion,
    status: int,
    message: str,
    **more: Any,
) -> JsonResponse:
    """The grid's rows as they stand, the draft's revision and what to say."""
    grid = _grid(request, version, compared_with(version))
    rows = render_to_string(
        "compensations/_scale_rows.html",
        {
            "grid": grid,
            "version": version,
            "market": version.market,
            "segment": segment_in(request),
        },
        request,
    )
    body = {
        "revision": version.revision,
        "rows": rows,
        "summary": _summary(grid),
        "message": message,
        **more,
    }
    return JsonResponse(body, status=status)


@require_POST
@version_page(Role.FINANCE)
def cells(request: HttpRequest, here: Workplace, version: ScaleVersion) -> HttpResponse:
    """One change of the grid: amounts typed or pasted, cells copied, emptied or put back.

    Answers the rows anew; a refusal says which cells, and leaves what was typed to the page.
    """
    before = content_of(version)
    try:
        change = read_change(request.body, before, version.market)
        after = change_cells(
            version=version, cells=change.cells, revision=change.revision, by=here.staff
        )
    except CellsRefused as refusal:
        return JsonResponse(
            {"message": _first(refusal), "cells": list(refusal.extra["cells"])},
            status=refusal.status,
        )
    except InvalidInput as refusal:
        return JsonResponse({"message": str(refusal), "cells": []}, status=refusal.status)
    except Stale as refusal:
        version.refresh_from_db()
        return _answer(
            request, version, refusal.status, str(refusal), changes=refusal.extra["changes"]
        )
    except Refusal as refusal:
        if refusal.status in {403, 404}:
            raise
        return JsonResponse({"message": str(refusal), "cells": []}, status=refusal.status)
    return _answer(request, after, 200, _("Saved"), before=_as_json(change.cells, before))


def _first(refusal: CellsRefused) -> str:
    return next(iter(refusal.found.values()))[0].words


def _as_json(cells: Mapping[Cell, Offers], before: Mapping[Cell, Offers]) -> dict[str, Any]:
    """What the changed cells held, for undoing."""
    return {cell.key: [terms.as_json() for terms in before.get(cell, ())] for cell in cells}


# --- the offers of one cell -------------------------------------------------------------------


class _OfferForms:
    """The forms of a cell's offers, in order, as typed or as they stand."""

    def __init__(self, request: HttpRequest, version: ScaleVersion, offers: Offers) -> None:
        self.market = version.market
        self.locations = list(Location.objects.filter(market=version.market))
        self.forms: list[OfferForm]
        if request.method == "POST":
            count = request.POST.get("count", "")
            number = min(int(count), MOST_OFFERS) if count.isdecimal() and len(count) < 4 else 0
            self.forms = [self._form(place, request.POST) for place in range(number)]
        else:
            self.forms = [
                self._form(place, None, offer_initial(terms, version.market))
                for place, terms in enumerate(offers)
            ]

    def _form(
        self, place: int, data: Any = None, initial: dict[str, Any] | None = None
    ) -> OfferForm:
        return OfferForm(
            data,
            prefix=f"o{place}",
            initial=initial,
            market=self.market,
            locations=self.locations,
        )

    def act(self, do: str) -> bool:
        """Adds, removes or moves an offer as a button asked; whether one did."""
        name, _mark, place = do.partition("-")
        at = int(place) if place.isdecimal() and len(place) < 4 else -1
        rows: list[Mapping[str, Any]] = [self._typed(form) for form in self.forms]
        if name == "add" and len(rows) < MOST_OFFERS:
            rows.append({"validity_days": 90, "basis": "fixed"})
        elif name == "remove" and 0 <= at < len(rows):
            del rows[at]
        elif name == "up" and 0 < at < len(rows):
            rows[at - 1], rows[at] = rows[at], rows[at - 1]
        else:
            return False
        self.forms = [self._form(place, None, dict(row)) for place, row in enumerate(rows)]
        return True

    def _typed(self, form: OfferForm) -> dict[str, Any]:
        """What stands in a form, unchecked."""
        return {
            name: field.widget.value_from_datadict(form.data, form.files, form.add_prefix(name))
            for name, field in form.fields.items()
        }

    def valid(self) -> bool:
        # Every form is asked, so that every field that needs a person is marked.
        answers = [form.is_valid() for form in self.forms]
        return all(answers)

    def refuse(self, refusal: CellsRefused) -> None:
        """Puts each problem beside its field."""
        for listed in refusal.found.values():
            for problem in listed:
                if problem.place < len(self.forms):
                    form = self.forms[problem.place]
                    name = FIELDS.get(problem.field, problem.field)
                    form.add_error(name if name in form.fields else None, problem.words)


def _cell(version: ScaleVersion, key: str) -> tuple[Cell, Category | None]:
    found = read_key(key)
    if found is None or found.severity not in Severity.values:
        raise Http404
    if found.segment and found.segment not in Segment.values:
        raise Http404
    if found.category_id is None:
        return found, None
    rows = Category.objects.select_related("parent").filter(market=version.market)
    category = rows.filter(pk=found.category_id).first()
    if category is None:
        raise Http404
    return found, category


@_get_or_post
@version_page(Role.FINANCE)
def cell(request: HttpRequest, here: Workplace, version: ScaleVersion, key: str) -> HttpResponse:
    """The offers of one cell of a draft."""
    place, category = _cell(version, key)
    if version.state != ScaleState.DRAFT:
        return redirect(address("scale", version))
    offers = content_of(version).get(place, ())
    forms = _OfferForms(request, version, offers)
    status, problem, revision = 200, "", version.revision
    do = request.POST.get("do", "save")
    if request.method == "POST" and not forms.act(do):
        revision = _revision(request)
        if not forms.valid():
            status = 422
        else:
            try:
                change_cells(
                    version=version,
                    cells={place: [form.terms() for form in forms.forms]},
                    revision=revision,
                    by=here.staff,
                )
            except CellsRefused as refusal:
                forms.refuse(refusal)
                status = refusal.status
            except Stale as refusal:
                # What was typed stays; saving again is then on what is shown now.
                problem, status = str(refusal), refusal.status
                revision = int(refusal.extra["revision"])
            except Refusal as refusal:
                if refusal.status in {403, 404}:
                    raise
                problem, status = str(refusal), refusal.status
            else:
                messages.success(request, _("Saved"))
                query = urlencode({"segment": place.segment})
                return redirect(f"{address('scale-edit', version)}?{query}#cell-{place.key}")
    elif request.method == "POST":
        revision = _revision(request)
    base = compared_with(version)
    speaker = Speaker.of(version.market)
    was = content_of(base).get(place, ()) if base is not None else ()
    return render(
        request,
        "compensations/scale_cell.html",
        {
            "market": version.market,
            "market_locale": version.market.locale,
            "version": version,
            "category": category,
            "cell": place,
            "severity": place.severity,
            "segment_label": Segment(place.segment).label if place.segment else "",
            "forms": forms.forms,
            "was": [line_of(terms, speaker) for terms in was],
            "now": [line_of(terms, speaker) for terms in offers] if status == 409 else [],
            "problem": problem,
            "revision": revision,
            "full": len(forms.forms) >= MOST_OFFERS,
        },
        status=status,
    )


def _revision(request: HttpRequest) -> int:
    text = request.POST.get("revision", "")
    return int(text) if text.isdecimal() and len(text) < 10 else -1


@require_POST
@version_page(Role.FINANCE)
def delete(request: HttpRequest, here: Workplace, version: ScaleVersion) -> HttpResponse:
    """Throws a draft away."""
    try:
        delete_draft(version=version, by=here.staff)
    except Refusal as refusal:
        if refusal.status in {403, 404}:
            raise
        messages.error(request, str(refusal))
        return redirect(address("scale", version))
    messages.success(request, _("The draft is gone. Its trail stays."))
    return redirect("scales")
