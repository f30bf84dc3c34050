"""The tags of the design system draw what screen readers and keyboards need."""

import datetime as dt

import pytest
from django import forms
from django.template import Context, Template
from django.utils import timezone, translation

from common.templatetags.ui import attributes, day_of, remaining

NOW = dt.datetime(2026, 11, 21, 14, 0, tzinfo=dt.UTC)


class Visit(forms.Form):
    """A small form with each shape of field."""

    name = forms.CharField(help_text="As on the booking")
    email = forms.EmailField(required=False)
    tier = forms.ChoiceField(
        choices=[("minor", "Minor"), ("critical", "Critical")], widget=forms.RadioSelect
    )


def draw(source: str, **context: object) -> str:
    with translation.override("en"):
        return Template("{% load ui charts %}" + source).render(Context(context))


def test_a_hint_is_tied_to_its_field() -> None:
    html = draw("{% field form.name %}", form=Visit())
    assert 'aria-describedby="id_name-hint"' in html
    assert 'id="id_name-hint"' in html
    assert "aria-invalid" not in html


def test_the_first_refused_field_takes_the_focus_and_names_its_error() -> None:
    form = Visit({"email": "x", "tier": "minor"})
    first, second = (
        draw("{% field form.name %}", form=form),
        draw("{% field form.email %}", form=form),
    )
    assert "autofocus" in first
    assert 'aria-invalid="true"' in first
    assert 'aria-describedby="id_name-hint id_name-error"' in first
    assert 'id="id_name-error"' in first
    assert "autofocus" not in second
    assert 'aria-describedby="id_email-error"' in second


def test_optional_is_said_and_required_is_not() -> None:
    assert "(optional)" in draw("{% field form.email %}", form=Visit())
    assert "(optional)" not in draw("{% field form.name %}", form=Visit())


def test_radios_are_a_named_group() -> None:
    html = draw('{% field form.tier look="segmented" %}', form=Visit())
    assert "<fieldset" in html
    assert "<legend" in html
    assert html.count('type="radio"') == 2
    assert "tone-critical" in html


def test_the_summary_links_to_the_fields_and_escapes_what_was_typed() -> None:
    class Echo(Visit):
        def clean_name(self) -> str:
            raise forms.ValidationError(f"Unknown: {self.cleaned_data['name']}")

    html = draw("{% form_errors form %}", form=Echo({"name": "<b>x</b>", "tier": "minor"}))
    assert 'href="#id_name"' in html
    assert "&lt;b&gt;x" in html
    assert "<b>x" not in html


def test_a_summary_of_the_whole_form_alone_takes_the_focus() -> None:
    class Refused(Visit):
        def clean(self) -> None:
            self.add_error(None, "Over your room")

    html = draw("{% form_errors form %}", form=Refused({"name": "Ana", "tier": "minor"}))
    assert "autofocus" in html
    assert "Over your room" in html


def test_attributes_become_hyphenated_and_escaped() -> None:
    assert attributes({"hx_post": '/a?b="c"', "hidden": True, "class_": None}) == (
        ' hx-post="/a?b=&quot;c&quot;" hidden'
    )


def test_a_button_with_an_address_is_a_link_with_its_key() -> None:
    html = draw('{% button "New" href="/new/" key="c" %}')
    assert html.startswith("<a ")
    assert 'data-key="c"' in html
    assert 'aria-hidden="true">C</kbd>' in html


def test_block_tags_keep_markup_and_escape_values() -> None:
    html = draw("{% card title=name %}<p>{{ name }}</p>{% endcard %}", name="<i>")
    assert "<p>&lt;i&gt;</p>" in html
    assert "<h2>&lt;i&gt;</h2>" in html


def test_money_follows_the_market_of_the_page() -> None:
    assert draw('{% money 4500000 "COP" %}', market_locale="es-CO") == "$\u00a045.000"
    assert draw('{% money 162000 "MXN" "es-MX" %}', market_locale="es-CO") == "$1,620.00"
    assert draw('{% money none "MXN" %}', none=None) == "\u2013"


@pytest.mark.parametrize(
    ("minutes", "state", "words"),
    [
        (312, "ok", "5 h 12 min left"),
        (16, "ok", "16 min left"),
        (15, "soon", "15 min left"),
        (0, "soon", "0 min left"),
        (-26, "late", "26 min late"),
        (3 * 24 * 60 + 61, "ok", "3 d 1 h left"),
    ],
)
def test_remaining_time_in_words(minutes: int, state: str, words: str) -> None:
    with translation.override("en"):
        assert remaining(NOW + dt.timedelta(minutes=minutes), NOW) == (state, words)


@pytest.mark.parametrize(
    ("hours", "day"),
    [(-37, "Dec 31, 2025"), (-13, "yesterday"), (1, ""), (13, "tomorrow"), (37, "Jan 4, 2026")],
)
def test_a_clock_names_the_day_unless_it_is_today(hours: int, day: str) -> None:
    noon = dt.datetime(2026, 1, 2, 18, tzinfo=dt.UTC)
    with timezone.override("America/Mexico_City"), translation.override("en"):
        assert day_of(noon + dt.timedelta(hours=hours), noon) == day


def test_a_clock_of_another_day_says_which() -> None:
    html = draw("{% clock due %}", due=timezone.now() + dt.timedelta(days=1))
    assert ">tomorrow " in html


def test_a_met_clock_stops() -> None:
    due = timezone.now() - dt.timedelta(hours=1)
    assert "data-due" in draw("{% clock due %}", due=due)
    assert "data-due" not in draw("{% clock due met=True %}", due=due)
    assert not draw("{% clock due %}", due=None).strip()
