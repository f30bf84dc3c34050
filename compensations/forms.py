"""Shapes of what a cashier types: a code, an amount, a place. Rules are the actions'."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import Location, Staff
from common.errors import InvalidInput
from common.money import parse_money

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
