from __future__ import annotations

import itertools
import math
import statistics as plain
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_panel.model.drawing import (
    Field,
    Finest,
    Stretch,
    decimals,
    decimated,
    gaps,
    local,
    picture,
    polyline,
    statistics,
    time_ticks,
    uncertain_stretches,
    value_at,
    value_range,
    value_ticks,
)
from control_panel.model.series import Window

SECOND = 1_000_000
BERLIN = ZoneInfo("Europe/Berlin")


def number(value: float, decimals: int | None) -> str:
    return f"{value:.4g}" if decimals is None else f"{value:.{decimals}f}"


def clock(at: datetime, finest: Finest) -> str:
    return {
        Finest.DAY: f"{at:%d %b}",
        Finest.MINUTE: f"{at:%H:%M}",
        Finest.SECOND: f"{at:%H:%M:%S}",
        Finest.MILLISECOND: f"{at:%H:%M:%S.%f}"[:-3],
    }[finest]


def window(
    times: list[int], values: list[float] | None = None, uncertain: list[bool] | None = None
) -> Window:
    return Window(
        np.array(times, np.int64),
        np.array(values if values is not None else times, np.float64),
        np.array(uncertain if uncertain is not None else [False] * len(times), np.bool_),
    )


def covered(times: list[int], values: list[float], step: float) -> dict[int, set[int]]:
    """Which pixels a line covers, drawn column by column with exact interpolation."""
    found: dict[int, list[float]] = {}
    for time, value in zip(times, values, strict=True):
        found.setdefault(math.floor(time / step), []).append(value)
    points = list(zip(times, values, strict=True))
    for (t0, v0), (t1, v1) in itertools.pairwise(points):
        for column in range(math.floor(t0 / step) + 1, math.floor(t1 / step) + 1):
            crossing = v0 + (v1 - v0) * (column * step - t0) / (t1 - t0)
            found.setdefault(column, []).append(crossing)
            found.setdefault(column - 1, []).append(crossing)
    return {
        column: set(range(math.floor(min(heights)), math.floor(max(heights)) + 1))
        for column, heights in found.items()
    }


@given(
    st.lists(
        st.tuples(st.integers(0, 5000), st.integers(-50, 50)),
        min_size=1,
        max_size=400,
        unique_by=lambda row: row[0],
    ),
    st.integers(1, 20),
)
def test_the_decimated_picture_covers_the_pixels_of_the_whole(
    rows: list[tuple[int, int]], pixels: int
) -> None:
    rows = sorted(rows)
    times = np.array([row[0] for row in rows], np.int64)
    values = np.array([row[1] for row in rows], np.float64)
    kept = decimated(times, values, 0, 5000, pixels)
    assert len(kept) <= 4 * (pixels + 1)
    assert sorted(set(kept.tolist())) == kept.tolist()
    step = 5000 / pixels
    whole = covered(times.tolist(), values.tolist(), step)
    assert covered(times[kept].tolist(), values[kept].tolist(), step) == whole


def test_the_same_columns_are_kept_while_the_window_moves() -> None:
    times = np.arange(0, 100_000, 3)
    values = np.sin(times / 50.0)
    first = set(decimated(times, values, 0, 90_000, 90).tolist())
    moved = set(decimated(times, values, 317, 90_317, 90).tolist())
    assert first == moved


def test_a_pause_of_many_intervals_is_a_break_in_the_line() -> None:
    times = [n * SECOND for n in (*range(10), *range(30, 40))]
    assert gaps(np.array(times)).tolist() == [9]
    drawn = picture(window(times), 0, 40 * SECOND, 100).sure
    assert np.flatnonzero(np.isnan(drawn.values)).tolist() == [10]
    assert len(drawn.times) == 21


def test_two_readings_and_a_board_s_bursts_have_no_gaps() -> None:
    assert not len(gaps(np.array([0, 100 * SECOND])))
    burst = [n * 200_000 + k for n in range(20) for k in range(8)]
    assert not len(gaps(np.array(burst)))


@given(st.lists(st.booleans(), min_size=2, max_size=40))
def test_every_piece_of_the_line_is_drawn_sure_or_uncertain(marks: list[bool]) -> None:
    times = [n * SECOND for n in range(len(marks))]
    sure, uncertain = picture(window(times, None, marks), 0, len(marks) * SECOND, 1000)

    def pieces(line: tuple[np.ndarray, np.ndarray]) -> set[int]:
        held = dict(zip(line[0].tolist(), line[1].tolist(), strict=True))
        return {
            n
            for n in range(len(marks) - 1)
            if all(not math.isnan(held.get(times[k], math.nan)) for k in (n, n + 1))
        }

    need_sure = {n for n in range(len(marks) - 1) if not marks[n] and not marks[n + 1]}
    assert pieces(sure) == need_sure
    assert pieces(uncertain) | need_sure == set(range(len(marks) - 1))


