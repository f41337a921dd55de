"""Readings and the channels that they belong to."""

import enum

import msgspec

from wire.message import Word


class TimeQuality(enum.StrEnum):
    """How far a reading's time can be trusted."""

    SYNCED = "synced"
    """Taken while the clock was known to be right."""
    CORRECTED = "corrected"
    """Taken before; counted back from boot time once the clock was right."""
    ESTIMATED = "estimated"
    """The clock was never known to be right; the time is a guess."""


class Reading(msgspec.Struct, frozen=True, gc=False):
    """One value of one channel at one instant; `time_utc` in µs since 1970."""

    channel: str
    time_utc: int
    value: float | str | bool
    unit: str = ""
    quality: TimeQuality = TimeQuality.SYNCED


class Channel(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a device says of one of its channels; the range is that of plausible values."""

    channel: str
    label: Word = ""
    unit: Word = ""
    minimum: float | None = None
    maximum: float | None = None
    source: Word = ""
