"""Shapes of the administration pages. What is allowed, the actions decide."""

from typing import TYPE_CHECKING, Any
from zoneinfo import available_timezones

from django import forms
from django.utils.translation import gettext_lazy as _

from common.money import SYMBOLS

from .models import Location, Market, RoleGrant, Staff, Team
from .selectors import (
    administered_markets,
    administered_staff,
    roles_held,
    visible_locations,
    visible_teams,
)
from .states import Language, Role, Scope, Theme

LOCALES = [
    ("es-MX", _("Mexico: 1,234.50")),
    ("es-CO", _("Colombia: 1.234,50")),
    ("es-PE", _("Peru: 1,234.50")),
    ("es-CL", _("Chile: 1.234,50")),
    ("es-ES", _("Spain: 1.234,50")),
    ("en-US", _("United States: 1,234.50")),
]


DASHES = "---------"


class AdministratorForm(forms.Form):
    """A form whose choices are what the administrator `by` may see."""

    def __init__(self, *args: Any, by: Staff, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by = by
        for field in self.fields.values():
            # The library's own empty choice is a row of dashes; a form may name its own.
            if isinstance(field, forms.ModelChoiceField) and field.empty_label == DASHES:
                field.empty_label = _("Choose one") if field.required else _("Not assigned")
        self.offer_choices()

    def offer_choices(self) -> None:
        """Narrows the choices; each form its own."""

    def offer_markets(self) -> None:
        field = self.fields["market"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = administered_markets(self.by)
        if len(field.queryset) == 1:
            field.initial = field.queryset[0].pk


class MarketForm(forms.Form):
    """What of a market may change."""

    name = forms.CharField(label=_("Name"), max_length=80)
    brand = forms.CharField(
        label=_("Brand"), max_length=80, help_text=_("The name that customers know.")
    )
    locale = forms.ChoiceField(label=_("Number and date format"), choices=LOCALES)
    language = forms.ChoiceField(label=_("Customers' language"), choices=Language.choices)
    sender_email = forms.EmailField(label=_("Sender of email"), max_length=120)
    undo_minutes = forms.IntegerField(
        label=_("Undo window, minutes"),
        min_value=0,
        max_value=1440,
        initial=30,
        help_text=_("How long a redemption may be undone."),
    )
    request_minutes = forms.IntegerField(
        label=_("Requests wait, minutes"),
        min_value=10,
        max_value=10_080,
        initial=1440,
        help_text=_("How long a request for approval waits before it ends by itself."),
    )
    is_active = forms.BooleanField(
        label=_("Active"),
        required=False,
        initial=True,
        help_text=_("Clients of an inactive market are refused."),
    )


class NewMarketForm(AdministratorForm):
    """A market with what never changes afterwards, and its first administrator."""

    code = forms.CharField(
        label=_("Code"), max_length=12, help_text=_("Short, part of every folio. Never changes.")
    )
    name = forms.CharField(label=_("Name"), max_length=80)
    brand = forms.CharField(label=_("Brand"), max_length=80)
    country = forms.CharField(
        label=_("Country"), min_length=2, max_length=2, help_text=_("Two letters, such as MX.")
    )
    currency = forms.ChoiceField(
        label=_("Currency"),
        choices=[(code, code) for code in SYMBOLS],
        help_text=_("Never changes."),
    )
    time_zone = forms.ChoiceField(label=_("Time zone"), help_text=_("Never changes."))
    locale = forms.ChoiceField(label=_("Number and date format"), choices=LOCALES)
    language = forms.ChoiceField(label=_("Customers' language"), choices=Language.choices)
    sender_email = forms.EmailField(label=_("Sender of email"), max_length=120)
    undo_minutes = forms.IntegerField(
        label=_("Undo window, minutes"), min_value=0, max_value=1440, initial=30
    )
    administrator = forms.ModelChoiceField(
        label=_("Who administers it"),
        queryset=Staff.objects.none(),
        help_text=_("Somebody else than you: nobody gives a role to themselves."),
    )

    def offer_choices(self) -> None:
        zones = [(name, name) for name in sorted(available_timezones())]
        zone = self.fields["time_zone"]
        assert isinstance(zone, forms.ChoiceField)
        zone.choices = zones
        zone.initial = "America/Mexico_City"
        people = self.fields["administrator"]
        assert isinstance(people, forms.ModelChoiceField)
        people.queryset = administered_staff(self.by).filter(is_active=True).exclude(pk=self.by.pk)


class LocationForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=80)
    kind = forms.CharField(
        label=_("Kind"),
        max_length=40,
        required=False,
        help_text=_("Hotel, restaurant, store, route."),
    )
    is_active = forms.BooleanField(label=_("Active"), required=False, initial=True)


class NewLocationForm(AdministratorForm):
    market = forms.ModelChoiceField(label=_("Market"), queryset=Market.objects.none())
    code = forms.CharField(
        label=_("Code"), max_length=12, help_text=_("As tills send it. Never changes.")
    )
    name = forms.CharField(label=_("Name"), max_length=80)
    kind = forms.CharField(
        label=_("Kind"),
        max_length=40,
        required=False,
        help_text=_("Hotel, restaurant, store, route."),
    )

    def offer_choices(self) -> None:
        self.offer_markets()


class TeamForm(AdministratorForm):
    """A team's name and supervisors; those who hold the role in its market."""

    name = forms.CharField(label=_("Name"), max_length=80)
    supervisors = forms.ModelMultipleChoiceField(
        label=_("Supervisors"),
        queryset=Staff.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    is_active = forms.BooleanField(label=_("Active"), required=False, initial=True)

    def __init__(self, *args: Any, team: Team, **kwargs: Any) -> None:
        self.team = team
        super().__init__(*args, **kwargs)

    def offer_choices(self) -> None:
        field = self.fields["supervisors"]
        assert isinstance(field, forms.ModelMultipleChoiceField)
        field.queryset = Staff.objects.filter(
            is_active=True,
            role_grants__market=self.team.market_id,
            role_grants__role=Role.SUPERVISOR,
            role_grants__ended_at=None,
        )


class NewTeamForm(AdministratorForm):
    market = forms.ModelChoiceField(label=_("Market"), queryset=Market.objects.none())
    name = forms.CharField(label=_("Name"), max_length=80)

    def offer_choices(self) -> None:
        self.offer_markets()


def _in_market(place: Location | Team) -> str:
    return f"{place.name} · {place.market.code}"


if TYPE_CHECKING:
    ModelChoice = forms.ModelChoiceField[Any]
else:
    ModelChoice = forms.ModelChoiceField


class PlaceChoice(ModelChoice):
    """A team or location with its market's code."""

    def label_from_instance(self, obj: Any) -> str:
        return _in_market(obj)


class NewPersonForm(AdministratorForm):
    market = forms.ModelChoiceField(label=_("Market"), queryset=Market.objects.none())
    name = forms.CharField(label=_("Name"), max_length=120)
    username = forms.CharField(
        label=_("User name"), max_length=60, help_text=_("Small letters, digits, dots, hyphens.")
    )
    email = forms.EmailField(label=_("Email"), max_length=120)
    phone = forms.CharField(label=_("Phone"), max_length=20, required=False)
    roles = forms.MultipleChoiceField(
        label=_("Roles"), choices=Role.choices, widget=forms.CheckboxSelectMultiple
    )
    team = PlaceChoice(label=_("Team"), queryset=Team.objects.none(), required=False)
    location = PlaceChoice(label=_("Location"), queryset=Location.objects.none(), required=False)
    language = forms.ChoiceField(label=_("Language"), choices=Language.choices)

    def offer_choices(self) -> None:
        self.offer_markets()
        markets = self.by.markets_with(Role.ADMINISTRATOR)
        teams, places = self.fields["team"], self.fields["location"]
        assert isinstance(teams, forms.ModelChoiceField)
        assert isinstance(places, forms.ModelChoiceField)
        teams.queryset = visible_teams(self.by).filter(market__in=markets, is_active=True)
        places.queryset = visible_locations(self.by).filter(market__in=markets, is_active=True)


class PersonForm(AdministratorForm):
    """What of a person may change. `staff` is the person."""

    name = forms.CharField(label=_("Name"), max_length=120)
    email = forms.EmailField(label=_("Email"), max_length=120)
    phone = forms.CharField(label=_("Phone"), max_length=20, required=False)
    location = PlaceChoice(label=_("Location"), queryset=Location.objects.none(), required=False)

    def __init__(self, *args: Any, staff: Staff, **kwargs: Any) -> None:
        self.staff = staff
        super().__init__(*args, **kwargs)

    def offer_choices(self) -> None:
        places = self.fields["location"]
        assert isinstance(places, forms.ModelChoiceField)
        places.queryset = visible_locations(self.by).filter(market__in=self.staff.role_map)


class MoveForm(AdministratorForm):
    """The team that a person moves to."""

    team = PlaceChoice(
        label=_("Team"),
        queryset=Team.objects.none(),
        required=False,
        empty_label=_("No team"),
    )

    def __init__(self, *args: Any, staff: Staff, **kwargs: Any) -> None:
        self.staff = staff
        super().__init__(*args, **kwargs)

    def offer_choices(self) -> None:
        teams = self.fields["team"]
        assert isinstance(teams, forms.ModelChoiceField)
        markets = set(self.by.markets_with(Role.ADMINISTRATOR)) & set(self.staff.role_map)
        teams.queryset = visible_teams(self.by).filter(market__in=markets, is_active=True)


class RoleForm(AdministratorForm):
    """A role to give to a person."""

    market = forms.ModelChoiceField(label=_("Market"), queryset=Market.objects.none())
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices)

    def offer_choices(self) -> None:
        self.offer_markets()


class EndRoleForm(AdministratorForm):
    """Which of a person's roles ends."""

    grant = forms.ModelChoiceField(queryset=RoleGrant.objects.none())

    def __init__(self, *args: Any, staff: Staff, **kwargs: Any) -> None:
        self.staff = staff
        super().__init__(*args, **kwargs)

    def offer_choices(self) -> None:
        field = self.fields["grant"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = roles_held(self.staff).filter(
            market__in=self.by.markets_with(Role.ADMINISTRATOR)
        )


class NewClientForm(AdministratorForm):
    market = forms.ModelChoiceField(label=_("Market"), queryset=Market.objects.none())
    name = forms.CharField(
        label=_("Name"), max_length=80, help_text=_("Which till, shop or system it is.")
    )
    scopes = forms.MultipleChoiceField(
        label=_("What it may do"), choices=Scope.choices, widget=forms.CheckboxSelectMultiple
    )
    valid_days = forms.IntegerField(
        label=_("Valid for, days"), min_value=1, max_value=730, initial=365
    )

    def offer_choices(self) -> None:
        self.offer_markets()


class TokenForm(forms.Form):
    """How long a person's own key is valid."""

    valid_days = forms.IntegerField(
        label=_("Valid for, days"), min_value=1, max_value=730, initial=90
    )


class PreferencesForm(forms.Form):
    language = forms.ChoiceField(
        label=_("Language"), choices=Language.choices, widget=forms.RadioSelect
    )
    theme = forms.ChoiceField(label=_("Theme"), choices=Theme.choices, widget=forms.RadioSelect)
    single_keys = forms.BooleanField(
        label=_("Single-key shortcuts"),
        required=False,
        help_text=_("Off: only combinations with Ctrl stay."),
    )


class LanguageForm(forms.Form):
    language = forms.ChoiceField(choices=Language.choices)
