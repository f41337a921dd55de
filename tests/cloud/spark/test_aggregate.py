"""Partial aggregates: whatever is cut where and merged in which order, the whole comes out."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud.spark.aggregate import (
    DAY,
    HOUR,
    MINUTE,
    PARTIAL,
    aggregate,
    merge,
    order_by_series_time,
)

START = 1_795_400_000_000_000
readings = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.integers(0, 3 * HOUR // 7_000_000).map(lambda n: START + n * 7_000_000),
        st.floats(-1e6, 1e6, allow_subnormal=False) | st.sampled_from([0.0, 1.0]),
    ),
    max_size=60,
)
Reading = tuple[int, int, float]


def aggregated(some: list[Reading]) -> Any:
    series = np.array([r[0] for r in some], np.int32)
    times = np.array([r[1] for r in some], np.int64)
    values = np.array([r[2] for r in some], np.float64)
    order = order_by_series_time(series, times, values)
    return aggregate(series[order], times[order], values[order])


def expected(some: list[Reading], width: int) -> dict[tuple[int, int], list[Reading]]:
    groups: dict[tuple[int, int], list[Reading]] = defaultdict(list)
    for reading in some:
        groups[reading[0], reading[1] // width * width].append(reading)
    return groups


def check(parts: Any, some: list[Reading], width: int) -> None:
    groups = expected(some, width)
    assert [(p["series"], p["time"]) for p in parts] == sorted(groups)
    for part in parts:
        group = groups[part["series"], part["time"]]
        values = [value for _, _, value in group]
        mean = statistics.fmean(values)
        size = max(
            1e-130, *map(abs, values)
        )  # what is less counts as nothing: its square underflows
        assert part["n"] == len(values)
        assert part["mean"] == pytest.approx(mean, rel=1e-12, abs=1e-12 * size)
        squares = math.fsum((value - mean) ** 2 for value in values)
        assert part["m2"] == pytest.approx(squares, rel=1e-9, abs=1e-12 * size**2)
        assert (part["minimum"], part["maximum"]) == (min(values), max(values))
        first = min((time, value) for _, time, value in group)
        last = max((time, value) for _, time, value in group)
        assert (part["first_time"], part["first"]) == first
        assert (part["last_time"], part["last"]) == last


@settings(deadline=None)
@given(readings)
def test_minutes_are_what_a_few_lines_of_python_compute(some: list[Reading]) -> None:
    check(aggregated(some), some, MINUTE)


@settings(deadline=None)
@given(readings, st.lists(st.integers(0, 60), max_size=3), st.randoms())
def test_parts_merge_to_the_whole_in_any_order(
    some: list[Reading], cuts: list[int], random: Any
) -> None:
    random.shuffle(some)
    edges = [0, *sorted(cuts), len(some)]
    parts = [aggregated(some[a:b]) for a, b in pairwise(edges)]
    random.shuffle(parts)
    minutes = merge(np.concatenate(parts), MINUTE)
    check(minutes, some, MINUTE)
    hours = merge(minutes, HOUR)
    check(hours, some, HOUR)
    check(merge(hours, DAY), some, DAY)


def test_what_is_next_to_nothing_is_nothing() -> None:
    parts = aggregated([(0, START, 5e-324), (0, START + 1, 1e-300)])
    assert parts["mean"][0] == 0.0
    assert parts["m2"][0] == 0.0
    assert parts["first"][0] == 5e-324


def test_the_greatest_values_that_a_pack_may_hold_stay_finite() -> None:
    parts = aggregated([(0, START + n, (-1) ** n * 9.9e149) for n in range(10_000)])
    merged = merge(np.concatenate([parts] * 10), DAY)
    assert np.isfinite(merged["m2"]).all()
    assert merged["n"][0] == 100_000


def test_times_far_apart_in_many_series_are_still_ordered() -> None:
    series = np.array([2**30, 0, 2**30], np.int32)
    times = np.array([START, 0, 0], np.int64)
    assert order_by_series_time(series, times, np.zeros(3)).tolist() == [1, 2, 0]


def test_nothing_gives_nothing() -> None:
    assert len(aggregated([])) == 0
    assert len(merge(np.empty(0, PARTIAL), HOUR)) == 0
