"""The buffer's rows in SQLite: one file, one connection, every commit durable.

WAL with `synchronous=FULL`: NORMAL loses committed rows in a power cut. The connection holds the
file exclusively, because two connections can corrupt a WAL database before SQLite 3.51.3; other
processes read a copy (`snapshot`). Nothing here decides anything: see `delivery`.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from edge_agent.buffer.payload import plain
from edge_agent.errors import BufferFull, BufferNewer
from wire.ranges import RangeSet

SCHEMA_VERSION = 3
APPLICATION_ID = 0x464C4231
"""`FLB1`, so that `file` and people can tell what the file is."""

_WAITING = """
CREATE TABLE waiting (                 -- readings from before the clock was set, see `early`
    number  INTEGER PRIMARY KEY,
    boot    TEXT NOT NULL,
    newest  INTEGER NOT NULL,          -- boot time of its newest reading, µs
    payload BLOB NOT NULL
);
"""

SCHEMA = f"""
PRAGMA application_id = {APPLICATION_ID};
CREATE TABLE pack (
    sequence INTEGER PRIMARY KEY,
    oldest   INTEGER NOT NULL,      -- time of its oldest reading, UTC in µs
    payload  BLOB NOT NULL          -- the SenML pack, see `payload`
);
CREATE TABLE state (key TEXT PRIMARY KEY, value) WITHOUT ROWID;    -- epoch, next
CREATE TABLE position (source TEXT PRIMARY KEY, position TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE lost (first INTEGER PRIMARY KEY, last INTEGER NOT NULL, reason TEXT NOT NULL);
{_WAITING}
PRAGMA user_version = {SCHEMA_VERSION};
"""

MIGRATIONS = {
    1: "",  # packs are deflated from here on; those that are there stay plain
    2: _WAITING,
}
"""What leads from a version to the next one."""

PRAGMAS = (
    "PRAGMA locking_mode = EXCLUSIVE",  # no other connection, and no shared memory file
    "PRAGMA page_size = 1024",  # a commit writes a few part-filled pages: small ones waste less
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA secure_delete = OFF",  # Debian compiles it on: it would overwrite what is deleted
    "PRAGMA wal_autocheckpoint = 8000",
    "PRAGMA journal_size_limit = 33554432",
    "PRAGMA cache_size = -384",
)


class NewPack(NamedTuple):
    """A pack about to be written; its number is the next one.

    `oldest` is the time of its oldest reading, `payload` the pack as it travels, or, when given
    to a Store, as it lies on disk.
    """

    oldest: int
    payload: bytes


class Early(NamedTuple):
    """Readings of one boot that wait for the clock; `newest` is the boot time of the newest, µs."""

    boot: str
    newest: int
    payload: bytes


class Quota(NamedTuple):
    """How much the buffer may hold, in bytes, and what happens when it is full."""

    bytes: int
    when_full: Literal["drop_oldest", "refuse_new"] = "drop_oldest"


class Lost(NamedTuple):
    """Numbers `first` to `last` were thrown away by the device."""

    first: int
    last: int
    reason: str


class Store:
    """The open database. Raises sqlite3.Error; whoever holds the store decides what it means."""

    def __init__(self, path: Path, *, epoch: str) -> None:
        """Open the database, or make it with `epoch` if there is none.

        One of an earlier version is brought up to date; one of a later raises BufferNewer.
        """
        self.path = path
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        try:
            self._prepare(epoch)
        except BaseException:
            self._db.close()
            raise

    def _prepare(self, epoch: str) -> None:
        for pragma in PRAGMAS:
            self._db.execute(pragma)
        version = self._number("PRAGMA user_version")
        if version == 0:
            self._create(epoch)
        elif version > SCHEMA_VERSION:
            raise BufferNewer(str(self.path), version, SCHEMA_VERSION)
        else:
            self._migrate(version)
        if self._number("PRAGMA page_count") <= QUICK_CHECK_PAGES:
            [(verdict,)] = self._db.execute("PRAGMA quick_check(1)")
            if verdict != "ok":
                raise sqlite3.DatabaseError(verdict)
        state: dict[str, int | str] = dict(self._db.execute("SELECT key, value FROM state"))
        if not isinstance(state.get("epoch"), str) or not isinstance(state.get("next"), int):
            msg = "its epoch or its next sequence number is missing"
            raise sqlite3.DatabaseError(msg)
        self.epoch = str(state["epoch"])
        self.next = int(state["next"])
        self._page_size = self._number("PRAGMA page_size")

    def _create(self, epoch: str) -> None:
        self._db.executescript(f"BEGIN IMMEDIATE; {SCHEMA}")
        self._db.execute("INSERT INTO state VALUES ('epoch', ?), ('next', 0)", (epoch,))
        self._db.execute("COMMIT")

    def _migrate(self, version: int) -> None:
        for earlier in range(version, SCHEMA_VERSION):
            # One transaction each: a power cut leaves the one version or the other.
            self._db.executescript(
                f"BEGIN IMMEDIATE; {MIGRATIONS[earlier]}; PRAGMA user_version = {earlier + 1};"
                " COMMIT"
            )

    def _number(self, query: str) -> int:
        return int(self._db.execute(query).fetchone()[0])

    def close(self) -> None:
        """Close the database, which folds the WAL into it."""
        self._db.close()

    def held(self) -> RangeSet:
        """Return the numbers of all packs in the database."""
        ranges: list[tuple[int, int]] = []
        first = last = -2
        for (number,) in self._db.execute("SELECT sequence FROM pack ORDER BY sequence"):
            if number != last + 1:
                if last >= 0:
                    ranges.append((first, last))
                first = number
            last = number
        if last >= 0:
            ranges.append((first, last))
        return RangeSet(tuple(ranges))

    def lost(self) -> list[Lost]:
        """Return what was thrown away, in order."""
        return [Lost(*row) for row in self._db.execute("SELECT * FROM lost ORDER BY first")]

    def positions(self) -> dict[str, str]:
        """Return how far each source has come."""
        return dict(self._db.execute("SELECT source, position FROM position"))

    def bytes_used(self) -> int:
        """Return the bytes of all pages in use, the measure of the quota."""
        used = self._number("PRAGMA page_count") - self._number("PRAGMA freelist_count")
        return used * self._page_size

    def oldest(self) -> int | None:
        """Return the time of the oldest pack's oldest reading, µs UTC."""
        row = self._db.execute("SELECT oldest FROM pack ORDER BY sequence LIMIT 1").fetchone()
        return None if row is None else int(row[0])

    def packs(self, first: int, last: int, *, most: int) -> list[tuple[int, bytes]]:
        """Return up to `most` packs with numbers from `first` to `last`, plain and in order."""
        query = (
            "SELECT sequence, payload FROM pack WHERE sequence BETWEEN ? AND ?"
            " ORDER BY sequence LIMIT ?"
        )
        rows = self._db.execute(query, (first, last, most))
        return [(number, plain(stored)) for number, stored in rows]

    def is_waiting(self) -> bool:
        """Say whether anything waits for the clock."""
        return bool(self._number("SELECT EXISTS (SELECT * FROM waiting)"))

    def waiting(self, *, most: int) -> tuple[int, list[Early]]:
        """Return the first of what waits for the clock, and the number of the last of them."""
        rows = self._db.execute(
            "SELECT number, boot, newest, payload FROM waiting ORDER BY number LIMIT ?", (most,)
        ).fetchall()
        kept = [Early(boot, newest, plain(stored)) for _, boot, newest, stored in rows]
        return (rows[-1][0] if rows else 0), kept

    def boots_waiting(self) -> list[tuple[str, int]]:
        """Return the boots of what waits, in order, with the boot time of their newest reading."""
        return self._db.execute(
            "SELECT boot, max(newest) FROM waiting GROUP BY boot ORDER BY min(number)"
        ).fetchall()

    def put(
        self,
        packs: Sequence[NewPack],
        positions: Mapping[str, str],
        forget: RangeSet,
        quota: Quota,
        *,
        early: Sequence[Early] = (),
        dated: int = 0,
    ) -> RangeSet:
        """Write all in one durable transaction; return the numbers dropped to make room.

        `early` is to wait for the clock; what waited, up to the number `dated`, does no longer.
        Raises BufferFull, with nothing written, if they do not fit and the policy is to refuse, or
        if there is nothing but what waits: that is never thrown away.
        """
        self._db.execute("BEGIN IMMEDIATE")
        try:
            self._delete(forget)
            self._db.execute("DELETE FROM waiting WHERE number <= ?", (dated,))
            needed = sum(len(pack.payload) + 64 for pack in packs)
            needed += sum(len(one.payload) + 64 for one in early)
            dropped = self._make_room(needed, quota, refuse=bool(early))
            self._db.executemany(
                "INSERT INTO waiting (boot, newest, payload) VALUES (?, ?, ?)", early
            )
            self._db.executemany(
                "INSERT INTO pack VALUES (?, ?, ?)",
                ((self.next + i, *pack) for i, pack in enumerate(packs)),
            )
            after = self.next + len(packs)
            if packs:
                self._db.execute("UPDATE state SET value = ? WHERE key = 'next'", (after,))
            self._db.executemany("INSERT OR REPLACE INTO position VALUES (?, ?)", positions.items())
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        self.next = after
        return dropped

    def _delete(self, numbers: RangeSet) -> None:
        self._db.executemany("DELETE FROM pack WHERE sequence BETWEEN ? AND ?", numbers.ranges)

    def _make_room(self, needed: int, quota: Quota, *, refuse: bool) -> RangeSet:
        dropped = RangeSet()
        while needed and (excess := self.bytes_used() + needed - quota.bytes) > 0:
            oldest = RangeSet() if quota.when_full == "refuse_new" else self._oldest_packs(excess)
            if not oldest and (refuse or quota.when_full == "refuse_new"):
                msg = f"the buffer holds all it may ({quota.bytes} bytes)"
                raise BufferFull(msg)
            if not oldest:
                break  # a quota too small for even these packs: better held than lost
            self._delete(oldest)
            dropped |= oldest
        for first, last in dropped.ranges:
            self._record_loss(Lost(first, last, "quota"))
        return dropped

    def _oldest_packs(self, size: int) -> RangeSet:
        numbers = []
        for number, length in self._db.execute(
            "SELECT sequence, length(payload) FROM pack ORDER BY sequence"
        ):
            numbers.append((number, number))
            size -= length
            if size <= 0:
                break
        return RangeSet.of(numbers)

    def _record_loss(self, lost: Lost) -> None:
        """Record a loss, lengthening the range before it if it continues that."""
        continued = self._db.execute(
            "UPDATE lost SET last = ? WHERE last = ? AND reason = ?",
            (lost.last, lost.first - 1, lost.reason),
        )
        if continued.rowcount == 0:
            self._db.execute("INSERT INTO lost VALUES (?, ?, ?)", lost)


QUICK_CHECK_PAGES = 65_536
"""Up to 64 MB the database is checked at its opening; beyond, a damage is met when it is met."""
