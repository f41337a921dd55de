from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.control.history.ranges import POINTS, WIDTHS, Resolution, buckets, choose, still_there

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def test_the_resolution_suits_the_range() -> None:
    chosen = [choose(BEGIN, BEGIN + timedelta(days=days)) for days in (0.1, 1, 7, 60, 365)]
    assert chosen == ["1m", "1m", "1h", "1h", "1d"]


@given(seconds=st.integers(1, 10**8))
def test_no_more_than_a_screenful_comes_back_unless_nothing_is_coarser(seconds: int) -> None:
    end = BEGIN + timedelta(seconds=seconds)
    chosen = choose(BEGIN, end)
    assert buckets(BEGIN, end, chosen) <= POINTS or chosen is Resolution.DAY
    finer = list(WIDTHS)[: list(WIDTHS).index(chosen)]
    assert all(buckets(BEGIN, end, one) > POINTS for one in finer)


@pytest.mark.parametrize(
    ("suits", "expired", "answered"),
    [
        ("raw", {}, "raw"),
        ("raw", {"raw": 1}, "1m"),
        ("raw", {"raw": 0}, "raw"),
        ("raw", {"raw": 5, "1m": 1}, "1h"),
        ("1m", {"raw": 5}, "1m"),
        ("1m", {"raw": 5, "1m": 1, "1h": 1}, "1d"),
        ("1d", {"raw": 5, "1m": 1, "1h": 1}, "1d"),
    ],
)
def test_what_has_expired_is_answered_coarser(
    suits: str, expired: dict[str, int], answered: str
) -> None:
    until = {Resolution(one): BEGIN + timedelta(days=days) for one, days in expired.items()}
    assert still_there(Resolution(suits), BEGIN, until) == answered
