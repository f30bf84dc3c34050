"""Every kind of offer has a colour of its own in both themes, which charts name by the kind."""

import re
from pathlib import Path

import pytest
from django.conf import settings

from compensations.states import OfferKind

CSS = Path(settings.BASE_DIR) / "static" / "css"
LOOKS = [*OfferKind.values, "others"]


@pytest.mark.parametrize("opening", [":root {", ':root[data-theme="dark"] {'])
def test_no_two_kinds_share_a_colour(opening: str) -> None:
    tokens = (CSS / "tokens.css").read_text().split(opening, 1)[1].split("}", 1)[0]
    colours = dict(re.findall(r"--kind-([\w-]+): (#\w+);", tokens))
    assert set(colours) == {look.replace("_", "-") for look in LOOKS}
    assert len(set(colours.values())) == len(LOOKS)


@pytest.mark.parametrize("look", LOOKS)
def test_a_kind_is_drawn_in_its_colour(look: str) -> None:
    rule = f".series-{look} {{\n  fill: var(--kind-{look.replace('_', '-')});\n}}"
    assert rule in (CSS / "components.css").read_text()
