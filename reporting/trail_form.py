"""What the address of the trail may hold. What cannot be read is left out, not refused."""

import datetime as dt
from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from common.ordered import OrderedForm

from .selectors.trail import Markets
from .trail_words import SENTENCES, act_name, kind_name


def _acts() -> list[tuple[str, list[tuple[str, str]]]]:
    """Every known act, under what it is done to."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for act in SENTENCES:
        groups.setdefault(act.split(".")[0], []).append((act, act_name(act)))
    return [(kind_name(kind).capitalize(), acts) for kind, acts in groups.items()]


class TrailForm(OrderedForm):
    """The filters of the trail, in the order in which they are shown."""

    DAYS = {"since": "until"}

    thing = forms.CharField(
        label=lazy("Case, object or row"),
        help_text=lazy("A folio, an object's id, or a row's number."),
        max_length=60,
        required=False,
    )
    person = forms.CharField(
        label=lazy("Who"),
        help_text=lazy("A person's or API client's name; “recovery” for the product itself."),
        max_length=120,
        required=False,
    )
    act = forms.ChoiceField(label=lazy("What was done"), required=False)
    market = forms.ChoiceField(label=lazy("Market"), required=False)
    since = forms.DateField(
        label=lazy("From"), required=False, widget=forms.DateInput({"type": "date"}, "%Y-%m-%d")
    )
    until = forms.DateField(
        label=lazy("Until"), required=False, widget=forms.DateInput({"type": "date"}, "%Y-%m-%d")
    )

    use_required_attribute = False

    def __init__(self, *args: Any, markets: Markets, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        act, market = self.fields["act"], self.fields["market"]
        assert isinstance(act, forms.ChoiceField)
        assert isinstance(market, forms.ChoiceField)
        act.choices = [("", _("Anything")), *_acts()]
        market.choices = [
            ("", _("Every market I audit")),
            *((code, row.name) for code, row in markets.by_code.items()),
        ]


def read(request: HttpRequest, markets: Markets) -> tuple[TrailForm, dict[str, Any]]:
    """The filters as they are shown, and what of them can be read."""
    form = TrailForm(request.GET, markets=markets)
    form.is_valid()
    for field in form.fields.values():
        field.required = True  # no filter needs to say that it can be left out
    known: dict[str, Any] = {}
    for name in form.fields:
        value = form.cleaned_data.get(name)
        if isinstance(value, dt.date) and not 2000 <= value.year <= 2100:
            continue
        if isinstance(value, str) and "\x00" in value:
            continue
        if value:
            known[name] = value
    # An unknown market or act fits nothing: the same answer as for one that is not theirs.
    for name in ("market", "act"):
        given = request.GET.get(name, "")
        if given and name not in known:
            known[name] = given[:60]
    return form, known
