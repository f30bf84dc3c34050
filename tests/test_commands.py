"""What commands say to operators: in clear lines, all of them in English."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import translation

from accounts.tests.factories import MarketFactory


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["build_nightly_reports", "--date", "31/12/2026"],
            "argument --date: 31/12/2026 is not a date like 2026-12-31.",
        ),
        (
            ["create_access_token", "nora", "--days", "ten"],
            "argument --days: ten is not a whole number.",
        ),
        (["sweep_outbox", "--seconds", "5m"], "argument --seconds: 5m is not a number of seconds."),
        (["seed_demo", "--seed", "x"], "argument --seed: x is not a whole number."),
    ],
)
def test_what_cannot_be_read_is_named_with_what_is_meant(words: list[str], said: str) -> None:
    with pytest.raises(CommandError) as refused:
        call_command(*words)
    assert said in str(refused.value)


@pytest.mark.django_db
def test_a_refusal_is_in_the_language_of_the_rest() -> None:
    MarketFactory.create(code="MX")
    said = StringIO()
    with translation.override("es"), pytest.raises(CommandError, match="1 problems; see above"):
        call_command(
            "build_nightly_reports",
            "--market=mx",
            "--date=2999-01-01",
            stdout=StringIO(),
            stderr=said,
        )
    assert "MX: This day is not over yet in this market." in said.getvalue()
