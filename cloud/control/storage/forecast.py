"""When the disk will be full, from how much everything took before. Pure."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

DAY_S = 86_400.0
LEAST_S = DAY_S
"""Less history says nothing: a server's first hours are like no others."""
HORIZON_DAYS = 3650
WARN_DAYS = 30
_PARTITION_DAYS = {"1h": 366}
_MONTH_DAYS = 31

Samples = Sequence[tuple[float, int]]
"""(seconds since 1970, bytes), the oldest first."""


class Growth(NamedTuple):
    """Of one part, bytes a day: as the disk sees it, and of what comes in alone."""

    net: float
    gross: float


class Forecast(NamedTuple):
    """`days` until the disk is full; None: not within the horizon, or not `known` yet."""

    known: bool
    days: int | None


def growth(samples: Samples) -> Growth | None:
    """Return how fast a part grows; None if it was not watched for long enough.

    `net` is that of the least-squares line, because Kafka's log and logs that are rotated go up
    and down; `gross` leaves out what was let expire.
    """
    if not samples or samples[-1][0] - samples[0][0] < LEAST_S:
        return None
    days = [(at - samples[0][0]) / DAY_S for at, _ in samples]
    middle = sum(days) / len(days)
    mean = sum(size for _, size in samples) / len(samples)
    spread = sum((day - middle) ** 2 for day in days)
    slope = sum(
        (day - middle) * (size - mean) for day, (_, size) in zip(days, samples, strict=True)
    )
    sizes = [size for _, size in samples]
    came = sum(max(0, after - before) for before, after in pairwise(sizes))
    return Growth(slope / spread, came / days[-1])


def forecast(
    free: int,
    sizes: Mapping[str, int],
    growths: Mapping[str, Growth | None],
    kept_days: Mapping[str, int | None],
) -> Forecast:
    """Say when parts that grow as they did have taken `free` bytes.

    A tier that is kept for some days grows to what comes in over those, and its last partition,
    and no further.
    """
    known = {part: grown for part, grown in growths.items() if grown is not None}
    if not known:
        return Forecast(known=False, days=None)
    for day in range(1, HORIZON_DAYS + 1):
        if sum(_added(part, day, sizes, known, kept_days) for part in known) > free:
            return Forecast(known=True, days=day)
    return Forecast(known=True, days=None)


def _added(
    part: str,
    day: int,
    sizes: Mapping[str, int],
    known: Mapping[str, Growth],
    kept_days: Mapping[str, int | None],
) -> float:
    kept = kept_days.get(part)
    if kept is None:
        return max(0.0, known[part].net) * day
    most = known[part].gross * (kept + _PARTITION_DAYS.get(part, _MONTH_DAYS))
    return max(0.0, min(known[part].gross * day, most - sizes.get(part, 0)))
