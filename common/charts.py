"""Geometry of the charts that the server draws. Counts and minor units come in, positions go out.

Nothing here knows what is counted. Positions are floats of a drawing, never amounts.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

GAP = 0.28
HEIGHT = 100


@dataclass(frozen=True, slots=True)
class Row:
    """One column of a chart and one row of its table: a value for each series.

    `links` are the addresses behind the values, in their order; an empty one is no link.
    """

    label: str
    values: Sequence[int]
    href: str = ""
    links: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Block:
    """A rectangle of one series, in units of the drawing."""

    series: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Columns:
    """Stacked columns with the sentence that says what they show and the table behind them.

    `show` writes one value for people, in the market's format. `looks` names how each series is
    drawn (`series-…` in the styles), so that the same thing looks the same in every chart.
    """

    sentence: str
    heading: str
    series: Sequence[str]
    rows: Sequence[Row]
    show: Callable[[int], str] = str
    looks: Sequence[str] = ("1",)

    @property
    def legend(self) -> list[tuple[str, str]]:
        """How each series is drawn, and its name."""
        return list(zip(self.looks, self.series, strict=True))

    @property
    def top(self) -> int:
        """The tallest column; at least 1, so that an empty chart divides by something."""
        return max((sum(row.values) for row in self.rows), default=0) or 1

    @property
    def top_shown(self) -> str:
        """The tallest column, written for people."""
        return self.show(max((sum(row.values) for row in self.rows), default=0))

    @property
    def width(self) -> int:
        """Units of the drawing: ten a column."""
        return 10 * max(len(self.rows), 1)

    @property
    def blocks(self) -> list[Block]:
        """Every rectangle, from the bottom of each column upwards."""
        found = []
        for index, row in enumerate(self.rows):
            level = float(HEIGHT)
            for series, value in enumerate(row.values, start=1):
                height = HEIGHT * value / self.top
                level -= height
                if value:
                    x = 10 * (index + GAP / 2)
                    found.append(Block(series, x, level, 10 * (1 - GAP), height))
        return found

    @property
    def paths(self) -> list[tuple[str, str]]:
        """Every series as one SVG path: a rectangle after the other, written with two decimals."""
        drawn: dict[int, list[str]] = {}
        for block in self.blocks:
            drawn.setdefault(block.series, []).append(
                f"M{block.x:.2f} {block.y:.2f}h{block.width:.2f}v{block.height:.2f}"
                f"h-{block.width:.2f}z"
            )
        return [(self.looks[series - 1], "".join(parts)) for series, parts in sorted(drawn.items())]

    @property
    def table(self) -> list[tuple[Row, list[tuple[str, str]]]]:
        """The rows with their values written for people, each with its address or none."""
        return [(row, self._cells(row)) for row in self.rows]

    def _cells(self, row: Row) -> list[tuple[str, str]]:
        links = [*row.links, *[""] * (len(row.values) - len(row.links))]
        return [
            (self.show(value), link if value else "")
            for value, link in zip(row.values, links, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class Bar:
    """One ranked bar: what it is, how much as a number and as words, and the address behind it.

    `more` are further figures of its row in the table, each with its address or none.
    """

    label: str
    value: int
    shown: str
    href: str = ""
    more: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars side by side with the sentence that says what they show and the table behind them."""

    sentence: str
    headings: Sequence[str]
    bars: Sequence[Bar]

    @property
    def top(self) -> int:
        """The longest bar; at least 1."""
        return max((bar.value for bar in self.bars), default=0) or 1


def polyline(values: Sequence[int], width: int, height: int) -> str:
    """Points of a line through the values, the largest at the top; flat for no values."""
    top = max(values, default=0) or 1
    step = width / max(len(values) - 1, 1)
    return " ".join(
        f"{index * step:.1f},{height - 2 - (height - 4) * value / top:.1f}"
        for index, value in enumerate(values)
    )