def test_uncertain_time_is_told_in_stretches() -> None:
    times = np.array([1, 2, 3, 4, 5, 6])
    marks = np.array([True, True, False, False, True, False])
    assert uncertain_stretches(times, marks) == [Stretch(1, 2), Stretch(5, 5)]
    assert uncertain_stretches(times, ~marks | True) == [Stretch(1, 6)]


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50))
def test_statistics_are_those_of_the_textbook(values: list[float]) -> None:
    found = statistics(np.array(values))
    assert found.count == len(values)
    assert found.mean == pytest.approx(plain.fmean(values), abs=1e-3)
    assert found.deviation == pytest.approx(plain.pstdev(values), abs=1e-3)
    assert (found.minimum, found.maximum, found.last) == (min(values), max(values), values[-1])


def test_statistics_of_nothing_say_that_there_is_nothing() -> None:
    found = statistics(np.empty(0))
    assert found.count == 0
    assert math.isnan(found.mean)


@given(st.floats(-1e9, 1e9), st.floats(1e-3, 1e9), st.integers(2, 20))
def test_value_ticks_are_few_and_inside(low: float, width: float, about: int) -> None:
    ticks = value_ticks(low, low + width, about, number)
    air = width * 1e-6 + abs(low) * 1e-9
    assert len(ticks) <= about + 2
    assert all(low - air <= tick.at <= low + width + air for tick in ticks)


def test_value_ticks_are_round() -> None:
    assert [tick.text for tick in value_ticks(-0.3, 1.2, 5, number)] == ["0.0", "0.5", "1.0"]
    assert [tick.text for tick in value_ticks(18.2, 23.1, 5, number)] == [
        "19",
        "20",
        "21",
        "22",
        "23",
    ]
    assert value_ticks(1, 1, 5, number) == ()


@given(st.integers(1_700_000_000, 1_800_000_000), st.floats(0.05, 3e6), st.integers(1, 15))
def test_time_ticks_are_few_ascending_and_inside(begin: int, span: float, about: int) -> None:
    begin_utc, end_utc = begin * SECOND, begin * SECOND + round(span * SECOND)
    ticks = time_ticks(begin_utc, end_utc, about, clock, BERLIN)
    assert len(ticks) <= about + 1
    assert [tick.at for tick in ticks] == sorted({tick.at for tick in ticks})
    assert all(begin_utc <= tick.at <= end_utc for tick in ticks)


def test_time_ticks_stand_at_full_local_hours() -> None:
    begin = datetime(2026, 3, 28, 21, 30, tzinfo=UTC)
    end = begin + timedelta(hours=8)  # the night that summer time begins in
    ticks = time_ticks(
        int(begin.timestamp()) * SECOND, int(end.timestamp()) * SECOND, 9, clock, BERLIN
    )
    texts = [tick.text for tick in ticks]
    assert texts == ["23:00", "29 Mar", "01:00", "03:00", "04:00", "05:00", "06:00", "07:00"]


def test_local_times_are_this_machine_s_if_no_zone_is_given() -> None:
    assert local(0).utcoffset() == datetime.fromtimestamp(0).astimezone().utcoffset()


def test_the_reading_nearest_to_the_cursor_is_found() -> None:
    assert value_at(window([10, 20, 40]), 31) == (40, 40.0)
    assert value_at(window([10, 20, 40]), 29) == (20, 20.0)
    assert value_at(window([10, 20, 40]), 900) == (40, 40.0)
    assert value_at(window([]), 5) is None


def test_an_axis_has_air_and_never_no_height() -> None:
    low, high = value_range([1.0, math.nan], [3.0])
    assert low < 1 < 3 < high
    low, high = value_range([5.0], [5.0])
    assert low < 5 < high
    assert value_range([], []) == (0.0, 1.0)


def test_decimals_tell_values_apart() -> None:
    assert decimals(0, 10) == 1
    assert decimals(20.1, 20.2) == 4
    assert decimals(5, 5) == 2


def test_pixels_count_from_the_upper_left() -> None:
    line = picture(window([0, 50, 100], [0.0, 5.0, 10.0]), 0, 100, 100).sure
    x, y = polyline(line, Field(0, 100, 0.0, 10.0, 200, 50))
    assert x.tolist() == [0, 100, 200]
    assert y.tolist() == [50, 25, 0]
