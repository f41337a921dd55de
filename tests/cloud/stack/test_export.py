"""How an export is cut into requests."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.stack.commands.export import spans, time

TIMES = st.integers(0, 30_000 * 86_400).map(
    lambda s: datetime(2000, 1, 1, tzinfo=UTC) + timedelta(seconds=s)
)


@given(TIMES, st.timedeltas(timedelta(microseconds=1), timedelta(days=4000)), st.lists(TIMES))
def test_nothing_between_is_left_out_or_asked_twice(
    begin: datetime, length: timedelta, days: list[datetime]
) -> None:
    found = spans((begin, begin + length), days)
    assert (found[0][0], found[-1][1]) == (begin, begin + length)
    assert all(one[1] == next_one[0] for one, next_one in pairwise(found))
    assert all(one[0] < one[1] for one in found)


def test_months_with_readings_are_asked_one_by_one() -> None:
    def day(month: int, number: int = 1) -> datetime:
        return datetime(2026, month, number, tzinfo=UTC)

    found = spans((day(1), day(12, 5)), [day(3, 9), day(4, 2), day(12, 1)])
    assert found == [(day(1), day(4)), (day(4), day(12)), (day(12), day(12, 5))]


def test_a_time_without_a_zone_is_utc() -> None:
    assert time("2026-03-01") == time("2026-03-01T00:00:00Z")
    assert time("2026-03-01T02:00:00+02:00") == time("2026-03-01")
    with pytest.raises(argparse.ArgumentTypeError, match="say 2026-03-01"):
        time("yesterday")
