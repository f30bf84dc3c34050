"""Contrast of the design tokens, computed as WCAG defines it; and both dark blocks equal."""

import re
from pathlib import Path

import pytest
from django.conf import settings

CSS = (Path(settings.BASE_DIR) / "static/css/tokens.css").read_text()
TEXT, CONTROL = 4.5, 3.0

GROUNDS = ["paper", "surface", "sunken"]
PAIRS = [
    *[(ink, ground, TEXT) for ink in ("ink", "ink-2", "ink-3") for ground in GROUNDS],
    *[(ink, "accent-tint", TEXT) for ink in ("ink", "ink-2", "accent")],
    *[("accent", ground, TEXT) for ground in ("paper", "surface")],
    ("accent-ink", "accent", TEXT),
    ("accent-ink", "accent-hover", TEXT),
    *[(tone, f"{tone}-tint", TEXT) for tone in ("minor", "moderate", "critical", "good")],
    *[("ink", f"{tone}-tint", TEXT) for tone in ("minor", "moderate", "critical", "good")],
    *[(tone, "surface", TEXT) for tone in ("minor", "moderate", "critical", "good")],
    *[("control", ground, CONTROL) for ground in ("paper", "surface")],
    *[("focus", ground, CONTROL) for ground in GROUNDS],
    *[(f"chart-{number}", "surface", CONTROL) for number in (1, 2)],
    *[(kind, "surface", CONTROL) for kind in set(re.findall(r"--(kind-[a-z-]+):", CSS))],
]


def block(opening: str) -> dict[str, str]:
    """The declarations of the block that opens so."""
    body = CSS[CSS.index(opening) + len(opening) :]
    return dict(re.findall(r"--([\w-]+):\s*([^;]+);", body[: body.index("}")]))


LIGHT = block(":root {")
DARK = block(':root[data-theme="dark"] {')


def luminance(colour: str) -> float:
    """Relative luminance of `#rrggbb`."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, 1 to 21."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(("front", "ground", "least"), PAIRS)
def test_contrast(theme: dict[str, str], front: str, ground: str, least: float) -> None:
    assert contrast(theme[front], theme[ground]) >= least


def test_contrast_knows_the_extremes() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_the_system_theme_and_the_chosen_theme_are_one() -> None:
    assert block(':root:not([data-theme="light"]) {') == DARK


def test_dark_restates_every_colour() -> None:
    colours = {name for name, value in LIGHT.items() if value.startswith(("#", "rgb"))}
    assert colours <= set(DARK)
