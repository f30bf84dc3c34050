"""Shapes of what finance writes about the scale: a change of the grid, an offer, a plan, a reason.

Amounts are read strictly as the market writes them. Whether terms are in bounds is said by the
action, and put beside the field it speaks of.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from django import forms
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from accounts.models import Location, Market
from common.errors import InvalidInput
from common.money import format_money, parse_money

from .scale_cells import read
from .scale_content import MOST_OFFERS, Cell, Offers, OfferTerms, Problem, read_key
from .scale_refusals import CellsRefused
from .scale_words import percent, read_percent
from .states import Basis, OfferKind

MOST_BODY = 600_000


# --- the grid ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class GridChange:
    """What the grid asks for: whole cells, on a revision of the draft."""

    cells: Mapping[Cell, Offers]
    revision: int


def _not_a_change() -> InvalidInput:
    return InvalidInput(_now("This change cannot be read. Reload the page."))


def _key(text: object) -> Cell:
    cell = read_key(text) if isinstance(text, str) else None
    if cell is None:
        raise _not_a_change()
    return cell


_KINDS: dict[Any, tuple[type, ...]] = {
    str: (str,),
    int: (int,),
    bool: (bool,),
    int | None: (int, type(None)),
    tuple[str, ...]: (list,),
}


def _terms(row: object) -> OfferTerms:
    """One offer as `OfferTerms.as_json` wrote it, each value of its own kind."""
    if not isinstance(row, dict):
        raise _not_a_change()
    kinds = {field.name: _KINDS[field.type] for field in fields(OfferTerms)}
    if set(row) != set(kinds):
        raise _not_a_change()
    for name, value in row.items():
        if not isinstance(value, kinds[name]) or (
            isinstance(value, bool) and bool not in kinds[name]
        ):
            raise _not_a_change()
        if isinstance(value, int) and abs(value) > 10**15:
            raise _not_a_change()
    places = row["usable_at"]
    if not all(isinstance(code, str) for code in places):
        raise _not_a_change()
    return OfferTerms(**{**row, "usable_at": tuple(sorted(places))})


def read_change(body: bytes, content: Mapping[Cell, Offers], market: Market) -> GridChange:
    """The change in a request of the grid.

    `{"revision": 4, "texts": {cell: "180/240/300"}, "offers": {cell: [...]}, "copy": {cell: from},
    "clear": [cell]}`; each part may be missing. Raises InvalidInput, CellsRefused.
    """
    try:
        data = json.loads(body) if len(body) <= MOST_BODY else None
    except ValueError:
        data = None
    if not isinstance(data, dict) or type(data.get("revision")) is not int:
        raise _not_a_change()
    cells: dict[Cell, Offers] = {}
    refused: dict[Cell, list[Problem]] = {}
    for key, text in _part(data, "texts").items():
        cell = _key(key)
        try:
            cells[cell] = read(str(text), content.get(cell, ()), market)
        except InvalidInput as problem:
            refused[cell] = [Problem(0, "amounts", str(problem))]
    if refused:
        raise CellsRefused(refused)
    for key, rows in _part(data, "offers").items():
        if not isinstance(rows, list) or len(rows) > MOST_OFFERS:
            raise _not_a_change()
        cells[_key(key)] = tuple(_terms(row) for row in rows)
    for key, source in _part(data, "copy").items():
        cells[_key(key)] = content.get(_key(source), ())
    cleared = data.get("clear") or []
    if not isinstance(cleared, list):
        raise _not_a_change()
    for key in cleared:
        cells[_key(key)] = ()
    if not cells:
        raise _not_a_change()
    return GridChange(cells, data["revision"])


def _part(data: Mapping[str, Any], name: str) -> dict[str, Any]:
    part = data.get(name) or {}
    if not isinstance(part, dict):
        raise _not_a_change()
    return part


# --- the offers of one cell -------------------------------------------------------------------

# Fields of a form whose name in the action's words is another.
FIELDS = {
    "expected_cost_bp": "expected_cost",
    "cap_minor": "cap",
    "approval_from_minor": "approval_from",
    "amounts": "default",
}


NAMES = _("Write the name in both languages: customers read theirs.")


class OfferForm(forms.Form):
    """One offer as finance types it; `terms()` is what it says."""

    kind = forms.ChoiceField(label=_("Kind"), choices=OfferKind.choices)
    name_es = forms.CharField(
        label=_("Name in Spanish"), max_length=80, error_messages={"required": NAMES}
    )
    name_en = forms.CharField(
        label=_("Name in English"), max_length=80, error_messages={"required": NAMES}
    )
    basis = forms.ChoiceField(
        label=_("Basis"), choices=Basis.choices, widget=forms.RadioSelect, initial=Basis.FIXED
    )
    minimum = forms.CharField(label=_("Lowest"), max_length=30, required=False)
    default = forms.CharField(label=_("Usual"), max_length=30)
    maximum = forms.CharField(label=_("Highest"), max_length=30, required=False)
    cap = forms.CharField(label=_("Never above"), max_length=30, required=False)
    expected_cost = forms.CharField(label=_("Expected cost"), max_length=12, required=False)
    validity_days = forms.IntegerField(label=_("Valid for, days"), required=False)
    per_customer = forms.IntegerField(label=_("Times per customer"), required=False)
    per_customer_days = forms.IntegerField(label=_("Counted over, days"), required=False)
    approval_from = forms.CharField(label=_("Approval from"), max_length=30, required=False)
    is_statutory = forms.BooleanField(label=_("Owed by law"), required=False)
    usable_at = forms.MultipleChoiceField(
        label=_("Only usable in"), required=False, widget=forms.CheckboxSelectMultiple
    )
    terms_es = forms.CharField(
        label=_("Terms in Spanish"),
        max_length=400,
        required=False,
        widget=forms.Textarea({"rows": 2}),
    )
    terms_en = forms.CharField(
        label=_("Terms in English"),
        max_length=400,
        required=False,
        widget=forms.Textarea({"rows": 2}),
    )

    def __init__(
        self, *args: Any, market: Market, locations: Sequence[Location], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.market = market
        places = self.fields["usable_at"]
        assert isinstance(places, forms.MultipleChoiceField)
        places.choices = [(place.code, place.name) for place in locations]
        for name in ("minimum", "default", "maximum", "cap", "expected_cost", "approval_from"):
            self.fields[name].widget.attrs.update({"inputmode": "decimal", "autocomplete": "off"})

    def _amount(self, name: str, *, share: bool = False) -> int | None:
        """An amount in minor units, or a share in basis points; None where nothing is written."""
        text = str(self.cleaned_data.get(name) or "").strip()
        if not text:
            return None
        try:
            if share:
                return read_percent(text, self.market.locale)
            return parse_money(text, self.market.currency, self.market.locale)
        except InvalidInput as refusal:
            self.add_error(name, str(refusal))
            return None

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        share = data.get("basis") == Basis.PERCENT
        usual = self._amount("default", share=share)
        low, high = (self._amount(name, share=share) for name in ("minimum", "maximum"))
        data["amounts"] = (
            usual if low is None else low,
            usual,
            usual if high is None else high,
        )
        data["cap_minor"] = self._amount("cap")
        data["approval_from_minor"] = self._amount("approval_from")
        data["expected_cost_bp"] = self._amount("expected_cost", share=True)
        return data

    def terms(self) -> OfferTerms:
        """What a valid form says."""
        data = self.cleaned_data
        low, usual, high = data["amounts"]
        return OfferTerms(
            kind=data["kind"],
            name_es=data["name_es"].strip(),
            name_en=data["name_en"].strip(),
            minimum=low,
            default=usual,
            maximum=high,
            terms_es=data["terms_es"].strip(),
            terms_en=data["terms_en"].strip(),
            basis=data["basis"],
            cap_minor=data["cap_minor"],
            expected_cost_bp=(
                10_000 if data["expected_cost_bp"] is None else data["expected_cost_bp"]
            ),
            validity_days=90 if data["validity_days"] is None else data["validity_days"],
            usable_at=tuple(sorted(data["usable_at"])),
            per_customer=data["per_customer"] or 0,
            per_customer_days=data["per_customer_days"] or 0,
            approval_from_minor=data["approval_from_minor"],
            is_statutory=data["is_statutory"],
        )


def offer_initial(terms: OfferTerms, market: Market) -> dict[str, Any]:
    """The form's values for an offer, written as the market writes them."""

    def money(minor: int | None) -> str:
        return "" if minor is None else format_money(minor, market.currency, market.locale)

    def one(value: int) -> str:
        return percent(value, market.locale) if terms.is_share else money(value)

    return {
        **terms.as_json(),
        "minimum": one(terms.minimum),
        "default": one(terms.default),
        "maximum": one(terms.maximum),
        "cap": money(terms.cap_minor),
        "approval_from": money(terms.approval_from_minor),
        "expected_cost": percent(terms.expected_cost_bp, market.locale),
        "per_customer": terms.per_customer or None,
        "per_customer_days": terms.per_customer_days or None,
    }


