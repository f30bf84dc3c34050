"""The filters of a list as its page shows them: each a menu whose choices are addresses."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from django.utils.functional import Promise

Text = str | Promise


@dataclass(frozen=True, slots=True)
class Choice:
    """One value that a filter may take, with the address that takes it."""

    label: Text
    url: str
    current: bool


@dataclass(frozen=True, slots=True)
class Menu:
    """A filter, what is chosen of it, and the address without it."""

    name: str
    label: Text
    choices: list[Choice]
    chosen: Text = ""
    remove_url: str = ""


def menus(
    labels: Mapping[str, Text],
    options: Mapping[str, Mapping[str, Text]],
    values: Mapping[str, str],
    url: Callable[..., str],
) -> Iterator[Menu]:
    """A menu for each label that has options; `url` writes an address with some values changed."""
    for name, label in labels.items():
        offered = options.get(name, {})
        if offered:
            value = values.get(name, "")
            choices = [
                Choice(text, url(**{name: key}), key == value) for key, text in offered.items()
            ]
            yield Menu(name, label, choices, offered.get(value, ""), url(**{name: ""}))
