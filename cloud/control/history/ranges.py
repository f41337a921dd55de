"""Which resolution a stretch of time is shown in. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

POINTS = 2000
"""About so many points a channel come back when the resolution is ours to choose."""
MOST_POINTS = 20_000
"""At most so many buckets a channel are answered as JSON."""


class Resolution(StrEnum):
    """What a point stands for: one reading, or all of a minute, an hour, a day (UTC)."""

    RAW = "raw"
    MINUTE = "1m"
    HOUR = "1h"
    DAY = "1d"


WIDTHS = {
    Resolution.MINUTE: timedelta(minutes=1),
    Resolution.HOUR: timedelta(hours=1),
    Resolution.DAY: timedelta(days=1),
}


def choose(begin: datetime, end: datetime) -> Resolution:
    """Return the finest rollup of which at most `POINTS` fit in; days if none."""
    for resolution, width in WIDTHS.items():
        if end - begin <= POINTS * width:
            return resolution
    return Resolution.DAY


def still_there(
    suits: Resolution, begin: datetime, expired: Mapping[Resolution, datetime]
) -> Resolution:
    """Return the finest resolution from `suits` on of which nothing since `begin` has expired.

    `expired` says until when each one has. Days never do.
    """
    order = list(Resolution)
    for resolution in order[order.index(suits) :]:
        if resolution not in expired or expired[resolution] <= begin:
            return resolution
    return Resolution.DAY


def buckets(begin: datetime, end: datetime, resolution: Resolution) -> int:
    """Say how many points a channel has at most; 0 for raw, of which nobody knows."""
    width = WIDTHS.get(resolution)
    return 0 if width is None else -(-(end - begin) // width)
