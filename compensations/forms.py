"""Shapes of what people type: codes, amounts, places, limits, reasons. Rules are the actions'."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import Location, Market, Staff
from common.errors import InvalidInput
from common.money import parse_money

from .states import Measure
from .tills import counter_locations


class CodeForm(forms.Form):
    """What was typed or scanned. Whether it is a code at all is said by the action alone."""

    code = forms.CharField(
        label=_("Code"),
        max_length=40,
        error_messages={
            "required": _("Scan the code or type it."),
            "max_length": _("A code has 16 letters and digits."),
        },
    )


class PlaceForm(forms.Form):
    """Where the cashier works now."""

    location: "forms.ModelChoiceField[Location]" = forms.ModelChoiceField(
        label=_("Where are you working?"), queryset=Location.objects.none(), empty_label=None
    )

    def __init__(self, *args: Any, cashier: Staff, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["location"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = counter_locations(cashier)


class AmountForm(forms.Form):
    """How much of a gift card's balance to use, as the market writes amounts."""

    amount = forms.CharField(
        label=_("Amount to charge"),
        max_length=20,
        error_messages={"required": _("Write how much to charge.")},
    )

    def __init__(self, *args: Any, currency: str, locale: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.currency = currency
        self.locale = locale

    def clean_amount(self) -> int:
        """Minor units."""
        try:
            minor = parse_money(self.cleaned_data["amount"], self.currency, self.locale)
        except InvalidInput as refusal:
            raise forms.ValidationError(str(refusal)) from refusal
        if minor == 0:
            raise forms.ValidationError(_("Write an amount above zero."))
        return minor


class WhyForm(forms.Form):
    """Why an act that others will ask about is done."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": _("Write why: others will read it here.")},
    )


class LimitForm(WhyForm):
    """A limit to propose. `kinds` are (scope, window, measure) in one word with their names.

    `targets` are what it may be for where that is open; the cap is written as the market writes
    amounts, or as a whole number where compensations are counted.
    """

    kind = forms.ChoiceField(label=_("What it bounds"))
    target = forms.ChoiceField(label=_("For whom"), required=False)
    cap = forms.CharField(
        label=_("Cap"),
        max_length=20,
        error_messages={"required": _("Write how much, or how many.")},
    )
    field_order = ["kind", "target", "cap", "reason"]

    def __init__(
        self,
        *args: Any,
        market: Market,
        kinds: list[tuple[str, str]],
        targets: list[tuple[str, str]],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.market = market
        for name, choices in (("kind", kinds), ("target", targets)):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = choices
            if len(choices) == 1:
                field.widget = forms.HiddenInput()
                field.initial = choices[0][0]

    def clean_kind(self) -> list[str]:
        """Scope, window and measure."""
        return str(self.cleaned_data["kind"]).split(".")

    def clean(self) -> dict[str, Any]:
        """The cap as minor units, or a count."""
        cleaned = super().clean() or {}
        kind, text = cleaned.get("kind"), cleaned.get("cap")
        if not kind or text is None:
            return cleaned
        if kind[2] == Measure.COUNT:
            if not (text.isascii() and text.isdigit()):
                self.add_error("cap", _("Write a whole number."))
            else:
                cleaned["cap"] = int(text)
            return cleaned
        try:
            cleaned["cap"] = parse_money(text, self.market.currency, self.market.locale)
        except InvalidInput as refusal:
            self.add_error("cap", str(refusal))
        return cleaned
