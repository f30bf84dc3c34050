"""The shape of what is typed at the desk: lengths, choices, amounts and moments. No rule.

Amounts are read strictly as the market writes them and handed on in minor units; moments are local
to the market and handed on aware. Whether something may be done is for the actions.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import Location, Market, Staff
from accounts.states import Language
from common.contacts import normalise_email, normalise_phone
from common.errors import InvalidInput, Refusal, SeveralFaults
from common.money import format_amount, parse_money
from compensations.states import ApprovalState
from delivery.states import Channel
from incidents.models import Category, Customer
from incidents.states import (
    ContactChannel,
    ContactKind,
    IncidentKind,
    PromiseKind,
    Severity,
)

EMPTY = ("", _("Choose"))
# The hidden field of a form that tells a stale save what the form was opened with.
OPENED = "opened"


def _opened_field() -> forms.CharField:
    return forms.CharField(required=False, max_length=2000, widget=forms.HiddenInput)


def show_refusal(
    form: forms.BaseForm, refusal: Refusal, names: Mapping[str, str] | None = None
) -> None:
    """Puts a refusal, or each of several, beside its field, or above the form."""
    if isinstance(refusal, SeveralFaults):
        for fault in refusal.faults:
            show_refusal(form, fault, names)
        return
    field = (names or {}).get(refusal.field or "", refusal.field)
    form.add_error(field if field in form.fields else None, str(refusal))


@contextmanager
def _beside_the_box() -> Iterator[None]:
    """What cannot be read is a fault of its field."""
    try:
        yield
    except InvalidInput as error:
        raise forms.ValidationError(str(error)) from error


class MoneyField(forms.CharField):
    """An amount in a market's format; cleans to minor units, or None when empty."""

    def __init__(self, *, market: Market, **kwargs: Any) -> None:
        self.market = market
        kwargs.setdefault("max_length", 30)
        super().__init__(**kwargs)
        self.widget.attrs.update(
            {
                "inputmode": "decimal",
                "autocomplete": "off",
                "class": "input num",
                "data-amount": True,
                "data-currency": market.currency,
                "data-locale": market.locale,
            }
        )

    def clean(self, value: Any) -> int | None:
        text = super().clean(value)
        if not text:
            return None
        with _beside_the_box():
            return parse_money(text, self.market.currency, self.market.locale)


class PhoneField(forms.CharField):
    """A phone as people write it in a market; handed on as typed."""

    def __init__(self, *, country: str, **kwargs: Any) -> None:
        self.country = country
        kwargs.setdefault("label", _("Phone"))
        kwargs.setdefault("max_length", 40)
        attrs = {"type": "tel", "autocomplete": "off"}
        super().__init__(required=False, widget=forms.TextInput(attrs=attrs), **kwargs)

    def clean(self, value: Any) -> str:
        text = str(super().clean(value))
        if text:
            with _beside_the_box():
                normalise_phone(text, self.country)
        return text


class EmailField(forms.CharField):
    """An address, judged as the action judges it; handed on as typed."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", _("Email"))
        kwargs.setdefault("max_length", 120)
        attrs = {"type": "email", "autocomplete": "off"}
        super().__init__(required=False, widget=forms.TextInput(attrs=attrs), **kwargs)

    def clean(self, value: Any) -> str:
        text = str(super().clean(value))
        if text:
            with _beside_the_box():
                normalise_email(text)
        return text


class LongText(forms.CharField):
    """Words of many lines. A paste that is too long is refused and kept, never cut in silence.

    `data-most` lets the page count what is left. A line ends in one character, as people count.
    """

    def __init__(self, *, rows: int, **kwargs: Any) -> None:
        super().__init__(widget=forms.Textarea(attrs={"rows": rows}), **kwargs)

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        attrs = super().widget_attrs(widget)
        attrs.pop("maxlength", None)
        return {**attrs, "data-most": self.max_length}

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        return text.replace("\r\n", "\n") if isinstance(text, str) else text


def plain_amount(minor: int | None, market: Market) -> str:
    """An amount as it goes into a box: the market's format without the symbol."""
    if minor is None:
        return ""
    return format_amount(minor, market.currency, market.locale)


def category_choices(categories: Sequence[Category]) -> list[Any]:
    """The two levels as groups; a reason may be chosen itself when no sub-reason fits."""
    under: dict[int, list[Category]] = {}
    for row in categories:
        if row.parent_id is not None:
            under.setdefault(row.parent_id, []).append(row)
    choices: list[Any] = [EMPTY]
    for row in categories:
        if row.parent_id is not None:
            continue
        children = under.get(row.pk)
        if not children:
            choices.append((str(row.pk), row.name))
            continue
        general = _("%(reason)s, in general") % {"reason": row.name}
        choices.append(
            (row.name, [*((str(c.pk), c.name) for c in children), (str(row.pk), general)])
        )
    return choices


