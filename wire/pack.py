"""Packs: SenML JSON (RFC 8428) with an identity, as docs/protocols.md defines it.

Encoding is strict. Decoding takes all of SenML that concerns readings, refuses single
records with a reason, and raises PackRefused, and nothing else, for a pack as a whole.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import attrgetter

import msgspec

from wire.columns import (
    EARLIEST_UTC,
    LATEST_ENCODED_UTC,
    MAX_MAGNITUDE,
    MAX_TEXT,
    MAX_UNIT,
    PackColumns,
    decode_columns,
)
from wire.errors import WireError
from wire.names import check_device_name, is_channel_name, is_epoch
from wire.reading import Reading, TimeQuality
from wire.records import MAX_BYTES, MAX_RECORDS, MAX_SEQUENCE, PackRefused, Refusal

__all__ = [
    "MAX_BYTES",
    "MAX_RECORDS",
    "MAX_SEQUENCE",
    "Pack",
    "PackColumns",
    "PackRefused",
    "PackTooLarge",
    "ReadingRefused",
    "Refusal",
    "decode_columns",
    "decode_pack",
    "encode_pack",
    "fault",
]


class ReadingRefused(WireError):
    """A reading cannot travel; `fault` says of any reading whether it can."""

    def __init__(self, reading: Reading, reason: str) -> None:
        super().__init__(f"a reading of {reading.channel[:160]!r} cannot travel: {reason}")
        self.reading = reading
        self.reason = reason


class PackTooLarge(WireError):
    """There are more readings or bytes than one pack holds; split them."""


class Pack(msgspec.Struct, frozen=True):
    """A decoded pack; without epoch and sequence it is that of a foreign producer."""

    epoch: str | None
    sequence: int | None
    readings: list[Reading]
    refused: list[Refusal]


class _First(msgspec.Struct, gc=False, omit_defaults=True):
    """A record that sets the bases for those after it."""

    bn: str
    bt: float | None = None
    bu: str | None = None
    ep: str | None = None
    sq: int | None = None
    tq: str | None = None
    t: float | None = None
    v: float | None = None
    vs: str | None = None
    vb: bool | None = None


class _Number(msgspec.Struct, gc=False):
    t: float
    v: float


class _Text(msgspec.Struct, gc=False):
    t: float
    vs: str


class _Flag(msgspec.Struct, gc=False):
    t: float
    vb: bool


_encoder = msgspec.json.Encoder()
_time_utc = attrgetter("time_utc")
_unit = attrgetter("unit")


def encode_pack(
    device: str, readings: Sequence[Reading], *, epoch: str, sequence: int, quality: TimeQuality
) -> bytes:
    """Encode at least one reading as a pack of one time quality (that of each reading is not read).

    Raises ReadingRefused for a reading that cannot travel, PackTooLarge if there are more
    readings or bytes than a pack holds, NameRefused for the device's name.
    """
    check_device_name(device)
    if not is_epoch(epoch) or not 0 <= sequence <= MAX_SEQUENCE:
        msg = f"epoch {epoch!r} and sequence {sequence!r} are no identity of a pack"
        raise WireError(msg)
    if not readings:
        msg = "a pack holds at least one reading"
        raise WireError(msg)
    if len(readings) > MAX_RECORDS:
        msg = f"a pack holds at most {MAX_RECORDS} readings, not {len(readings)}"
        raise PackTooLarge(msg)
    groups: defaultdict[str, list[Reading]] = defaultdict(list)
    for reading in readings:
        groups[reading.channel].append(reading)

    records: list[_First | _Number | _Text | _Flag] = []
    base = min(groups[readings[0].channel], key=_time_utc).time_utc
    base_unit = ""
    for channel, group in groups.items():
        group.sort(key=_time_utc)
        if not (
            is_channel_name(channel)
            and group[0].time_utc >= EARLIEST_UTC
            and group[-1].time_utc <= LATEST_ENCODED_UTC
        ):
            _check(group[0])
            _check(group[-1])
        for unit, run in _runs(group):
            first = _First(f"{device}/{channel}")
            if unit != base_unit:
                _check(run[0])
                first.bu = base_unit = unit
            relative = _relative(run, base)
            _fill(first, relative[0])
            records.append(first)
            records += relative[1:]
    start = records[0]
    assert isinstance(start, _First)
    start.bt, start.t = base / 1e6, None
    start.ep, start.sq, start.tq = epoch, sequence, quality.value
    payload = _encoder.encode(records)
    if len(payload) > MAX_BYTES:
        msg = f"a pack holds at most {MAX_BYTES} bytes; these {len(readings)} readings need more"
        raise PackTooLarge(msg)
    return payload


def fault(reading: Reading) -> str | None:
    """Say why a reading cannot travel, or None if it can."""
    if not is_channel_name(reading.channel):
        return "its channel's name has not the form of one"
    if not EARLIEST_UTC <= reading.time_utc <= LATEST_ENCODED_UTC:
        return f"its time, {reading.time_utc} µs, lies outside the years 2000 to 2100"
    unit_fault = _text_fault(reading.unit, MAX_UNIT)
    if unit_fault is not None:
        return f"its unit {unit_fault}"
    value = reading.value
    if isinstance(value, str):
        text_fault = _text_fault(value, MAX_TEXT)
        return text_fault and f"its value {text_fault}"
    if not abs(value) < MAX_MAGNITUDE:
        return f"its value, {str(value)[:40]}, is not a finite number below 1e150"
    return None


def decode_pack(device: str, payload: bytes, *, received_utc: int) -> Pack:
    """Decode the pack that came on a device's topic; `received_utc` in µs.

    Raises PackRefused, and nothing else, if the pack as a whole has a fault.
    """
    columns = decode_columns(device, payload, received_utc=received_utc)
    values: list[float | str | bool] = [
        text if value is None else value  # type: ignore[misc]  # one of the two is there
        for value, text in zip(columns.values, columns.texts, strict=True)
    ]
    for row in columns.booleans:
        values[row] = bool(values[row])
    readings = list(
        map(
            Reading,
            columns.channels,
            columns.times,
            values,
            columns.units,
            columns.qualities,
        )
    )
    return Pack(columns.epoch, columns.sequence, readings, columns.refused)


def _runs(group: list[Reading]) -> Iterable[tuple[str, list[Reading]]]:
    """Split the readings of a channel where their unit changes, which is rare."""
    units = {reading.unit for reading in group}
    if len(units) == 1:
        return [(units.pop(), group)]
    return [(unit, list(run)) for unit, run in groupby(group, key=_unit)]


def _relative(run: list[Reading], base: int) -> list[_Number | _Text | _Flag]:
    values = [reading.value for reading in run]
    if set(map(type, values)) == {float} and sum(map(abs, values)) < MAX_MAGNITUDE:  # type: ignore[arg-type]
        # All are finite and small, or their sum would not be: the usual case, in one pass.
        return [
            _Number((reading.time_utc - base) / 1e6, reading.value)  # type: ignore[arg-type]
            for reading in run
        ]
    return [_one_relative(reading, base) for reading in run]


def _one_relative(reading: Reading, base: int) -> _Number | _Text | _Flag:
    _check(reading)
    time = (reading.time_utc - base) / 1e6
    value = reading.value
    if isinstance(value, bool):
        return _Flag(time, value)
    if isinstance(value, str):
        return _Text(time, value)
    return _Number(time, float(value))


def _fill(first: _First, record: _Number | _Text | _Flag) -> None:
    first.t = record.t
    if isinstance(record, _Number):
        first.v = record.v
    elif isinstance(record, _Text):
        first.vs = record.vs
    else:
        first.vb = record.vb


def _check(reading: Reading) -> None:
    reason = fault(reading)
    if reason is not None:
        raise ReadingRefused(reading, reason)


def _text_fault(text: str, limit: int) -> str | None:
    if len(text) > limit:
        return f"has {len(text)} characters, more than {limit}"
    if "\0" in text:
        return "holds the character NUL"
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return "holds half a surrogate pair, which is no character"
    return None
