from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_panel.model.series import BYTES_A_READING, Series

TIMES = st.integers(0, 60)
BATCH = st.lists(st.tuples(TIMES, st.integers(-5, 5), st.booleans()), max_size=12)


def fill(series: Series, batch: list[tuple[int, int, bool]]) -> None:
    series.append(
        np.array([row[0] for row in batch], np.int64),
        np.array([row[1] for row in batch], np.float64),
        np.array([row[2] for row in batch], np.bool_),
    )


def rows(series: Series, begin: int = -1, end: int = 10**9) -> list[tuple[int, float, bool]]:
    window = series.window(begin, end)
    return list(zip(*(column.tolist() for column in window), strict=True))


@given(st.lists(BATCH, max_size=12), st.integers(1, 40), TIMES, TIMES)
def test_it_holds_what_a_plain_sorted_list_holds(
    batches: list[list[tuple[int, int, bool]]], limit: int, begin: int, end: int
) -> None:
    series = Series(limit)
    plain: dict[int, tuple[float, bool]] = {}
    for batch in batches:
        fill(series, batch)
        for time, value, uncertain in batch:
            plain[time] = (float(value), uncertain)
        plain = dict(sorted(plain.items())[-limit:])
        assert rows(series) == [(time, *rest) for time, rest in plain.items()]
        assert series.bytes <= BYTES_A_READING * max(limit + limit // 4, 1)
    inside = [(time, *rest) for time, rest in plain.items() if begin <= time <= end]
    assert rows(series, begin, end) == inside


@given(BATCH, st.integers(1, 20), st.integers(1, 20))
def test_a_lesser_limit_lets_the_oldest_go(
    batch: list[tuple[int, int, bool]], before: int, after: int
) -> None:
    series = Series(before)
    fill(series, batch)
    held = rows(series)
    series.limit = after
    assert rows(series) == held[-after:]
    fill(series, [(100 + i, i, False) for i in range(30)])
    assert len(series) == after


def test_a_window_is_a_view_that_nobody_writes_to() -> None:
    series = Series(100)
    fill(series, [(i, i, False) for i in range(50)])
    window = series.window(10, 20)
    assert window.times.base is not None
    with pytest.raises(ValueError, match="read-only"):
        window.values[0] = 7


def test_what_is_drawn_reaches_one_reading_beyond_the_window() -> None:
    series = Series(100)
    fill(series, [(10, 1, False), (20, 2, False), (30, 3, False), (40, 4, False)])
    assert series.drawn(15, 35).times.tolist() == [10, 20, 30, 40]
    assert series.drawn(0, 45).times.tolist() == [10, 20, 30, 40]
    assert series.drawn(21, 29).times.tolist() == [20, 30]


def test_a_change_can_be_seen_without_looking_at_the_readings() -> None:
    series = Series(10)
    fill(series, [])
    assert series.version == 0
    fill(series, [(1, 1, False)])
    fill(series, [(1, 2, False)])
    assert series.version == 2


def test_columns_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="2, 1 and 2"):
        Series(3).append(np.zeros(2, np.int64), np.zeros(1), np.zeros(2, np.bool_))
    with pytest.raises(ValueError, match="at least one"):
        Series(0)