# --- plans and reasons ------------------------------------------------------------------------

AT_ONCE, ON_A_DATE = "approved", "date"


class PlanForm(forms.Form):
    """What the change is for, and when it comes into force, in the market's local time."""

    note = forms.CharField(
        label=_("What changes and why"),
        max_length=500,
        widget=forms.Textarea({"rows": 3}),
        error_messages={"required": _("Say it to whoever has to approve it.")},
    )
    when = forms.ChoiceField(
        label=_("In force"),
        choices=[(AT_ONCE, _("As soon as it is approved")), (ON_A_DATE, _("From a date"))],
        widget=forms.RadioSelect,
        initial=AT_ONCE,
    )
    effective_from = forms.DateTimeField(
        label=_("From"),
        required=False,
        widget=forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M"],
    )

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        if data.get("when") == AT_ONCE:
            data["effective_from"] = None
            self.errors.pop("effective_from", None)
        elif "effective_from" not in self.errors and data.get("effective_from") is None:
            self.add_error("effective_from", _("Choose the date and the hour."))
        return data


class ReturnForm(forms.Form):
    reason = forms.CharField(
        label=_("What has to change"),
        max_length=500,
        widget=forms.Textarea({"rows": 3}),
        error_messages={"required": _("Write what has to change.")},
    )
