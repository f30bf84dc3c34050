"""Columns stack to their sums and the drawing agrees with the table."""

import pytest

from common.charts import Columns, Row, polyline


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
