"""The one table: work, ours, floor, ratio, budget, met or not."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One workload. `met` None means that it has no budget of its own."""

    work: str
    ours: str
    floor: str = ""
    ratio: str = ""
    budget: str = ""
    met: bool | None = None

    def cells(self) -> list[str]:
        verdict = {True: "yes", False: "NO", None: ""}[self.met]
        return [self.work, self.ours, self.floor, self.ratio, self.budget, verdict]


def render(rows: Sequence[Row]) -> str:
    """A Markdown table with aligned columns."""
    head = ["work", "ours", "floor", "ratio", "budget", "met"]
    lines = [head, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    shown = ["| " + " | ".join(map(str.ljust, line, widths)) + " |" for line in lines]
    shown.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(shown)
