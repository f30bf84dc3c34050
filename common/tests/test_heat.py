"""A grid is tinted by its counts, its legend says which, and its table adds up."""

import pytest

from common.heat import TINTS, Heat, Side, tint_of

VALUES = [[0, 3, 12], [1, 0, 0]]


def heat(values: list[list[int]]) -> Heat:
    return Heat(
        sentence="s",
        heading="hour",
        rows=[Side("Monday", "Mon"), Side("Tuesday", "Tue")],
        columns=[Side(f"{hour} o'clock", str(hour)) for hour in range(3)],
        values=values,
        link=lambda row, column: f"/{row}/{column}",
        every=2,
    )


@pytest.mark.parametrize("top", [1, 2, 3, 4, 5, 6, 7, 12, 99, 1000])
def test_tints_grow_with_counts_up_to_the_strongest(top: int) -> None:
    tints = [tint_of(value, top) for value in range(top + 1)]
    assert tints == sorted(tints)
    assert (tints[0], tints[-1]) == (0, TINTS)
    assert 0 not in tints[1:]
    assert len(set(tints[1:])) == min(TINTS, top)


@pytest.mark.parametrize("top", [1, 2, 4, 5, 6, 7, 13, 24, 99])
def test_the_legend_says_which_counts_a_tint_stands_for(top: int) -> None:
    said: dict[int, int] = {}
    for tint, words in heat([[0, 0, top], [0, 0, 0]]).legend:
        low, _dash, high = words.partition("\u2013")
        said |= dict.fromkeys(range(int(low), int(high or low) + 1), tint)
    assert said == {value: tint_of(value, top) for value in range(top + 1)}


def test_squares_fill_the_drawing_and_say_what_they_are() -> None:
    chart = heat(VALUES)
    assert [square.tint for square in chart.squares] == [0, 2, 5, 1, 0, 0]
    assert [(square.x, square.y) for square in chart.squares[2:4]] == [
        ("66.6667%", "0.0000%"),
        ("0.0000%", "50.0000%"),
    ]
    assert (chart.width, chart.height) == ("33.3333%", "50.0000%")
    assert chart.squares[2].words == "Monday, 2 o'clock: 12"
    assert [column.short for column in chart.named] == ["0", "2"]


def test_the_table_is_turned_and_adds_up_by_links() -> None:
    chart = heat(VALUES)
    assert [(column.short, cells) for column, cells in chart.table] == [
        ("0", [("0", ""), ("1", "/1/0"), ("1", "/None/0")]),
        ("1", [("3", "/0/1"), ("0", ""), ("3", "/None/1")]),
        ("2", [("12", "/0/2"), ("0", ""), ("12", "/None/2")]),
    ]
    assert chart.foot == [("15", "/0/None"), ("1", "/1/None"), ("16", "/None/None")]


def test_nothing_to_show_is_a_grid_of_nothing() -> None:
    chart = heat([[0, 0, 0], [0, 0, 0]])
    assert {square.tint for square in chart.squares} == {0}
    assert chart.legend == [(0, "0")]
    assert chart.foot[-1] == ("0", "")
