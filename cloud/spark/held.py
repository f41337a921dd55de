"""Records as they are, on their way from an executor to the driver."""

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from cloud.spark.decode import Range, Record, Request, remaining


class Held(NamedTuple):
    """Records as they are; `offsets` and `whole` as in a Part."""

    records: list[Record]
    offsets: list[tuple[str, int, int, int]]
    whole: bool


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Held)


def hold(records: Iterable[Record], request: Request, size: int) -> Held:
    """Take records from the request's start on, until they are of `size` bytes."""
    held: list[Record] = []
    offsets: dict[Range, int] = {}
    whole = True
    for place, record in remaining(records, request.start):
        if size <= 0:
            whole = False
            break
        held.append(record)
        offsets[place] = record.offset + 1
        size -= len(record.value or b"")
    return Held(held, [(*place, offset) for place, offset in offsets.items()], whole)


def encode(held: Held) -> bytes:
    """Encode for the way to the driver."""
    return _encoder.encode(held)


def decode(data: bytes) -> Held:
    """Decode what `encode` made."""
    return _decoder.decode(data)
