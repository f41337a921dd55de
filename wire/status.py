"""What a device says of itself: its status, which changes, and its meta, which seldom does.

Times here are seconds since 1970, as on the wire. Unknown keys are ignored and missing ones
have defaults, so that devices and servers of different versions understand each other.
"""

from typing import Literal

import msgspec

from wire.errors import MessageRefused
from wire.message import Sequence, Text, Word, decode
from wire.names import is_channel_name
from wire.reading import Channel


class BufferStatus(msgspec.Struct, frozen=True):
    """The device's buffer: its epoch, what it holds unstored and what it threw away.

    `next` is the next sequence number; `held` at most 100 ranges, lowest first; `lost`
    ranges with the reason; `bytes` and `quota` in bytes; `oldest` the time of the oldest
    reading held.
    """

    epoch: Word = ""
    next: Sequence = 0
    held: tuple[tuple[Sequence, Sequence], ...] = ()
    lost: tuple[tuple[Sequence, Sequence, Word], ...] = ()
    bytes: int = 0
    quota: int = 0
    oldest: float | None = None


class SourceStatus(msgspec.Struct, frozen=True):
    """One source of a device; `readings` and `errors` count since the agent started."""

    name: Word
    kind: Word = ""
    state: Literal["running", "failing", "finished", "stopped"] = "running"
    reason: Text = ""
    since: float | None = None
    readings: int = 0
    errors: int = 0
    counters: dict[Word, int] = {}


class Status(msgspec.Struct, frozen=True, omit_defaults=True):
    """A device's status; `since` when it entered its state, `at` when it said so."""

    state: Literal["online", "offline"]
    reason: Text = ""
    since: float | None = None
    at: float | None = None
    agent: Word = ""
    boot: Word = ""
    clock: Word = ""
    buffer: BufferStatus | None = None
    sources: tuple[SourceStatus, ...] = ()


class Board(msgspec.Struct, frozen=True, omit_defaults=True):
    """The board behind a source."""

    source: Word = ""
    sketch: Word = ""
    version: Word = ""
    board: Word = ""


class Meta(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a device is and measures."""

    agent: Word = ""
    model: Word = ""
    os: Word = ""
    channels: tuple[Channel, ...] = ()
    boards: tuple[Board, ...] = ()


_status_decoder = msgspec.json.Decoder(Status)
_meta_decoder = msgspec.json.Decoder(Meta)


def encode_status(status: Status) -> bytes:
    """Encode a status; what it does not say is left out."""
    return msgspec.json.encode(status)


def decode_status(payload: bytes) -> Status:
    """Decode a status; raises MessageRefused."""
    return decode(payload, _status_decoder, "status")


def encode_meta(meta: Meta) -> bytes:
    """Encode a meta; what has its default is left out."""
    return msgspec.json.encode(meta)


def decode_meta(payload: bytes) -> Meta:
    """Decode a meta; raises MessageRefused, also if a channel's name has not the form of one."""
    meta = decode(payload, _meta_decoder, "meta")
    for channel in meta.channels:
        if not is_channel_name(channel.channel):
            raise MessageRefused("meta", f"{channel.channel[:160]!r} is no name for a channel")
    return meta
