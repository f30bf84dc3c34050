"""Labels inside sentences, and spans of time."""

import datetime as dt

import pytest
from django.utils import translation

from common.sentences import ago, since, within


@pytest.mark.parametrize(
    ("label", "inside"),
    [
        ("Correo electr\u00f3nico", "correo electr\u00f3nico"),
        ("SMS", "SMS"),
        ("WhatsApp", "WhatsApp"),
        ("TV without signal", "TV without signal"),
        ("", ""),
    ],
)
def test_a_label_goes_on_in_lower_case(label: str, inside: str) -> None:
    assert within(label) == inside


def test_nobody_says_no_minutes() -> None:
    now = dt.datetime.now(dt.UTC)
    with translation.override("es"):
        assert ago(now) == "hace un momento"
        assert since(now, now) == "menos de un minuto"
        assert ago(now - dt.timedelta(hours=3, minutes=5)) == "hace 3\xa0horas"
