"""How every JSON message but the pack is decoded: into a Struct, or refused."""

from typing import Annotated, TypeVar

import msgspec

from wire.errors import MessageRefused
from wire.names import is_epoch

T = TypeVar("T")

# What PostgreSQL can store as text, hence without NUL; a bounded line, and a bounded page.
Word = Annotated[str, msgspec.Meta(max_length=256, pattern=r"\A[^\x00]*\Z")]
Text = Annotated[str, msgspec.Meta(max_length=8192, pattern=r"\A[^\x00]*\Z")]

Sequence = Annotated[int, msgspec.Meta(ge=0, le=2**62)]
"""A pack's sequence number."""


def decode(payload: bytes, decoder: msgspec.json.Decoder[T], kind: str) -> T:
    """Decode JSON in UTF-8; raises MessageRefused, and nothing else."""
    try:
        return decoder.decode(payload.decode())
    except UnicodeDecodeError as error:
        raise MessageRefused(kind, f"byte {error.start} is not UTF-8") from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise MessageRefused(kind, str(error)) from None


def check_epoch(epoch: str, kind: str) -> str:
    """Return the epoch as it is, or raise MessageRefused."""
    if not is_epoch(epoch):
        raise MessageRefused(kind, f"the epoch {epoch[:40]!r} is not 16 characters of 0-9 and a-z")
    return epoch
