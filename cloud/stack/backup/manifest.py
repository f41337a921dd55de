"""What a backup says of itself, in its first member. It holds no secret."""

from typing import Annotated

import msgspec

FORMAT = 1
DATABASE = "database.dump"
"""The member that pg_dump has written, custom format."""


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file: its path below the data folder, its size, its SHA-256 (hexadecimal)."""

    name: str
    bytes: Annotated[int, msgspec.Meta(ge=0)]
    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]

    def __post_init__(self) -> None:
        """Refuse a path that would leave the data folder."""
        parts = self.name.split("/")
        if any(part in {"", ".", ".."} for part in parts) or "\0" in self.name:
            raise ValueError(f"{self.name!r} is no path below the data folder")


class Manifest(msgspec.Struct, frozen=True):
    """Versions, times in seconds since 1970, and every file."""

    format: int
    version: str
    """Of Fieldline."""
    taken: float
    """The instant that the database is of."""
    host: str
    postgres: int
    """Version of the server, as 150012."""
    migrations: dict[str, str]
    """Name -> checksum of what was applied."""
    devices: int
    readings: int
    """In numbered packs, as the ledger has booked them."""
    files: tuple[Entry, ...]

    @property
    def bytes(self) -> int:
        """Of all files together."""
        return sum(entry.bytes for entry in self.files)
