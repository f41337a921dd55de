"""Looks into a buffer from outside, while an agent may be writing to it.

The agent's connection is the only one there may be, so this takes a copy of the files. The
database first, then its WAL: every page that the agent moves into the database meanwhile is
still in the WAL, as long as the WAL is not begun anew. Its header says whether it was.
"""

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge_agent.buffer.buffer import FILE
from edge_agent.buffer.payload import plain
from edge_agent.errors import AgentError

_WAL_HEADER = 32
_TRIES = 5


class NoBuffer(AgentError):
    """There is no buffer to look into."""

    def __init__(self, path: Path, detail: str) -> None:
        super().__init__(f"cannot read a buffer at {path}: {detail}. Is [agent] data right?")
        self.path = path


class Snapshot:
    """A buffer as it was at one moment; read only."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        state = dict(db.execute("SELECT key, value FROM state"))
        self.epoch: str = state["epoch"]
        self.next: int = state["next"]

    def summary(self) -> dict[str, object]:
        """Return the figures that `buffer show` prints."""
        count, first, last, size, oldest = self._db.execute(
            "SELECT count(*), min(sequence), max(sequence), sum(length(payload)), min(oldest)"
            " FROM pack"
        ).fetchone()
        return {
            "epoch": self.epoch,
            "next": self.next,
            "packs": count,
            "first": first,
            "last": last,
            "bytes": size or 0,
            "oldest": None if oldest is None else oldest / 1e6,
            "waiting": self._waiting(),
            "lost": self._db.execute("SELECT first, last, reason FROM lost").fetchall(),
            "positions": dict(self._db.execute("SELECT source, position FROM position")),
        }

    def _waiting(self) -> int:
        """How many rows wait for the clock; a buffer of an older format has none."""
        try:
            return int(self._db.execute("SELECT count(*) FROM waiting").fetchone()[0])
        except sqlite3.OperationalError:
            return 0

    def packs(self) -> Iterator[tuple[int, bytes]]:
        """Return every pack with its number, as it travels, in order."""
        for number, stored in self._db.execute(
            "SELECT sequence, payload FROM pack ORDER BY sequence"
        ):
            yield number, plain(stored)


@contextmanager
def snapshot(folder: Path) -> Iterator[Snapshot]:
    """Copy the buffer in `folder` (its size is needed in the temporary folder) and open that.

    Raises NoBuffer.
    """
    source = folder / FILE
    with tempfile.TemporaryDirectory(prefix="fieldline-") as place:
        try:
            copy = _copy(source, Path(place))
            db = sqlite3.connect(copy)
            try:
                yield Snapshot(db)
            finally:
                db.close()
        except OSError as error:
            raise NoBuffer(source, error.strerror or str(error)) from error
        except sqlite3.Error as error:
            raise NoBuffer(source, str(error)) from error


def _copy(source: Path, place: Path) -> Path:
    wal = source.with_name(source.name + "-wal")
    copy = place / FILE
    for _ in range(_TRIES):
        header = _header(wal)
        shutil.copyfile(source, copy)
        if wal.exists():
            shutil.copyfile(wal, copy.with_name(copy.name + "-wal"))
        if _header(wal) == header:
            return copy
    raise NoBuffer(source, "the agent writes faster than it can be copied; try again")


def _header(wal: Path) -> bytes:
    try:
        with wal.open("rb") as file:
            return file.read(_WAL_HEADER)
    except FileNotFoundError:
        return b""
