"""Decoding of packs into columns, one list a field: what the stream stores and `Pack` is made of.

RFC 8428 with the rules of docs/protocols.md, section Pack.
"""

from operator import attrgetter

import msgspec

from wire.names import MAX_CHANNEL, is_channel_name, is_device_name
from wire.reading import TimeQuality
from wire.records import PackRefused, Record, Refusal, identity, parse

MAX_TEXT = 8192
MAX_UNIT = 64
MAX_MAGNITUDE = 1e150
"""Squares of values, and sums of squares, must fit a double."""
EARLIEST_UTC = 946_684_800_000_000
"""2000-01-01 in µs."""
LATEST_ENCODED_UTC = 4_102_444_800_000_000
"""2100-01-01 in µs; a decoder's limit is the time of reception."""
FUTURE = 600_000_000
"""How far a device's clock may be ahead, in µs."""

_RELATIVE_BELOW = 2**28 * 1_000_000
"""A lesser sum of base time and time is relative to now (RFC 8428, section 4.5.3); µs."""
_TOO_LONG = 64 + MAX_CHANNEL + 1
"""Characters that no device's prefix and channel have together."""
_FAR = 2.0**40
"""Seconds that no clock shows."""


class PackColumns(msgspec.Struct, frozen=True):
    """The readings of a pack, row by row in lists of one length.

    `times` are in µs UTC. A row has either a number in `values` or a string in `texts`;
    booleans are 1.0 and 0.0, and `booleans` holds the indexes of their rows.
    """

    epoch: str | None
    sequence: int | None
    channels: list[str]
    times: list[int]
    values: list[float | None]
    texts: list[str | None]
    units: list[str]
    qualities: list[TimeQuality]
    booleans: list[int]
    refused: list[Refusal]


class _Fault(Exception):
    """A record gives no reading."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


def decode_columns(device: str, payload: bytes, *, received_utc: int) -> PackColumns:
    """Decode the pack that came on a device's topic; `received_utc` in µs.

    Raises PackRefused, and nothing else, if the pack as a whole has a fault.
    """
    records, refused = parse(payload)
    epoch, sequence, quality = identity(records)

    channels: list[str] = []
    times: list[int] = []
    values: list[float | None] = []
    units: list[str] = []
    texts: dict[int, str] = {}
    booleans: list[int] = []
    estimated: list[int] = []

    own = (f"{device}/", f"{device}:")
    latest = received_utc + FUTURE
    names: dict[str, str] = {}  # resolved names that were found sound, and their channels
    sound_units: set[str] = set()
    base_name = base_unit = channel = ""
    last_name = last_unit = None
    base_time = 0
    base_value = -0.0  # adding 0.0 would turn -0.0 into 0.0
    base_sum: float | None = None

    for index, record in enumerate(records):
        if record.bn is not None:
            base_name = record.bn[:_TOO_LONG]  # or a long one would be copied for each record
            if not base_name.startswith(own):
                _check_owner(device, base_name)
        if record.bt is not None:
            base_time = _microseconds(record.bt)
        if record.bu is not None:
            base_unit = record.bu
        if record.bv is not None:
            base_value = record.bv
        if record.bs is not None:
            base_sum = record.bs

        value = record.v
        text: str | None = None
        total: float | None = None
        try:
            if (
                value is None
                or record.vs is not None
                or record.vb is not None
                or record.vd is not None
            ):
                if _has_only_bases(record):
                    continue
                value, text = _other_value(record, base_sum)
            else:
                value += base_value
                if not -MAX_MAGNITUDE < value < MAX_MAGNITUDE:
                    raise _bad_number(value)
            if record.s is not None or base_sum is not None:
                total = (base_sum or 0.0) + (record.s or 0.0)
                if not -MAX_MAGNITUDE < total < MAX_MAGNITUDE:
                    raise _bad_number(total)

            name = base_name if record.n is None else base_name + record.n
            if name is not last_name:  # most records have the very string of the one before
                if name not in names:
                    names[name] = _channel(device, name)
                channel = names[name]
                last_name = name
            unit = base_unit if record.u is None else record.u
            if unit is not last_unit:
                if unit not in sound_units:
                    _check_unit(unit)
                    sound_units.add(unit)
                last_unit = unit

            seconds = record.t
            if seconds is None:
                time = base_time
            elif -_FAR < seconds < _FAR:
                time = base_time + round(seconds * 1e6)  # _microseconds, without the call
            else:
                time = base_time + _microseconds(seconds)
            relative = time < _RELATIVE_BELOW
            if relative:
                time += received_utc
            if not EARLIEST_UTC <= time <= latest:
                raise _bad_time(time, received_utc)
            if total is not None:
                sum_channel = _channel(device, f"{name}/sum")
        except _Fault as fault:
            refused.append(Refusal(fault.reason, fault.detail, index))
            continue

        if total is None or value is not None or text is not None:
            if relative:
                estimated.append(len(times))
            if text is not None:
                texts[len(times)] = text
            elif record.vb is not None:
                booleans.append(len(times))
            channels.append(channel)
            times.append(time)
            values.append(value)
            units.append(unit)
        if total is not None:
            if relative:
                estimated.append(len(times))
            channels.append(sum_channel)
            times.append(time)
            values.append(total)
            units.append(f"{unit}.s" if unit else "s")

    qualities = [quality] * len(times)
    for row in estimated:
        qualities[row] = TimeQuality.ESTIMATED
    text_column: list[str | None] = [None] * len(times)
    for row, text in texts.items():
        text_column[row] = text
    refused.sort(key=attrgetter("record"))
    return PackColumns(
        epoch, sequence, channels, times, values, text_column, units, qualities, booleans, refused
    )


def _check_owner(device: str, base_name: str) -> None:
    """Refuse the pack if its base name claims another device than the topic's."""
    ends = [end for end in (base_name.find("/"), base_name.find(":")) if end >= 0]
    if not ends:
        return
    owner = base_name[: min(ends)]
    if owner not in {device, "urn"} and is_device_name(owner):
        detail = f"the base name {base_name[:160]!r} names a device; the topic's is {device!r}"
        raise PackRefused("device_mismatch", detail)


