"""How far a replay has come, as the buffer keeps it beside the readings."""

import zlib
from pathlib import Path

import msgspec

_HEAD = 4096


class Position(msgspec.Struct, frozen=True):
    """Items done, by how much times are moved, and of which file: a checksum of its beginning."""

    items: int
    shift: int
    """µs, decided once when the replay began."""
    times: str
    head_bytes: int
    head_crc: int

    def of_file(self, path: Path) -> bool:
        """Whether the file is still the one that was begun with; it may have grown."""
        return _head(path, self.head_bytes) == (self.head_bytes, self.head_crc)


def begin(path: Path, *, shift: int, times: str) -> Position:
    """Return the position before the first item."""
    head_bytes, head_crc = _head(path, _HEAD)
    return Position(0, shift, times, head_bytes, head_crc)


def encode(position: Position) -> str:
    """Return the text that the buffer keeps."""
    return msgspec.json.encode(position).decode()


def decode(text: str | None) -> Position | None:
    """Return None if there is none, or one that another version wrote in another form."""
    if text is None:
        return None
    try:
        return msgspec.json.decode(text, type=Position)
    except msgspec.DecodeError:
        return None


def _head(path: Path, length: int) -> tuple[int, int]:
    with path.open("rb") as file:
        head = file.read(length)
    return len(head), zlib.crc32(head)
