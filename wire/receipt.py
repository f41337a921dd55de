"""Receipts: what the cloud tells a device that it has of its packs."""

import msgspec

from wire.errors import MessageRefused
from wire.message import Sequence, Word, check_epoch, decode
from wire.ranges import RangeSet, RangesRefused

MAX_RANGES = 200


class Receipt(msgspec.Struct, frozen=True):
    """Accepted packs need not be resent, stored ones may be forgotten.

    Sequence numbers of one epoch; `log` is the id of the Kafka topic that accepted them.
    """

    log: str
    epoch: str
    accepted: RangeSet
    stored: RangeSet


class _Message(msgspec.Struct):
    log: Word
    epoch: str
    accepted: list[tuple[Sequence, Sequence]]
    stored: list[tuple[Sequence, Sequence]]


_decoder = msgspec.json.Decoder(_Message)


def encode_receipt(receipt: Receipt) -> bytes:
    """Encode a receipt; of each set the lowest 200 ranges travel."""
    return msgspec.json.encode(
        {
            "log": receipt.log,
            "epoch": receipt.epoch,
            "accepted": receipt.accepted.lowest(MAX_RANGES).to_json(),
            "stored": receipt.stored.lowest(MAX_RANGES).to_json(),
        }
    )


def decode_receipt(payload: bytes) -> Receipt:
    """Decode a receipt; raises MessageRefused."""
    message = decode(payload, _decoder, "receipt")
    check_epoch(message.epoch, "receipt")
    try:
        accepted, stored = RangeSet.of(message.accepted), RangeSet.of(message.stored)
    except RangesRefused as error:
        raise MessageRefused("receipt", str(error)) from None
    return Receipt(message.log, message.epoch, accepted, stored)
