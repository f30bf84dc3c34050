"""`manage.py seed_demo`: fills an empty database, and touches no other."""

import functools

import pytest
from django.core.management import call_command

from accounts.models import Market
from audit.models import AuditEvent
from audit.tests.support import seal_all
from audit.verifying import verify
from delivery.models import Message
from incidents.models import Incident
from recovery.management.commands import seed_demo
from reporting.actions import due_dates
from reporting.models import NightlyReport, ReportSignature

from ..logins import DEMO_PASSWORD
from ..nights import REPORTED
from ..seed import Size, seed_company

pytestmark = pytest.mark.django_db


SMALL = functools.partial(seed_company, size=Size(incidents=90, customers=60))


def _counts() -> tuple[int, int, int]:
    return Market.objects.count(), Incident.objects.count(), AuditEvent.objects.count()


def test_it_fills_an_empty_database_and_then_leaves_it_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(seed_demo, "seed_company", SMALL)
    call_command("seed_demo", "--if-empty", "--seed", "5")
    assert DEMO_PASSWORD in capsys.readouterr().out
    before = _counts()
    assert before[0] == 2
    call_command("seed_demo", "--if-empty")
    assert "nothing was added" in capsys.readouterr().out
    assert _counts() == before


@pytest.mark.django_db(transaction=True)
def test_its_trail_is_sealed_and_verifies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its rows speak of the past and were written in one transaction."""
    monkeypatch.setattr(seed_demo, "seed_company", SMALL)
    call_command("seed_demo", "--seed", "5")
    seal_all(rows=500)
    report = verify()
    assert report.finding is None, str(report.finding)
    assert report.rows == AuditEvent.objects.count() > 500
    assert report.unsealed == 0


def test_its_nights_are_accounted_for_and_agree_with_the_ledger(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(seed_demo, "seed_company", SMALL)
    call_command("seed_demo", "--seed", "5")
    assert NightlyReport.objects.count() == 2 * REPORTED
    assert set(NightlyReport.objects.values_list("difference_minor", flat=True)) == {0}
    # Older parts are signed, the newest wait.
    newest = NightlyReport.objects.order_by("-date").first()
    assert newest is not None
    assert ReportSignature.objects.exists()
    assert not newest.signatures.exists()
    # Nobody is written to about nights before the company; no night is left to be made up.
    assert not Message.objects.filter(topic="report.nightly").exists()
    for market in Market.objects.all():
        assert due_dates(market) == []
