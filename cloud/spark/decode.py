"""From Kafka's records to a `Part`: runs in executors, knows neither Spark nor PostgreSQL."""

from array import array
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec
import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from cloud.spark.aggregate import aggregate, order_by_series_time
from cloud.spark.copy_rows import EPOCH_UTC, number_rows
from cloud.spark.part import (
    DATABASE,
    NOT_STORABLE,
    Announcement,
    PackEntry,
    Part,
    Rejection,
    TextReading,
)
from wire import topics
from wire.names import is_device_name, is_epoch
from wire.pack import MAX_SEQUENCE, PackColumns, PackRefused, Refusal, decode_columns

_BYTES_OF_A_READING = 64
"""About what one takes on its way to the driver."""


class Record(NamedTuple):
    """A record of Kafka; `received` in µs UTC."""

    topic: str
    partition: int
    offset: int
    received: int
    key: bytes | None
    value: bytes | None
    origin: bytes | None


Range = tuple[str, int, int]
"""What a task reads: topic, partition, and the first offset. Others may read more of it."""


class Request(NamedTuple):
    """What the driver asks of a pass over a batch.

    Records below `start` of their range were handled by an earlier pass. A part ends when it
    holds `readings` readings, or `records` records; payloads that are kept with them count by
    their bytes.
    """

    now_utc: int
    readings: int
    records: int
    start: Mapping[Range, int] = {}


def decode_records(records: Iterable[Record], request: Request) -> Part:
    """Decode, validate, sort and aggregate; never raises for what is in a record."""
    collector = _Collector(request)
    for place, record in remaining(records, request.start):
        collector.take(place, record)
    return collector.part()


def remaining(
    records: Iterable[Record], start: Mapping[Range, int]
) -> Iterator[tuple[Range, Record]]:
    """Leave out what an earlier pass handled, and name the range of each record.

    A range that began elsewhere then (Kafka's retention took its head) is read anew.
    """
    firsts: dict[tuple[str, int], int] = {}
    for record in records:
        first = firsts.setdefault((record.topic, record.partition), record.offset)
        place = (record.topic, record.partition, first)
        if record.offset >= start.get(place, 0):
            yield place, record


def dead_letter(record: Record, reason: str, now_utc: int, *, named: bool) -> Part:
    """Make a part that keeps the bytes of a record, and its number in the ledger if `named`."""
    collector = _Collector(Request(now_utc, 1, 1))
    collector.refuse(record, reason, named=named)
    return collector.part()


