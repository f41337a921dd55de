"""Calibration: what was measured times a factor plus an offset, a channel each."""

from collections.abc import Mapping, Sequence

import msgspec

from wire.configuration import Calibration
from wire.reading import Reading


def calibrated(readings: Sequence[Reading], table: Mapping[str, Calibration]) -> Sequence[Reading]:
    """Correct the numbers of the channels (full names) in the table; the rest passes untouched."""
    if not table:
        return readings
    return [
        msgspec.structs.replace(reading, value=reading.value * by.factor + by.offset)
        if (by := table.get(reading.channel)) is not None
        and isinstance(reading.value, int | float)
        and not isinstance(reading.value, bool)
        else reading
        for reading in readings
    ]
