"""What an executor hands to the driver: one part of a batch, decoded, sorted and aggregated."""

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

NOT_STORABLE = "not_storable"
"""The stream's own reason: a pack that PostgreSQL refused, which would be a fault of ours."""

DATABASE = -1
"""Number of a fault that only the database can find."""


class PackEntry(msgspec.Struct, array_like=True, gc=False):
    """A pack of the part; without epoch and sequence its readings are in `foreign`."""

    device: str
    epoch: str | None
    sequence: int | None
    received: int
    readings: int


class Rejection(msgspec.Struct, array_like=True, gc=False):
    """A record, or a fault in it, for the dead letters; `pack` is its place in the part, if any.

    `number` tells the faults of a record apart.
    """

    pack: int | None
    device: str
    origin: str
    reason: str
    payload: bytes
    received: int
    partition: int
    offset: int
    number: int


class TextReading(msgspec.Struct, array_like=True, gc=False):
    """A reading that is a string, which is stored but not aggregated."""

    pack: int
    series: int
    kind: int
    time: int
    text: str


class Announcement(msgspec.Struct, array_like=True, gc=False):
    """A device's status or meta, untouched; `refused` says why it cannot be stored, if so."""

    key: str
    payload: bytes
    received: int
    partition: int
    offset: int
    refused: str


class Part(msgspec.Struct, array_like=True):
    """Numbers here count within the part: packs, series and kinds by their place in its lists.

    `rows` are COPY rows (copy_rows.ROW) in order of series and time, `row_packs` the pack of
    each, `minutes` their partial aggregates (aggregate.PARTIAL); `foreign` and `foreign_packs`
    the same for packs without identity, which only the database can tell from repetitions;
    `letters` are the dead letters that these become if they contradict what is stored.
    `offsets` says for each range (topic, partition, first offset) what to read next; `whole` is
    false if the part grew too large and there is more.
    """

    packs: list[PackEntry]
    series: list[tuple[str, str, str]]
    kinds: list[tuple[str, str]]
    rows: bytes
    row_packs: bytes
    minutes: bytes
    foreign: bytes
    foreign_packs: bytes
    letters: list[Rejection]
    texts: list[TextReading]
    rejections: list[Rejection]
    announcements: list[Announcement]
    offsets: list[tuple[str, int, int, int]]
    records: int
    repeated: int
    whole: bool


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Part)


def encode(part: Part) -> bytes:
    """Encode for the way to the driver."""
    return _encoder.encode(part)


def decode(data: bytes) -> Part:
    """Decode what `encode` made."""
    return _decoder.decode(data)


def array(data: bytes, dtype: Any) -> NDArray[Any]:
    """Look at bytes as a column; not writable."""
    return np.frombuffer(data, dtype)
