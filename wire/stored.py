"""What the stream has stored of an epoch: the values of the Kafka topic `fieldline.receipts`."""

import msgspec

from wire.errors import MessageRefused
from wire.message import Sequence, Word, check_epoch, decode
from wire.ranges import RangeSet, RangesRefused


class StoredRanges(msgspec.Struct, frozen=True):
    """The sequence numbers of an epoch that are committed; `log` is the id of the packs' topic."""

    log: str
    epoch: str
    stored: RangeSet


class _Message(msgspec.Struct):
    log: Word
    epoch: str
    stored: list[tuple[Sequence, Sequence]]


_decoder = msgspec.json.Decoder(_Message)


def encode_stored(stored: StoredRanges) -> bytes:
    """Encode what is stored, whole: the bridge truncates when it makes a receipt of it."""
    return msgspec.json.encode(
        {"log": stored.log, "epoch": stored.epoch, "stored": stored.stored.to_json()}
    )


def decode_stored(payload: bytes) -> StoredRanges:
    """Decode what is stored; raises MessageRefused."""
    message = decode(payload, _decoder, "stored")
    check_epoch(message.epoch, "stored")
    try:
        stored = RangeSet.of(message.stored)
    except RangesRefused as error:
        raise MessageRefused("stored", str(error)) from None
    return StoredRanges(message.log, message.epoch, stored)
