"""The customer's own words: a story of the phrase bank, filled in and put between others."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from accounts.models import Market
from accounts.states import Language
from common.money import format_money
from incidents.states import Severity

from . import content
from .company import DemoMarket
from .guidance import Topic
from .rhythm import Wheel

# How often each severity is met, before a category's own suggestion is taken into account.
SEVERITY_WEIGHT = {Severity.MINOR: 1.0, Severity.MODERATE: 0.85, Severity.CRITICAL: 0.22}
SUGGESTED_WEIGHT = 1.6
# How often a story gets an opening, a consequence and a closing.
ADDED = {
    Severity.MINOR: (0.25, 0.2, 0.3),
    Severity.MODERATE: (0.4, 0.55, 0.5),
    Severity.CRITICAL: (0.3, 0.5, 0.65),
}


@dataclass(frozen=True, slots=True)
class Story:
    topic: Topic
    severity: str
    language: str
    text: str


class _Slots(dict[str, str]):
    """Fills a slot when the text asks for it, and the same slot the same way in one text."""

    def __init__(self, makers: dict[str, Callable[[], str]]) -> None:
        super().__init__()
        self._makers = makers

    def __missing__(self, key: str) -> str:
        value = self[key] = self._makers[key]()
        return value


class Stories:
    """The phrase bank of one market."""

    def __init__(self, market: DemoMarket, topics: list[Topic], rng: random.Random) -> None:
        self.market: Market = market.row
        self.is_hotel = market.words.content == "hotel"
        self.voice = content.voice(market.words.content)
        self.rng = rng
        self._wheels = {language: self._wheel(topics, language) for language in Language.values}

    def _wheel(self, topics: list[Topic], language: str) -> Wheel[Story]:
        stories, weights = [], []
        for topic in topics:
            for severity, texts in topic.sub.stories[language].items():
                weight = topic.sub.weight * SEVERITY_WEIGHT[Severity(severity)]
                if severity == topic.sub.severity:
                    weight *= SUGGESTED_WEIGHT
                for text in texts:
                    stories.append(Story(topic, severity, language, text))
                    weights.append(weight / len(texts))
        return Wheel(stories, weights)

    def draw(self, language: str, severity: str | None = None) -> Story:
        """Any story in a language; of one severity where it is given."""
        while True:
            story = self._wheels[language].draw(self.rng)
            if severity is None or story.severity == severity:
                return story

    def line(self, use: str, fits: str = content.ANY, language: str = Language.ES) -> str:
        """A line of the voice, such as a note: one that fits the reason, mostly."""
        found = self.voice.lines[language][use]
        if fits not in found or (content.ANY in found and self.rng.random() < 0.3):
            fits = content.ANY
        return self.rng.choice(found[fits])

    def tell(self, story: Story, amount_minor: int | None) -> str:
        """The narrative. `amount_minor` is what the case is about, in minor units."""
        rng, fits, language = self.rng, story.topic.top.code, story.language
        core = story.text.format_map(_Slots(self._makers(story.language, amount_minor)))
        opening, consequence, closing = ADDED[Severity(story.severity)]
        parts = [
            self.line("openings", fits, language) if rng.random() < opening else "",
            core,
            self.line("consequences", fits, language) if rng.random() < consequence else "",
            self.line("closings", fits, language) if rng.random() < closing else "",
        ]
        return " ".join(part for part in parts if part)

    def _makers(self, language: str, amount_minor: int | None) -> dict[str, Callable[[], str]]:
        rng = self.rng
        dish = rng.choice(self.voice.dishes)
        words = dish.es if language == Language.ES else dish.en
        return {
            "room": lambda: f"{rng.randint(1, 9)}{rng.randint(1, 28):02d}",
            "floor": lambda: str(rng.randint(2, 9)),
            "mm": lambda: f"{rng.randrange(10, 60, 5):02d}",
            "mins": lambda: str(rng.choice((20, 25, 30, 35, 40, 45, 50, 55))),
            "am": lambda: f"{rng.randint(7, 10)}:{rng.randrange(0, 60, 10):02d}",
            "pm": lambda: f"{rng.randint(16, 20)}:{rng.randrange(0, 60, 10):02d}",
            "noon": lambda: f"{rng.randint(12, 14)}:{rng.randrange(0, 60, 5):02d}",
            "night": lambda: f"{rng.randint(19, 22)}:{rng.randrange(0, 60, 5):02d}",
            "hours": lambda: str(rng.randint(2, 4)),
            "people": lambda: str(rng.randint(3, 7)),
            "nights": lambda: str(rng.randint(2, 5)),
            "weeks": lambda: str(rng.randint(3, 7)),
            "days": lambda: str(rng.randint(6, 15)),
            "street": lambda: rng.choice(self.voice.streets),
            "dish": lambda: words,
            "Dish": lambda: words[:1].upper() + words[1:],
            "money": lambda: self._money(amount_minor),
        }

    def _money(self, amount_minor: int | None) -> str:
        """The amount of the case, or a price of the place."""
        if amount_minor is None:
            whole = (
                self.rng.randrange(300, 4000, 50)
                if self.is_hotel
                else self.rng.randrange(18_000, 120_000, 1_000)
            )
            amount_minor = whole * 100
        return format_money(amount_minor, self.market.currency, self.market.locale)