class _Collector:
    def __init__(self, request: Request) -> None:
        self._request = request
        self._packs: list[PackEntry] = []
        self._identities: set[tuple[str, str, int]] = set()
        self._series: dict[tuple[str, str], int] = {}
        self._channels: dict[str, dict[str, int]] = {}
        self._series_units: list[str] = []
        self._kinds: dict[tuple[str, str], int] = {}
        self._times = array("q")
        self._values = array("d")
        self._row_series = array("i")
        self._row_kinds = array("i")
        self._sizes: list[int] = []
        self._texts: list[TextReading] = []
        self._rejections: list[Rejection] = []
        self._letters: list[Rejection] = []
        self._announcements: list[Announcement] = []
        self._offsets: dict[Range, int] = {}
        self._records = 0
        self._repeated = 0
        self._kept_bytes = 0
        self._whole = True

    def take(self, place: Range, record: Record) -> None:
        weight = len(self._times) + self._kept_bytes // _BYTES_OF_A_READING
        if weight >= self._request.readings or self._records >= self._request.records:
            self._whole = False
            return
        device, received = self._note(place, record)
        if record.topic == topics.DEVICES:
            self._announce(record, device, received)
            return
        payload = record.value or b""
        try:
            if not is_device_name(device):
                raise PackRefused("bad_name", "the record's key is not a device's name")
            columns = _decode(device, payload, received)
        except PackRefused as refusal:
            columns = _without_readings(device, payload)
            refusals = [Refusal(refusal.reason, refusal.detail, None)]
        else:
            refusals = columns.refused
        self._add(
            record=record,
            device=device,
            received=received,
            payload=payload,
            columns=columns,
            refusals=refusals,
        )

    def refuse(self, record: Record, reason: str, *, named: bool) -> None:
        place = (record.topic, record.partition, record.offset)
        device, received = self._note(place, record)
        if record.topic == topics.DEVICES:
            self._announce(record, device, received, refused=reason)
            return
        payload = record.value or b""
        self._add(
            record=record,
            device=device,
            received=received,
            payload=payload,
            columns=_without_readings(device, payload if named else b""),
            refusals=[Refusal(NOT_STORABLE, reason, None)],
        )

    def _note(self, place: Range, record: Record) -> tuple[str, int]:
        """Count the record; return its device and when it was received."""
        self._offsets[place] = record.offset + 1
        self._records += 1
        # A clock of Kafka's host that runs ahead must not let readings of the future in.
        received = min(max(record.received, EPOCH_UTC), self._request.now_utc)
        return _clean((record.key or b"").decode("utf-8", "replace")), received

    def _announce(self, record: Record, key: str, received: int, refused: str = "") -> None:
        place = (record.partition, record.offset)
        said = Announcement(key, record.value or b"", received, *place, _clean(refused))
        self._announcements.append(said)

    def _add(
        self,
        *,
        record: Record,
        device: str,
        received: int,
        payload: bytes,
        columns: PackColumns,
        refusals: list[Refusal],
    ) -> None:
        pack: int | None = None
        if columns.epoch is not None and columns.sequence is not None:
            name = (device, columns.epoch, columns.sequence)
            if name in self._identities:
                self._repeated += 1
                return
            self._identities.add(name)
            pack = len(self._packs)
        if pack is not None or columns.channels:
            entry = PackEntry(
                device, columns.epoch, columns.sequence, received, len(columns.channels)
            )
            self._packs.append(entry)
            self._readings(columns, device, len(self._packs) - 1)
        origin = _clean((record.origin or b"").decode("utf-8", "replace"))
        letter = Rejection(
            pack,
            device,
            origin or f"kafka:{record.topic}",
            "",
            payload,
            received,
            record.partition,
            record.offset,
            DATABASE,
        )
        if pack is None and columns.channels:
            self._letters.append(replace(letter, pack=len(self._packs) - 1))
            self._kept_bytes += len(payload)
        for number, reason in enumerate(_reasons(refusals)):
            self._rejections.append(replace(letter, reason=reason, number=number))
            self._kept_bytes += len(payload)

    def _readings(self, columns: PackColumns, device: str, pack: int) -> None:
        channels = self._channels.setdefault(device, {})
        for channel, unit in dict(zip(columns.channels, columns.units, strict=True)).items():
            place = channels.get(channel)
            if place is None:
                channels[channel] = self._series[device, channel] = len(self._series_units)
                self._series_units.append(unit)
            else:
                self._series_units[place] = unit
        series = list(map(channels.__getitem__, columns.channels))
        kinds = self._kinds_of(columns)
        values: list[Any] = columns.values
        if None not in values:
            self._times.extend(columns.times)
            self._values.extend(values)
            self._row_series.extend(series)
            self._row_kinds.extend(kinds)
            self._sizes.append(len(values))
            return
        numbers = 0
        for place, value in enumerate(values):
            if value is None:
                self._texts.append(
                    TextReading(
                        pack,
                        series[place],
                        kinds[place],
                        columns.times[place],
                        columns.texts[place] or "",
                    )
                )
            else:
                numbers += 1
                self._times.append(columns.times[place])
                self._values.append(value)
                self._row_series.append(series[place])
                self._row_kinds.append(kinds[place])
        self._sizes.append(numbers)

    def _kinds_of(self, columns: PackColumns) -> list[int]:
        pairs = list(zip(columns.units, columns.qualities, strict=True))
        for unit, quality in set(pairs):
            self._kinds.setdefault((unit, str(quality)), len(self._kinds))
        return list(map(self._kinds.__getitem__, pairs))

    def part(self) -> Part:
        times = np.array(self._times, np.int64)
        values = np.array(self._values, np.float64)
        series = np.array(self._row_series, np.int32)
        kinds = np.array(self._row_kinds, np.int32)
        packs = np.repeat(np.arange(len(self._sizes), dtype=np.int32), self._sizes)
        received = np.array([pack.received for pack in self._packs], np.int64)
        foreign = np.array([pack.epoch is None for pack in self._packs], np.bool_)

        order = order_by_series_time(series, times, values)
        is_foreign = foreign[packs[order]]
        own, theirs = order[~is_foreign], order[is_foreign]

        def rows(of: NDArray[np.intp]) -> bytes:
            columns = times[of], received[packs[of]], values[of], series[of], kinds[of]
            return number_rows(*columns).tobytes()

        return Part(
            packs=self._packs,
            series=[
                (device, channel, unit)
                for (device, channel), unit in zip(self._series, self._series_units, strict=True)
            ],
            kinds=list(self._kinds),
            rows=rows(own),
            row_packs=packs[own].tobytes(),
            minutes=aggregate(series[own], times[own], values[own]).tobytes(),
            foreign=rows(theirs),
            foreign_packs=packs[theirs].tobytes(),
            letters=self._letters,
            texts=self._texts,
            rejections=self._rejections,
            announcements=self._announcements,
            offsets=[(*place, offset) for place, offset in self._offsets.items()],
            records=self._records,
            repeated=self._repeated,
            whole=self._whole,
        )


def _decode(device: str, payload: bytes, received: int) -> PackColumns:
    try:
        return decode_columns(device, payload, received_utc=received)
    except PackRefused:
        raise
    except Exception as error:  # a fault of ours must not stop the stream
        raise PackRefused(NOT_STORABLE, f"decoding it failed: {error!r}") from error


class _Identity(msgspec.Struct):
    ep: str
    sq: int


def _without_readings(device: str, payload: bytes) -> PackColumns:
    epoch, sequence = identity(payload) if is_device_name(device) else (None, None)
    return PackColumns(epoch, sequence, [], [], [], [], [], [], [], [])


_records_decoder = msgspec.json.Decoder(list[msgspec.Raw])
_identity_decoder = msgspec.json.Decoder(_Identity)


def identity(payload: bytes) -> tuple[str, int] | tuple[None, None]:
    """Find the identity of a pack that was refused as a whole, if it has one.

    It counts as stored then, because its bytes are kept; else its device would send it for ever.
    """
    try:
        first = _identity_decoder.decode(_records_decoder.decode(payload)[0])
    except (msgspec.DecodeError, IndexError, RecursionError, UnicodeDecodeError):
        return None, None
    if is_epoch(first.ep) and 0 <= first.sq <= MAX_SEQUENCE:
        return first.ep, first.sq
    return None, None


def _reasons(refusals: list[Refusal]) -> list[str]:
    """Return one reason for each code, which says how many records have it."""
    by_code: dict[str, list[Refusal]] = {}
    for refusal in refusals:
        by_code.setdefault(refusal.reason, []).append(refusal)
    reasons = []
    for code, same in by_code.items():
        where = "" if same[0].record is None else f" (record {same[0].record}"
        if where:
            where += f" and {len(same) - 1} more)" if len(same) > 1 else ")"
        reasons.append(_clean(f"{code}: {same[0].detail}{where}"))
    return reasons


def _clean(text: str) -> str:
    """Make text that PostgreSQL takes: without NUL and lone surrogates."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")
