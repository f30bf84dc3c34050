"""Categories, severity criteria and playbooks: the nearest one wins, in the reader's language."""

import pytest
from django.utils.translation import override

from audit.models import AuditEvent
from incidents.actions import acknowledge_playbook
from incidents.models import Category, Playbook, PlaybookStep, SeverityGuide
from incidents.selectors import categories_for, playbook_for, playbook_unread, severity_guides
from incidents.states import Severity

from .conftest import Desk
from .factories import CategoryFactory


def test_each_reason_is_followed_by_its_sub_reasons(desk: Desk) -> None:
    CategoryFactory.create(market=desk.market, code="food", position=1)
    CategoryFactory.create(market=desk.market, code="gone", is_active=False)
    assert [row.code for row in categories_for(desk.market)] == ["room", "noise", "food"]


def _guide(category: Category, severity: str, text: str) -> SeverityGuide:
    return SeverityGuide.objects.create(
        category=category,
        severity=severity,
        criteria_es=text,
        criteria_en=f"{text} (en)",
        example_es=text,
        example_en=text,
    )


def test_a_sub_reason_shows_its_reason_s_criteria_where_it_has_none(desk: Desk) -> None:
    _guide(desk.room, Severity.MINOR, "del motivo")
    _guide(desk.room, Severity.CRITICAL, "grave")
    own = _guide(desk.noise, Severity.MINOR, "propio")
    guides = severity_guides(desk.noise)
    assert guides["minor"] == own
    assert guides["critical"].criteria_es == "grave"
    assert set(severity_guides(desk.room)) == {"minor", "critical"}
    with override("en"):
        assert own.criteria == "propio (en)"
    with override("es"):
        assert own.criteria == "propio"


def _playbook(desk: Desk, category: Category | None, version: int) -> Playbook:
    playbook = Playbook.objects.create(
        market=desk.market, category=category, severity=Severity.MINOR, version=version
    )
    PlaybookStep.objects.create(playbook=playbook, step="listen", say_es="Diga", say_en="Say")
    return playbook


def test_the_nearest_playbook_and_its_highest_version(desk: Desk) -> None:
    assert playbook_for(desk.market, desk.noise, Severity.MINOR) is None
    general = _playbook(desk, None, 9)
    assert playbook_for(desk.market, desk.noise, Severity.MINOR) == general
    _playbook(desk, desk.room, 1)
    newer = _playbook(desk, desk.room, 2)
    assert playbook_for(desk.market, desk.noise, Severity.MINOR) == newer
    own = _playbook(desk, desk.noise, 1)
    assert playbook_for(desk.market, desk.noise, Severity.MINOR) == own
    assert playbook_for(desk.market, desk.room, Severity.MINOR) == newer
    assert playbook_for(desk.market, desk.noise, Severity.CRITICAL) is None


def test_reading_a_version_is_acknowledged_once(desk: Desk) -> None:
    playbook = _playbook(desk, None, 1)
    assert playbook_unread(playbook, desk.agent)
    assert acknowledge_playbook(playbook=playbook, by=desk.agent)
    assert not acknowledge_playbook(playbook=playbook, by=desk.agent)
    assert not playbook_unread(playbook, desk.agent)
    assert playbook_unread(_playbook(desk, None, 2), desk.agent)
    assert AuditEvent.objects.filter(act="playbook.read").count() == 1


@pytest.mark.parametrize("language", ["es", "en"])
def test_a_category_is_named_in_the_reader_s_language(desk: Desk, language: str) -> None:
    with override(language):
        assert desk.room.name == ("Motivo room" if language == "es" else "Reason room")
