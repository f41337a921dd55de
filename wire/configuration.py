"""The configuration that a device should have, and the one it has (docs/control.md)."""

from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from wire.errors import MessageRefused
from wire.message import Text, Word, decode
from wire.names import is_channel_name

Version = Annotated[int, msgspec.Meta(ge=0, le=2**62)]
Seconds = Annotated[float, msgspec.Meta(gt=0, le=31_536_000)]
Number = Annotated[float, msgspec.Meta(ge=-1e15, le=1e15)]


class Calibration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is emitted is what was measured times `factor` plus `offset`, in the channel's unit."""

    factor: Number = 1.0
    offset: Number = 0.0

    def __post_init__(self) -> None:
        if self.factor == 0:
            raise ValueError("a factor of 0 would make every value the same")


class SourceConfiguration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One source. Desired: what is unset stays as agent.toml says. Reported: what holds.

    `calibration` is by channel, without the source's name before it.
    """

    on: bool | UnsetType = UNSET
    interval_s: Seconds | UnsetType = UNSET
    calibration: dict[str, Calibration] = {}


class Desired(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a device should do; `version` counts up per device."""

    version: Version
    sources: dict[Word, SourceConfiguration] = {}


class Reported(msgspec.Struct, frozen=True):
    """What a device does, and whether it has taken the version that it was last given."""

    version: Version
    applied: bool
    error: Text = ""
    sources: dict[Word, SourceConfiguration] = {}


class _Version(msgspec.Struct):
    version: Version


_desired_decoder = msgspec.json.Decoder(Desired)
_reported_decoder = msgspec.json.Decoder(Reported)


def encode_desired(desired: Desired) -> bytes:
    """Encode what a device should do; what is unset is left out."""
    return msgspec.json.encode(desired)


def decode_desired(payload: bytes) -> Desired:
    """Decode it; raises MessageRefused, also for an unknown key or a name no channel can have."""
    desired = decode(payload, _desired_decoder, "desired configuration")
    for source in desired.sources.values():
        for channel in source.calibration:
            if not is_channel_name(channel):
                raise MessageRefused(
                    "desired configuration", f"{channel[:160]!r} is no name for a channel"
                )
    return desired


def version_of(payload: bytes) -> int | None:
    """Return the version of a document that cannot be taken otherwise, for the answer to it."""
    try:
        return msgspec.json.decode(payload, type=_Version).version
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def encode_reported(reported: Reported) -> bytes:
    """Encode what a device does."""
    return msgspec.json.encode(reported)


def decode_reported(payload: bytes) -> Reported:
    """Decode it; raises MessageRefused."""
    return decode(payload, _reported_decoder, "reported configuration")