class CaseFields(forms.Form):
    """What intake and the correction of a case have in common."""

    category = forms.ChoiceField(label=_("Category"))
    narrative = LongText(
        label=_("What happened"),
        max_length=5000,
        rows=5,
        help_text=_("In the customer's own words."),
    )
    kind = forms.ChoiceField(label=_("Kind"), choices=IncidentKind, initial=IncidentKind.CLAIM)
    channel = forms.ChoiceField(label=_("How they reached us"), choices=ContactChannel)
    location = forms.ChoiceField(label=_("Location"), required=False)
    order_ref = forms.CharField(
        label=_("Order"),
        max_length=60,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    occurred_at = forms.DateTimeField(
        label=_("When it happened"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )

    # The order in which a person meets the boxes: the first with an error takes the focus.
    field_order = (
        "customer",
        "customer_text",
        "new_name",
        "new_phone",
        "new_email",
        "category",
        "severity",
        "severity_reason",
        "narrative",
        "order_ref",
        "amount",
        "location",
        "channel",
        "kind",
        "occurred_at",
    )

    def __init__(
        self,
        *args: Any,
        market: Market,
        categories: Sequence[Category],
        locations: Iterable[Location],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.market = market
        self.categories = {str(row.pk): row for row in categories}
        self.locations = {str(row.pk): row for row in locations}
        category, location = self.fields["category"], self.fields["location"]
        assert isinstance(category, forms.ChoiceField)
        assert isinstance(location, forms.ChoiceField)
        category.choices = category_choices(categories)
        location.choices = [
            ("", _("None")),
            *((key, row.name) for key, row in self.locations.items()),
        ]
        self.fields["amount"] = MoneyField(
            market=market, label=_("Amount at stake"), required=False
        )
        self.order_fields(self.field_order)

    def clean_category(self) -> Category:
        return self.categories[self.cleaned_data["category"]]

    def clean_location(self) -> Location | None:
        return self.locations.get(self.cleaned_data["location"])

    def case(self) -> dict[str, Any]:
        """The cleaned fields under the names that the actions take."""
        data = self.cleaned_data
        return {
            "category": data["category"],
            "narrative": data["narrative"],
            "kind": data["kind"],
            "channel": data["channel"],
            "location": data["location"],
            "order_ref": data["order_ref"],
            "occurred_at": data["occurred_at"],
            "amount_at_stake_minor": data["amount"],
        }


class SuggestedChoice(forms.ChoiceField):
    """A choice that the page makes by itself; left alone, it is the suggestion."""

    def validate(self, value: Any) -> None:
        if value:
            super().validate(value)


class NeededName(forms.CharField):
    """Shown as needed; whether it is depends on the rest of the form, which asks for it."""

    def validate(self, value: Any) -> None:
        """Nothing is wrong with an empty one by itself."""


class IntakeForm(CaseFields):
    """A new case, with its customer where that one is new too."""

    # Which refusal speaks of which box.
    NAMES: Mapping[str, str] = {
        "amount_at_stake_minor": "amount",
        "name": "new_name",
        "phone": "new_phone",
        "email": "new_email",
        "customer": "customer_text",
    }

    once = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput)
    customer = forms.UUIDField(required=False, widget=forms.HiddenInput)
    customer_text = forms.CharField(label=_("Customer"), max_length=200, required=False)
    new_name = NeededName(
        label=_("Name"), max_length=120, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    severity = SuggestedChoice(
        label=_("Severity"), choices=Severity, widget=forms.RadioSelect(attrs={"required": False})
    )
    # The suggestion that was on the page: a severity that only followed it follows the next one.
    suggested = forms.ChoiceField(choices=Severity, required=False, widget=forms.HiddenInput)
    severity_reason = forms.CharField(
        label=_("Why this severity"),
        max_length=300,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, market: Market, **kwargs: Any) -> None:
        super().__init__(*args, market=market, **kwargs)
        self.fields["new_phone"] = PhoneField(country=market.country)
        self.fields["new_email"] = EmailField()
        self.order_fields(self.field_order)

    def clean_customer_text(self) -> str:
        text = str(self.cleaned_data["customer_text"]).strip()
        named = self.cleaned_data.get("customer") or str(self.data.get("new_name", "")).strip()
        if not text and not named:
            raise forms.ValidationError(
                _("Look the customer up by phone, email, name, folio or order.")
            )
        return text

    def clean(self) -> dict[str, Any]:
        """Boxes of a new customer say nothing once another one is picked."""
        data = self.cleaned_data
        if data.get("customer"):
            for name in ("new_phone", "new_email"):
                self.errors.pop(name, None)
                data.setdefault(name, "")
        return data

    def clean_new_name(self) -> str:
        name = str(self.cleaned_data["new_name"])
        known = self.cleaned_data.get("customer") or "customer_text" in self.errors
        if not name and not known:
            raise forms.ValidationError(
                _("Pick the customer from the list, or write the name of a new one.")
            )
        return name

    def case(self) -> dict[str, Any]:
        data = self.cleaned_data
        return {
            **super().case(),
            "severity": data["severity"] or None,
            "severity_reason": data["severity_reason"],
        }

    def new_customer(self) -> dict[str, str]:
        """The fields of `create_customer`, for a customer who is not known yet."""
        data = self.cleaned_data
        return {"name": data["new_name"], "phone": data["new_phone"], "email": data["new_email"]}


class IdentifyForm(IntakeForm):
    """Who complained, on a case that came without a customer. `version` is the one seen."""

    version = forms.IntegerField(widget=forms.HiddenInput, min_value=1)

    OWN = ("version", "customer", "customer_text", "new_name", "new_phone", "new_email")

    def __init__(self, *args: Any, market: Market, **kwargs: Any) -> None:
        super().__init__(*args, market=market, categories=[], locations=[], **kwargs)
        self.fields = {name: self.fields[name] for name in self.OWN}


class ChangeForm(CaseFields):
    """Correcting a case. `version` is the one that the person saw, `opened` what was in it."""

    NAMES: Mapping[str, str] = {"amount_at_stake_minor": "amount"}

    version = forms.IntegerField(widget=forms.HiddenInput, min_value=1)
    opened = _opened_field()
    severity = forms.ChoiceField(label=_("Severity"), choices=Severity, widget=forms.RadioSelect)
    severity_reason = forms.CharField(
        label=_("Why this severity"),
        max_length=300,
        required=False,
        help_text=_("Needed where it differs from the one that the category suggests."),
    )
    owner = forms.ChoiceField(label=_("Owner"), required=False)

    def __init__(self, *args: Any, people: Iterable[Staff], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.people = {str(person.pk): person for person in people}
        owner = self.fields["owner"]
        assert isinstance(owner, forms.ChoiceField)
        owner.choices = [
            ("", _("Nobody")),
            *((key, person.name) for key, person in self.people.items()),
        ]

    def clean_owner(self) -> Staff | None:
        return self.people.get(self.cleaned_data["owner"])

    def case(self) -> dict[str, Any]:
        data = self.cleaned_data
        return {
            **super().case(),
            "severity": data["severity"],
            "severity_reason": data["severity_reason"],
            "owner": data["owner"],
        }


class GrantForm(forms.Form):
    """An offer, its amount where there is a choice, and the way it goes out.

    `fits` comes from the button for what a limit leaves: an offer's id, a space and minor units,
    which stand instead of the offer and amount that were refused.
    """

    NAMES: Mapping[str, str] = {}

    offer = forms.IntegerField(min_value=1, error_messages={"required": _("Choose an offer.")})
    channel = forms.ChoiceField(label=_("Send by"), required=False)
    # Why a second person should say yes; asked only where one has to.
    reason = forms.CharField(label=_("Why it is worth it"), max_length=500, required=False)

    def __init__(
        self,
        *args: Any,
        market: Market,
        channels: Sequence[tuple[str, Any]],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.market = market
        channel = self.fields["channel"]
        assert isinstance(channel, forms.ChoiceField)
        channel.choices = list(channels)
        fits = re.fullmatch(r"([0-9]{1,18}) ([0-9]{1,15})", str(self.data.get("fits", "")))
        if fits:
            amount = format_amount(int(fits[2]), market.currency, market.locale)
            # Read and shown again as if it had been chosen and typed.
            self.data = {
                **{name: self.data[name] for name in self.data},
                "offer": fits[1],
                f"amount-{fits[1]}": amount,
            }
        self.amount_name = f"amount-{self.data.get('offer', '')}"

    def clean(self) -> dict[str, Any]:
        """Reads the amount beside the chosen offer; an empty one means the offer's default."""
        data = self.cleaned_data
        data["amount_minor"] = None
        text = str(self.data.get(self.amount_name, "")).strip()
        if text:
            try:
                data["amount_minor"] = parse_money(
                    text[:30], self.market.currency, self.market.locale
                )
            except InvalidInput as error:
                self.refuse_amount(str(error))
        return data

    # The amount's box belongs to one offer, so its error is kept apart from the fields'.
    amount_error: str = ""

    def refuse_amount(self, text: str) -> None:
        self.amount_error = text
        self.add_error(None, text)

    def typed(self, offer_id: int) -> str:
        """What the person wrote beside an offer."""
        return str(self.data.get(f"amount-{offer_id}", ""))


class NoteForm(forms.Form):
    body = LongText(label=_("Note"), max_length=4000, rows=2)


class PromiseForm(forms.Form):
    """Something owed to the customer; `due_at` is in the market's local time."""

    kind = forms.ChoiceField(label=_("What"), choices=PromiseKind, initial=PromiseKind.CALL)
    due_at = forms.DateTimeField(
        label=_("By when"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    owner = forms.ChoiceField(label=_("Who"), required=False)
    detail = forms.CharField(label=_("Detail"), max_length=300, required=False)

    def __init__(self, *args: Any, people: Iterable[Staff], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.people = {str(person.pk): person for person in people}
        owner = self.fields["owner"]
        assert isinstance(owner, forms.ChoiceField)
        owner.choices = [
            ("", _("Me")),
            *((key, person.name) for key, person in self.people.items()),
        ]

    def clean_owner(self) -> Staff | None:
        return self.people.get(self.cleaned_data["owner"])


class ResolveForm(forms.Form):
    resolution = LongText(label=_("How it was put right"), max_length=500, rows=3)


class ReasonForm(forms.Form):
    """An act that asks why."""

    reason = forms.CharField(
        label=_("Reason"), max_length=300, widget=forms.Textarea(attrs={"rows": 2})
    )


class DecisionForm(forms.Form):
    """A second person's answer; a no says why."""

    decision = forms.ChoiceField(
        choices=[("approve", "approve"), ("reject", "reject"), ("pass_up", "pass_up")]
    )
    reason = forms.CharField(
        label=_("Reason"),
        max_length=500,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "data-key": "n", "data-key-label": _("No")}),
        help_text=_("Needed for a no, and read by whoever asked."),
    )

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        if data.get("decision") == "reject" and not data.get("reason"):
            self.add_error("reason", _("Write why not: whoever asked reads it."))
        return data


class DecidedFilter(forms.Form):
    """What a list of requests is narrowed by; `before` is the last one of the page before."""

    state = forms.ChoiceField(
        label=_("How it ended"),
        required=False,
        choices=[
            ("", _("All")),
            *((s.value, s.label) for s in ApprovalState if s != ApprovalState.PENDING),
        ],
    )
    level = forms.ChoiceField(
        label=_("Who decides"),
        required=False,
        choices=[("", _("All")), ("1", _("Supervisors")), ("2", _("Finance"))],
    )
    whose = forms.ChoiceField(
        label=_("Decided by"), required=False, choices=[("", _("All")), ("mine", _("Me"))]
    )
    before = forms.UUIDField(required=False, widget=forms.HiddenInput)


class SendForm(forms.Form):
    """Another way for a message that was granted before."""

    channel = forms.ChoiceField(label=_("Send by"), choices=Channel)


class CustomerForm(forms.Form):
    """Who the customer is. Contacts have a form of their own once the customer exists."""

    name = forms.CharField(label=_("Name"), max_length=120)
    language = forms.ChoiceField(label=_("Language"), choices=Language)
    preferred_channel = forms.ChoiceField(label=_("Prefers"), choices=Channel)
    external_ref = forms.CharField(
        label=_("Customer number"),
        max_length=60,
        required=False,
        help_text=_("As your booking or loyalty system knows the person."),
    )

    def __init__(self, *args: Any, channels: Sequence[tuple[str, Any]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["preferred_channel"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = list(channels)


class ChangeCustomerForm(CustomerForm):
    """Correcting who the customer is. `version` and `opened` are what the person saw."""

    version = forms.IntegerField(widget=forms.HiddenInput, min_value=1)
    opened = _opened_field()

    @staticmethod
    def of(customer: Customer) -> dict[str, Any]:
        """What the form shows of a customer."""
        return {
            "version": customer.version,
            "name": customer.name,
            "language": customer.language,
            "preferred_channel": customer.preferred_channel,
            "external_ref": customer.external_ref,
        }

    def changes(self) -> dict[str, Any]:
        """The cleaned fields under the names that the action takes."""
        return {name: value for name, value in self.cleaned_data.items() if name != OPENED}


class NewCustomerForm(CustomerForm):
    field_order = ("name", "phone", "email")

    def __init__(self, *args: Any, country: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["phone"] = PhoneField(country=country)
        self.fields["email"] = EmailField()
        self.order_fields(self.field_order)


class ContactForm(forms.Form):
    """One more way to reach the customer."""

    kind = forms.ChoiceField(label=_("Kind"), choices=ContactKind)
    value = forms.CharField(
        label=_("Phone, email or handle"),
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class CorrectionForm(forms.Form):
    """The right value of a contact that was taken down wrong. `version` is what the person saw."""

    version = forms.IntegerField(widget=forms.HiddenInput, min_value=1)
    value = forms.CharField(
        label=_("The right value"),
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
