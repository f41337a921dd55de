"""When silence may be believed."""

from __future__ import annotations

import numpy as np

from cloud.spark.alerts.horizon import (
    GRACE_US,
    LONGEST_GRACE_US,
    UNSEEN_US,
    Carrying,
    Horizon,
    Place,
)
from tests.cloud.spark.alerts.naive import SECOND

PACKS: Place = ("fieldline.packs", 0)
OTHER: Place = ("fieldline.packs", 1)


def believed(
    horizon: Horizon, time: int, patience: int = 10 * SECOND, carrying: Carrying | None = None
) -> bool:
    return bool(horizon.is_past(np.array([time]), patience, carrying)[0])


def kept_up(through: int) -> Horizon:
    """A stream that has kept up with Kafka since long."""
    horizon = Horizon()
    for time in range(through - GRACE_US, through + 1, 10 * SECOND):
        horizon.ends(time, {PACKS: 0})
    return horizon


def test_nothing_is_believed_before_all_that_kafka_has_is_handled() -> None:
    horizon = Horizon()
    for second in range(100):
        horizon.ends(second * SECOND, {PACKS: 5, OTHER: 7})
        horizon.handled(PACKS, 5)
    assert horizon.through is None
    assert not believed(horizon, 0)
    horizon.handled(OTHER, 7)
    for second in range(100, 111):
        horizon.ends(second * SECOND, {PACKS: 5, OTHER: 7})
    assert believed(horizon, 109 * SECOND)
    assert not believed(horizon, 110 * SECOND)


def test_a_stream_under_load_is_believed_as_far_as_it_has_come() -> None:
    horizon = Horizon()
    for second in range(30):
        horizon.handled(PACKS, 1000 * (second - 2))
        horizon.ends(second * SECOND, {PACKS: 1000 * second})
    assert horizon.through == 27 * SECOND
    assert believed(horizon, 26 * SECOND)
    assert not believed(horizon, 28 * SECOND)


def test_after_a_delay_devices_may_take_their_time_to_come_back() -> None:
    horizon = Horizon()
    for second in range(0, 400, 5):
        horizon.ends(second * SECOND, {PACKS: 0})
    assert believed(horizon, 0, patience=GRACE_US * 2)
    horizon.ends(500 * SECOND, {PACKS: 0})
    assert not believed(horizon, 0)
    horizon.ends(509 * SECOND, {PACKS: 0})
    assert not believed(horizon, 0)
    horizon.ends(510 * SECOND, {PACKS: 0})
    assert believed(horizon, 0)


def test_a_stream_that_finds_nothing_to_read_has_handled_what_was_there_before() -> None:
    horizon = Horizon()
    horizon.ends(0, {PACKS: 5})
    horizon.ends(SECOND, {PACKS: 6})
    horizon.idle()
    horizon.ends(2 * SECOND, {PACKS: 6})
    assert horizon.through == 0


def test_while_nothing_can_come_into_kafka_nobody_is_silent() -> None:
    horizon = kept_up(10_000 * SECOND)
    assert believed(horizon, 9_990 * SECOND)
    away = Carrying(0, 5_000 * SECOND)  # the bridge has stood still since
    assert believed(horizon, 5_000 * SECOND - UNSEEN_US - 1, carrying=away)
    assert not believed(horizon, 5_000 * SECOND - UNSEEN_US, carrying=away)


def test_once_readings_come_through_again_a_silence_counts_from_then() -> None:
    back = 10_000 * SECOND
    for patience, after in ((60 * SECOND, 60 * SECOND), (10**15, LONGEST_GRACE_US)):
        seen = back + after + UNSEEN_US
        assert not believed(kept_up(seen), 0, patience, Carrying(back, seen - 1))
        assert believed(kept_up(seen), 0, patience, Carrying(back, seen))
