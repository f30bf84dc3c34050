"""A grid that the server draws: squares tinted by their counts, a legend and a table.

As in `common.charts`, nothing here knows what is counted.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

# Tints of a grid, beside the ground of what is empty.
TINTS = 5


@dataclass(frozen=True, slots=True)
class Side:
    """A row or a column of a grid: its name, its short name, and what else its head says."""

    name: str
    short: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Square:
    """One square of a drawn grid; its place is a share of the drawing, as SVG writes it."""

    tint: int
    x: str
    y: str
    words: str


@dataclass(frozen=True, slots=True)
class Heat:
    """A grid of counts with the sentence that says what it shows and the table behind it.

    `values` are by row and column. `link` gives the address behind a row and a column, where None
    stands for all of them. The table is turned, a row of it for each column: it stays narrow.
    """

    sentence: str
    heading: str
    rows: Sequence[Side]
    columns: Sequence[Side]
    values: Sequence[Sequence[int]]
    link: Callable[[int | None, int | None], str]
    show: Callable[[int], str] = str
    # Under the drawing, one column of so many is named.
    every: int = 1

    @property
    def top(self) -> int:
        """The fullest square."""
        return max((value for row in self.values for value in row), default=0)

    @property
    def named(self) -> Sequence[Side]:
        """The columns that are named under the drawing."""
        return self.columns[:: self.every]

    @property
    def width(self) -> str:
        return _share(1, len(self.columns))

    @property
    def height(self) -> str:
        return _share(1, len(self.rows))

    @property
    def squares(self) -> list[Square]:
        """Every square, row by row."""
        top, across = self.top, [_share(n, len(self.columns)) for n in range(len(self.columns))]
        return [
            Square(
                tint_of(value, top),
                x,
                _share(index, len(self.rows)),
                f"{row.name}, {column.name}: {self.show(value)}",
            )
            for index, (row, values) in enumerate(zip(self.rows, self.values, strict=True))
            for column, x, value in zip(self.columns, across, values, strict=True)
        ]

    @property
    def legend(self) -> list[tuple[int, str]]:
        """Each tint that may be met with the counts it stands for."""
        top = self.top
        steps = min(TINTS, top)
        found, low = [(0, self.show(0))], 1
        for step in range(1, steps + 1):
            high = step * top // steps
            words = self.show(low) if low == high else f"{self.show(low)}\u2013{self.show(high)}"
            found.append((tint_of(high, top), words))
            low = high + 1
        return found

    @property
    def table(self) -> list[tuple[Side, list[tuple[str, str]]]]:
        """For each column: its values by row and their sum, each with its address or none."""
        found = []
        for index, column in enumerate(self.columns):
            down = [values[index] for values in self.values]
            cells = [self._cell(value, row, index) for row, value in enumerate(down)]
            found.append((column, [*cells, self._cell(sum(down), None, index)]))
        return found

    @property
    def foot(self) -> list[tuple[str, str]]:
        """The sum of each row and of everything, each with its address or none."""
        sums = [sum(values) for values in self.values]
        cells = [self._cell(value, row, None) for row, value in enumerate(sums)]
        return [*cells, self._cell(sum(sums), None, None)]

    def _cell(self, value: int, row: int | None, column: int | None) -> tuple[str, str]:
        return self.show(value), self.link(row, column) if value else ""


def tint_of(value: int, top: int) -> int:
    """0 for nothing, else 1 to TINTS in equal steps, the fullest always the strongest.

    Where there are fewer counts than tints, each count has its own.
    """
    if not value:
        return 0
    steps = min(TINTS, top)
    step = -(-steps * value // top)
    return -(-TINTS * step // steps)


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.4f}%"
