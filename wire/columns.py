"""Decoding of packs into columns, one list a field: what the stream stores and `Pack` is made of.

RFC 8428 with the rules of docs/protocols.md, section Pack.
"""

from operator import attrgetter
from typing import Any

import msgspec

from wire.errors import WireError
from wire.names import is_channel_name, is_device_name, is_epoch
from wire.reading import TimeQuality

MAX_BYTES = 262_144
MAX_RECORDS = 10_000
MAX_SEQUENCE = 2**62
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
VERSION = 10
"""The version of SenML that RFC 8428 defines."""

_RELATIVE_BELOW = 2**28 * 1_000_000
"""A lesser sum of base time and time is relative to now (RFC 8428, section 4.5.3); µs."""
_ROUGH = 2.0**30
"""Seconds below which a product with a million is exact to less than half a microsecond."""
_FAR = 2.0**40
"""Seconds that no clock shows."""
_NEVER = 2**40 * 1_000_000


class PackRefused(WireError):
    """A pack as a whole has a fault: `reason` is a code of docs/protocols.md."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class Refusal(msgspec.Struct, frozen=True):
    """Why a record (by its index in the pack) gave no reading."""

    reason: str
    detail: str
    record: int | None


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


class _Bases(msgspec.Struct, gc=False):
    bn: str | None = None
    bt: float | None = None
    bu: str | None = None
    bv: float | None = None
    bs: float | None = None
    bver: float | None = None
    # Only the first record's count, and they are judged there.
    ep: Any = None
    sq: Any = None
    tq: Any = None


class _Record(_Bases, gc=False):  # the names are RFC 8428's labels
    n: str | None = None
    u: str | None = None
    t: float | None = None
    v: float | None = None
    vs: str | None = None
    vb: bool | None = None
    vd: str | None = None
    s: float | None = None


_pack_decoder = msgspec.json.Decoder(list[_Record])
_raw_decoder = msgspec.json.Decoder(list[msgspec.Raw])
_bases_decoder = msgspec.json.Decoder(_Bases)
_record_decoder = msgspec.json.Decoder(_Record)
_labels_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])


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
    refused: list[Refusal] = []
    records = _parse(payload, refused)
    epoch, sequence, quality = _identity(records)
    _check_version(records)

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
    base_name = base_unit = ""
    base_time = 0
    base_value = -0.0  # adding 0.0 would turn -0.0 into 0.0
    base_sum: float | None = None

    for index, record in enumerate(records):
        if record.bn is not None:
            base_name = record.bn
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
            channel = names.get(name)
            if channel is None:
                channel = names[name] = _channel(device, name)
            unit = base_unit if record.u is None else record.u
            if unit not in sound_units:
                _check_unit(unit)
                sound_units.add(unit)

            seconds = record.t
            if seconds is None:
                time = base_time
            elif -_ROUGH < seconds < _ROUGH:
                time = base_time + round(seconds * 1e6)
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


def _parse(payload: bytes, refused: list[Refusal]) -> list[_Record]:
    """Take the JSON apart; a record of the wrong types is refused and leaves its bases behind."""
    if len(payload) > MAX_BYTES:
        raise PackRefused("too_large", f"{len(payload)} bytes; a pack holds at most {MAX_BYTES}")
    if not payload.isascii():
        try:
            payload.decode()
        except UnicodeDecodeError as error:
            detail = f"byte {error.start} is not UTF-8: {error.reason}"
            raise PackRefused("not_utf8", detail) from None
        # RFC 8259, section 8.1, lets a parser ignore a byte order mark.
        payload = payload.removeprefix(b"\xef\xbb\xbf")
    if b"_" in payload or b"\\u005" in payload:
        _check_labels(payload)
    try:
        records = _pack_decoder.decode(payload)
    except msgspec.ValidationError:
        records = [_parse_record(raw, index, refused) for index, raw in enumerate(_split(payload))]
    except (msgspec.DecodeError, RecursionError) as error:
        raise _not_json(error) from None
    if not records:
        raise PackRefused("not_senml", "the array of records is empty")
    if len(records) > MAX_RECORDS:
        raise PackRefused(
            "too_large", f"{len(records)} records; a pack holds at most {MAX_RECORDS}"
        )
    return records


def _split(payload: bytes) -> list[msgspec.Raw]:
    try:
        return _raw_decoder.decode(payload)
    except msgspec.ValidationError:
        detail = "the root is no array; SenML is an array of records"
        raise PackRefused("not_senml", detail) from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise _not_json(error) from None


def _parse_record(raw: msgspec.Raw, index: int, refused: list[Refusal]) -> _Record:
    if not bytes(raw).startswith(b"{"):
        refused.append(Refusal("not_senml", "the record is no object", index))
        return _Record()
    try:
        return _record_decoder.decode(raw)
    except (msgspec.DecodeError, RecursionError) as error:
        detail = str(error)
    try:
        bases = _bases_decoder.decode(raw)
    except (msgspec.DecodeError, RecursionError) as error:
        # What follows would be resolved with the wrong base.
        raise PackRefused("not_senml", f"record {index}: {error}") from None
    refused.append(Refusal("bad_value", detail, index))
    return _Record(**msgspec.structs.asdict(bases))


def _not_json(error: Exception) -> PackRefused:
    return PackRefused("not_json", str(error))


def _check_labels(payload: bytes) -> None:
    """Refuse labels that end in `_`: they must be understood (RFC 8428, section 4.4)."""
    if b'_"' not in payload and b"\\u005" not in payload:
        return
    for raw in _split(payload):
        try:
            labels = _labels_decoder.decode(raw)
        except (msgspec.DecodeError, RecursionError):
            continue  # what is no object is refused where records are taken apart
        for label in labels:
            if label.endswith("_"):
                detail = f"the label {label[:40]!r} must be understood, and is not"
                raise PackRefused("unknown_mandatory_label", detail)


def _identity(records: list[_Record]) -> tuple[str | None, int | None, TimeQuality]:
    first = records[0]
    try:
        quality = TimeQuality.SYNCED if first.tq is None else TimeQuality(first.tq)
    except ValueError:
        qualities = ", ".join(TimeQuality)
        detail = f"tq is {str(first.tq)[:40]!r}; it must be one of {qualities}"
        raise PackRefused("bad_identity", detail) from None
    if first.ep is None and first.sq is None:
        return None, None, quality
    if not (isinstance(first.ep, str) and is_epoch(first.ep)):
        detail = f"ep is {str(first.ep)[:40]!r}; it must be 16 characters of 0-9 and a-z"
        raise PackRefused("bad_identity", detail)
    if type(first.sq) is not int or not 0 <= first.sq <= MAX_SEQUENCE:
        detail = f"sq is {str(first.sq)[:40]!r}; it must be an integer from 0 to 2^62"
        raise PackRefused("bad_identity", detail)
    return first.ep, first.sq, quality


def _check_version(records: list[_Record]) -> None:
    """All records must have one version, and none above ours (RFC 8428, section 4.4)."""
    versions = {record.bver for record in records if record.bver is not None}
    if not versions:
        return
    if records[0].bver is None:
        versions.add(VERSION)
    if len(versions) > 1:
        found = ", ".join(f"{version:g}" for version in sorted(versions))
        raise PackRefused("unsupported_version", f"the versions {found} stand in one pack")
    version = versions.pop()
    if version > VERSION or version < 1 or version != int(version):
        detail = f"version {version:g} of SenML; known are 1 to {VERSION}"
        raise PackRefused("unsupported_version", detail)


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
    """Round to whole microseconds; exact for every microsecond of the years 1900 to 2100."""
    if -_ROUGH < seconds < _ROUGH:
        return round(seconds * 1e6)
    if not -_FAR < seconds < _FAR:
        return _NEVER if seconds > 0 else -_NEVER
    # The product's rounding would reach half a microsecond; the whole seconds are exact apart.
    whole = int(seconds)
    return whole * 1_000_000 + round((seconds - whole) * 1e6)


def _has_only_bases(record: _Record) -> bool:
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


def _other_value(record: _Record, base_sum: float | None) -> tuple[float | None, str | None]:
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
