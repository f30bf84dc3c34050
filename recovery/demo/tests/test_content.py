"""What people wrote: both languages, every slot fillable, nothing left out."""

import random
import string

import pytest

from incidents.models import Category, Playbook, SeverityGuide
from incidents.states import Severity, Step

from .. import content
from ..rhythm import Wheel

CONTENTS = ("hotel", "delivery")
# The slots that `stories.Stories` knows how to fill.
SLOTS = {
    *("room", "floor", "mm", "mins", "am", "pm", "noon", "night", "hours", "people"),
    *("nights", "weeks", "days", "street", "dish", "Dish", "money"),
}


@pytest.mark.parametrize("name", CONTENTS)
def test_every_story_uses_known_slots(name: str) -> None:
    stories = [
        text
        for top in content.reasons(name)
        for sub in top.subs
        for by_severity in sub.stories.values()
        for texts in by_severity.values()
        for text in texts
    ]
    assert len(stories) == len(set(stories)) > 80
    for text in stories:
        used = {slot for _text, slot, _spec, _conversion in string.Formatter().parse(text) if slot}
        assert used <= SLOTS, text


@pytest.mark.parametrize("name", CONTENTS)
def test_each_sub_reason_can_be_told_in_its_own_severity(name: str) -> None:
    for top in content.reasons(name):
        assert 2 <= len(top.subs) <= 4
        for sub in top.subs:
            assert sub.stories["es"][sub.severity], sub.code
            assert any(sub.stories["en"].values()), sub.code


@pytest.mark.parametrize("name", CONTENTS)
def test_names_fit_their_columns_and_differ_between_languages(name: str) -> None:
    for top in content.reasons(name):
        for reason in (top, *top.subs):
            for pair in (reason.name, *reason.guides.values()):
                assert pair.es
                assert pair.en
                assert max(map(len, pair)) <= 300
            assert max(map(len, reason.name)) <= 80


@pytest.mark.parametrize("name", CONTENTS)
def test_every_rule_points_to_offers_with_a_range_in_its_severity(name: str) -> None:
    scale = content.scale(name)
    codes = {"any"} | {top.code for top in content.reasons(name)}
    codes |= {sub.code for top in content.reasons(name) for sub in top.subs}
    assert set(scale.rules) <= codes
    for cells in scale.rules.values():
        for severity, keys in cells.items():
            assert keys
            for key in keys:
                low, middle, high = scale.offers[key].ranges[severity]
                assert low <= middle <= high
    for proposal in scale.proposals:
        for cell in proposal.cells:
            assert cell.reason in codes
            assert all(cell.severity in scale.offers[key].ranges for key in cell.offers)
    assert any(offer.statutory for offer in scale.offers.values())
    assert len({offer.kind for offer in scale.offers.values()}) >= 9


@pytest.mark.django_db
def test_guidance_covers_every_category_and_severity(company: object) -> None:
    for category in Category.objects.select_related("parent"):
        guides = SeverityGuide.objects.filter(category=category)
        assert sorted(guide.severity for guide in guides) == sorted(Severity.values)
        for severity in Severity.values:
            books = Playbook.objects.filter(
                market=category.market_id, category=category.parent or category, severity=severity
            )
            latest = books.latest("version")
            steps = {step.step: step for step in latest.steps.all()}
            assert set(steps) == set(Step.values)
            for step in steps.values():
                for text in (step.say_es, step.say_en, step.ask_es, step.ask_en):
                    assert 10 < len(text) <= 600
                assert step.avoid_es
                assert step.avoid_en


def test_a_wheel_draws_by_weight() -> None:
    wheel = Wheel(["never", "often", "seldom"], [0, 9, 1])
    drawn = [wheel.draw(random.Random(number)) for number in range(400)]
    assert set(drawn) == {"often", "seldom"}
    assert drawn.count("often") > 4 * drawn.count("seldom")
