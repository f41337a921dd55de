from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_panel.model.drawing import statistics
from control_panel.model.rollups import History, joined, rolled_on, statistics_of
from control_panel.model.series import Window

NONE = Window(np.empty(0, np.int64), np.empty(0), np.empty(0, np.bool_))


def history(count: int, bucket: int = 60, skip: int = -1) -> History:
    times = np.array([n * bucket for n in range(count) if n != skip], np.int64)
    means = times / bucket
    counts = np.full(len(times), 5)
    squares = np.full(len(times), 4.0)
    return History(times, means, means - 1, means + 1, means, counts, squares, bucket)


def readings(first: int, count: int = 10) -> Window:
    times = np.arange(first, first + count, dtype=np.int64)
    return Window(times, np.full(count, 9.0), np.zeros(count, np.bool_))


def wave(begin: int, end: int) -> Window:
    times = np.arange(begin, end, dtype=np.int64)
    return Window(times, np.sin(times / 40.0) * 7, np.zeros(len(times), np.bool_))


def stored(window: Window, bucket: int = 60) -> History:
    return rolled_on(history(0, bucket), window, -1)


@given(st.integers(1, 599))
def test_readings_go_on_with_the_rollups_as_if_all_of_it_were_stored(seam: int) -> None:
    whole, found = stored(wave(0, 900)), rolled_on(stored(wave(0, seam)), wave(seam, 900), 2**40)
    for name in ("times", "minima", "maxima", "lasts"):
        assert getattr(found, name).tolist() == getattr(whole, name).tolist()
    drawn = joined(found, 0, 900, 899)
    assert np.all(np.diff(drawn.line.times) >= 0)
    assert not np.isnan(drawn.line.values).any()
    assert np.all(drawn.band_times[2::2] == drawn.band_times[1:-1:2])
    assert (drawn.line.times[-1], drawn.band_times[-1]) == (899, 899)


def test_a_bucket_at_the_seam_counts_as_far_as_it_lies_before_it() -> None:
    found = rolled_on(stored(wave(0, 600)), wave(90, 600), 90)
    assert found.counts.tolist() == [60] * 10
    assert found.means == pytest.approx(stored(wave(0, 600)).means, abs=1.0)


def test_missing_buckets_are_a_gap() -> None:
    assert np.isnan(joined(history(10, skip=4), 0, 600).line.values).sum() == 1
    far = joined(rolled_on(history(5), readings(5000), 5000), 0, 6000, 5009)
    assert np.isnan(far.line.values).sum() == 1


def test_only_what_is_visible_is_drawn() -> None:
    assert 100 <= len(joined(history(1000), 6000, 12000).line.times) <= 106
    assert not len(joined(history(0), 0, 10).line.times)


def test_statistics_are_those_of_the_readings() -> None:
    window = wave(0, 600)
    whole, found = statistics(window.values), statistics_of(stored(window), 0, 599)
    for name in ("count", "mean", "minimum", "maximum", "deviation", "last"):
        assert math.isclose(getattr(found, name), getattr(whole, name), abs_tol=1e-9)
    assert statistics_of(history(2), 500, 600).count == 0
    assert statistics_of(history(9), 60, 179).count == 10
