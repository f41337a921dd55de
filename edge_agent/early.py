"""Readings from before the clock was set: kept by their time since boot, dated once it is known.

A Pi has no battery clock: it starts in 1970, and learns the time when there is a network. What it
reads until then is not thrown away and not given a time that is wrong.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from edge_agent.buffer import Early
from wire.reading import Reading, TimeQuality

_Row = tuple[str, int, float | str | bool, str]  # channel, boot time, value, unit


class Origin(NamedTuple):
    """When a boot began, µs UTC, and how far that can be trusted."""

    utc: int
    quality: TimeQuality


class _Content(msgspec.Struct, array_like=True):
    quality: TimeQuality
    rows: list[_Row]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Content)


def keep(boot: str, offset: int, quality: TimeQuality, readings: Sequence[Reading]) -> Early:
    """Turn readings into what waits; `offset` is what the wall clock, which was wrong, said more
    than the boot time when they were stamped. `quality` is the sources' own opinion.
    """
    rows: list[_Row] = [(r.channel, r.time_utc - offset, _value(r.value), r.unit) for r in readings]
    newest = max(row[1] for row in rows)
    return Early(boot, newest, _encoder.encode(_Content(quality, rows)))


def origins(boots: Sequence[tuple[str, int]], current: str, began_utc: int) -> dict[str, Origin]:
    """Say when each boot began, given the boots in order with the boot time of their newest
    reading, and when the current one began.

    The current one's beginning is known. One before it must have ended when the next one began, so
    it is put there: the latest it can have been. Then it lies also after all that came before it.
    """
    found: dict[str, Origin] = {}
    end = began_utc
    for boot, newest in reversed(boots):
        if boot and boot == current:
            found[boot] = Origin(began_utc, TimeQuality.CORRECTED)
        else:
            end -= max(newest, 0)
            found[boot] = Origin(end, TimeQuality.ESTIMATED)
    return found


def dated(
    kept: Iterable[Early], origin: dict[str, Origin]
) -> Iterator[tuple[TimeQuality, list[Reading]]]:
    """Give the readings their times."""
    for early in kept:
        content = _decoder.decode(early.payload)
        began, quality = origin[early.boot]
        own = content.quality
        yield (
            quality if own is TimeQuality.SYNCED else own,
            [
                Reading(channel, began + at, value, unit)
                for channel, at, value, unit in content.rows
            ],
        )


def _value(value: float | str | bool) -> float | str | bool:
    """A whole number may be larger than msgpack takes."""
    return value if isinstance(value, str | bool) else float(value)