def _channel(device: str, name: str) -> str:
    channel = name.removeprefix(device)
    channel = channel[1:] if channel != name and channel[:1] in {"/", ":"} else name
    if not is_channel_name(channel):
        raise _Fault("bad_name", f"{name[:160]!r} has not the form of a name (RFC 8428, 4.5.1)")
    return channel


def _check_unit(unit: str) -> None:
    if len(unit) > MAX_UNIT or "\0" in unit:
        raise _Fault("bad_unit", f"{unit[:40]!r} is longer than {MAX_UNIT} or holds a NUL")


def _microseconds(seconds: float) -> int:
    """Round to whole microseconds; exact for every microsecond until the year 2106.

    Below 2^32 seconds a double is off by less than 0.24 µs, and its product with a million is
    then rounded to the very integer, because the doubles there are at most 0.5 apart.
    """
    return round(min(max(seconds, -_FAR), _FAR) * 1e6)


def _has_only_bases(record: Record) -> bool:
    """Whether a record without a number only sets bases, which is legal."""
    return (
        record.v is None
        and record.vs is None
        and record.vb is None
        and record.vd is None
        and record.s is None
        and record.n is None
        and record.u is None
        and record.t is None
    )


def _other_value(record: Record, base_sum: float | None) -> tuple[float | None, str | None]:
    """Return number and text of a record that has not a number alone."""
    given = [label for label in ("v", "vs", "vb", "vd") if getattr(record, label) is not None]
    if len(given) > 1:
        raise _Fault("bad_value", f"{' and '.join(given)} stand in one record")
    if record.vb is not None:
        return float(record.vb), None
    if record.vd is not None:
        raise _Fault("bad_value", "data values (vd) are not stored")
    if record.vs is None:
        if record.s is None and base_sum is None:
            raise _Fault("no_value", "the record has none of v, vs, vb and s")
        return None, None
    if len(record.vs) > MAX_TEXT:
        detail = f"a string of {len(record.vs)} characters; at most {MAX_TEXT} are stored"
        raise _Fault("bad_value", detail)
    if "\0" in record.vs:
        raise _Fault("bad_value", "a string may not hold the character NUL")
    return None, record.vs


def _bad_number(number: float) -> _Fault:
    return _Fault("bad_value", f"{number} is not a finite number of magnitude below 1e150")


def _bad_time(time_utc: int, received_utc: int) -> _Fault:
    if time_utc < EARLIEST_UTC:
        return _Fault("time_too_early", f"{time_utc / 1e6:.6f} lies before the year 2000")
    ahead = (time_utc - received_utc) / 1e6
    detail = f"{time_utc / 1e6:.6f} lies {ahead:.0f} s after the pack was received"
    return _Fault("time_too_late", detail)
