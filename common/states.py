"""Transition tables: the arrows a state may follow, for code and for the database alike."""

from collections.abc import Mapping

from .errors import TransitionRefused

Transitions = Mapping[str, frozenset[str]]


def arrows(table: Mapping[str, str]) -> Transitions:
    """Reads `{"open": "in_recovery resolved"}` into a table of allowed targets."""
    return {source: frozenset(targets.split()) for source, targets in table.items()}


def check_transition(table: Transitions, source: str, target: str) -> None:
    """Raises TransitionRefused unless the arrow from `source` to `target` is drawn."""
    if target not in table.get(source, frozenset()):
        raise TransitionRefused(extra={"from": source, "to": target})


def as_pairs(table: Transitions) -> list[str]:
    """The table as sorted `source>target` words, the form the database trigger takes."""
    return sorted(f"{source}>{target}" for source, targets in table.items() for target in targets)
