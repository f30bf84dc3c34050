"""Columns stack to their sums and the drawing agrees with the table."""

import pytest

from common.charts import Bar, Bars, Columns, Row, polyline


def test_columns_stack_from_the_ground() -> None:
    chart = Columns("s", "day", ["a", "b"], [Row("1", [30, 10]), Row("2", [20, 0])])
    assert chart.top == 40
    low, high, second = chart.blocks
    assert low.y + low.height == pytest.approx(100)
    assert high.y + high.height == pytest.approx(low.y)
    assert high.y == pytest.approx(0)
    assert second.height == pytest.approx(50)


def test_nothing_to_show_divides_by_nothing() -> None:
    chart = Columns("s", "day", ["a"], [], show=lambda value: f"${value}")
    assert chart.blocks == []
    assert chart.top_shown == "$0"
    assert polyline([], 76, 20) == ""
    assert polyline([0, 0], 76, 20) == "0.0,18.0 76.0,18.0"


def test_only_numbers_with_something_behind_them_are_links() -> None:
    row = Row("1", [30, 0, 4], links=["/thirty", "/none"])
    chart = Columns("s", "day", ["a", "b", "c"], [row])
    assert chart.table == [(row, [("30", "/thirty"), ("0", ""), ("4", "")])]


def test_bars_are_measured_by_the_longest() -> None:
    assert Bars("s", ["what"], [Bar("a", 3, "3"), Bar("b", 7, "7")]).top == 7
    assert Bars("s", ["what"], []).top == 1


def test_a_series_is_one_path() -> None:
    chart = Columns("s", "day", ["a", "b"], [Row("1", [30, 10]), Row("2", [20, 0])], looks="xy")
    (low, first), (high, second) = chart.paths
    assert (low, high) == ("x", "y")
    assert chart.legend == [("x", "a"), ("y", "b")]
    assert first == "M1.40 25.00h7.20v75.00h-7.20zM11.40 50.00h7.20v50.00h-7.20z"
    assert second.count("M") == 1
