"""What a pack looks like on disk: deflated, a third to a tenth of what travels.

Packs of format 1 lie there plain. The two can't be mistaken for each other: a pack begins with
`[`, a zlib stream (RFC 1950) with `x`. The stream's checksum also tells a row that has rotted.
"""

import sqlite3
import zlib

LEVEL = 1
"""Level 6 saves little more and takes three times as long."""

_PLAIN = b"["


def deflated(payload: bytes) -> bytes:
    """Return a pack as it lies on disk."""
    return zlib.compress(payload, LEVEL)


def plain(stored: bytes) -> bytes:
    """Return a pack as it travels; raises sqlite3.DatabaseError if what is stored is damaged."""
    if stored.startswith(_PLAIN):
        return stored
    try:
        return zlib.decompress(stored)
    except zlib.error as error:
        msg = f"a row in it cannot be read: {error}"
        raise sqlite3.DatabaseError(msg) from error
