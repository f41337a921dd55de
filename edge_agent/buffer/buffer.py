"""The buffer as the rest of the agent sees it: rows on disk and what is to be done with them."""

import fcntl
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from edge_agent.buffer.delivery import Delivery
from edge_agent.buffer.payload import deflated
from edge_agent.buffer.store import Early, Lost, NewPack, Quota, Store
from edge_agent.errors import BufferBusy, DiskFailed, EpochBegun
from wire.names import new_epoch
from wire.ranges import RangeSet
from wire.receipt import Receipt
from wire.status import BufferStatus

FILE = "buffer.sqlite"
HELD_RANGES = 100
LOST_RANGES = 200
CHUNK = 32
_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}

_log = logging.getLogger(__name__)
_T = TypeVar("_T")


class Buffer:
    """The durable queue of packs. Thread safe.

    Two locks: a commit may take long on an SD card, and receipts must not wait for it.
    """

    def __init__(
        self,
        folder: Path,
        quota: Quota,
        *,
        hole_s: float = 180.0,
        monotonic: Callable[[], float] = time.monotonic,
        draw_epoch: Callable[[], str] = new_epoch,
    ) -> None:
        """Open the buffer in a folder, or make it.

        Raises BufferBusy if another process has it, BufferNewer if a later version wrote it,
        DiskFailed if the disk does not take it.
        A damaged database is no error: it is set aside, and `problem` says so.
        """
        self.path = folder / FILE
        self.quota = quota
        self.problem = ""
        self._hole_s = hole_s
        self._monotonic = monotonic
        self._draw_epoch = draw_epoch
        self._disk = threading.RLock()
        self._mind = threading.Lock()
        self._forget = RangeSet()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._guard = (folder / "buffer.lock").open("w")
        except OSError as error:
            raise DiskFailed(str(folder), error.strerror or str(error)) from error
        try:
            fcntl.flock(self._guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._guard.close()
            raise BufferBusy(str(folder)) from None
        try:
            self._open()
        except BaseException:
            self._guard.close()
            raise

    def _open(self) -> None:
        try:
            self._take_over(Store(self.path, epoch=self._draw_epoch()))
        except sqlite3.Error as error:
            if not _is_damage(error):
                raise DiskFailed(str(self.path), str(error)) from error
            self._set_aside(error)

    def _take_over(self, store: Store) -> None:
        """Make `store` the one in use; its every row is read, so damage shows here."""
        try:
            held, lost, positions = store.held(), store.lost(), store.positions()
            waits = store.is_waiting()
        except BaseException:
            store.close()
            raise
        with self._mind:
            self._store = store
            self._lost = lost
            self._positions = positions
            self._waits = waits
            self._forget = RangeSet()
            self._delivery = Delivery(store.epoch, held, now=self._monotonic(), hole_s=self._hole_s)

    def _set_aside(self, damage: sqlite3.Error) -> EpochBegun:
        """Rename the damaged files and begin anew; positions that are still known are kept."""
        positions = getattr(self, "_positions", {})
        now = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        aside = self.path.with_name(f"buffer.damaged-{now}.sqlite")
        try:
            for suffix in ("", "-wal"):
                part = self.path.with_name(self.path.name + suffix)
                if part.exists():
                    part.rename(aside.with_name(aside.name + suffix))
            store = Store(self.path, epoch=self._draw_epoch())
            if positions:
                store.put([], positions, RangeSet(), self.quota)
            self._take_over(store)
        except (OSError, sqlite3.Error) as error:
            raise DiskFailed(str(self.path), str(error)) from error
        begun = EpochBegun(aside.name, str(damage))
        self.problem = str(begun)
        _log.error("%s", begun)
        return begun

    def _on_disk(self, operation: Callable[[Store], _T]) -> _T:
        with self._disk:
            try:
                return operation(self._store)
            except sqlite3.Error as error:
                if not _is_damage(error):
                    raise DiskFailed(str(self.path), str(error)) from error
                self._store.close()
                raise self._set_aside(error) from error

    def close(self) -> None:
        """Write what is outstanding and close; another process may open the buffer then."""
        with self._disk:
            try:
                self.flush()
            finally:
                self._store.close()
                self._guard.close()

    # -- writing -------------------------------------------------------------------------------

    @property
    def identity(self) -> tuple[str, int]:
        """The epoch, and the number that the next pack put gets."""
        return self._store.epoch, self._store.next

    def position(self, source: str) -> str | None:
        """Return how far a source has come, as of its last readings on disk."""
        return self._positions.get(source)

    def put(
        self,
        packs: Sequence[NewPack],
        positions: Mapping[str, str],
        *,
        claim: bool = False,
        early: Sequence[Early] = (),
        dated: int = 0,
    ) -> None:
        """Write packs, numbered from `identity` on, and positions in one durable transaction.

        `claim` counts the packs as sent, so that the backlog leaves them to the live lane. `early`
        is to wait for the clock; what waited, up to the number `dated`, is forgotten.

        Raises, with nothing written: BufferFull; DiskFailed (try again later); EpochBegun (the
        numbers within the packs are no longer right: encode them anew).
        """
        rows = [NewPack(pack.oldest, deflated(pack.payload)) for pack in packs]
        early = [one._replace(payload=deflated(one.payload)) for one in early]
        with self._disk:
            forget = self._forget
            first = self._store.next
            dropped = self._on_disk(
                lambda store: store.put(
                    rows, positions, forget, self.quota, early=early, dated=dated
                )
            )
            if early or dated:
                self._waits = self._on_disk(Store.is_waiting)
            with self._mind:
                self._forget -= forget
                self._positions.update(positions)
                if packs:
                    new = RangeSet(((first, first + len(packs) - 1),))
                    self._delivery.added(new)
                    if claim:
                        self._delivery.sent(new)
                self._delivery.dropped(dropped)
            if dropped:
                self._lost = self._on_disk(Store.lost)
                _log.warning(
                    "buffer full (%d bytes): threw away the oldest %d packs",
                    self.quota.bytes,
                    len(dropped),
                )

    def flush(self) -> None:
        """Delete what is stored now instead of with the next packs."""
        if self._forget:
            self.put([], {})

    # -- before the clock is known ---------------------------------------------------------------

    def waiting(self, *, most: int) -> tuple[int, list[Early]]:
        """Return the first of what waits for the clock, and the number of the last of them."""
        if not self._waits:
            return 0, []
        with self._disk:
            return self._on_disk(lambda store: store.waiting(most=most))

    def boots_waiting(self) -> list[tuple[str, int]]:
        """Return the boots of what waits, in order, with the boot time of their newest reading."""
        with self._disk:
            return self._on_disk(Store.boots_waiting)

    # -- sending -------------------------------------------------------------------------------

    def take_due(self) -> list[tuple[int, bytes]]:
        """Return some of the packs that are due, lowest first, and count them as sent."""
        with self._disk:  # first this lock, then the other, everywhere
            with self._mind:
                due = self._delivery.due()
            if not due:
                return []
            first, last = due.ranges[0]
            packs = self._on_disk(lambda store: store.packs(first, last, most=CHUNK))
            if packs:
                self.sent(RangeSet(((packs[0][0], packs[-1][0]),)))
            return packs

    def sent(self, numbers: RangeSet) -> None:
        """Count packs as under way."""
        with self._mind:
            self._delivery.sent(numbers)

    def not_sent(self, numbers: RangeSet) -> None:
        """Count packs as due again: the broker refused them or nobody was there."""
        with self._mind:
            self._delivery.not_sent(numbers)

    def connection_lost(self) -> None:
        """Count all that is not accepted as due again."""
        with self._mind:
            self._delivery.connection_lost()

    def is_held(self, epoch: str, number: int) -> bool:
        """Say whether a pack still waits for being stored."""
        with self._mind:
            return epoch == self._delivery.epoch and number in self._delivery.held

    def under_way(self) -> int:
        """Return how many packs are sent and not accepted yet."""
        with self._mind:
            return len(self._delivery.under_way())

    def has_due(self) -> bool:
        """Say whether any pack should be sent."""
        with self._mind:
            return bool(self._delivery.due())

    def is_empty(self) -> bool:
        """Say whether every pack ever written is stored (or thrown away), and nothing waits."""
        with self._mind:
            return not self._delivery.held and not self._waits

    def receipt(self, receipt: Receipt) -> None:
        """Take in a receipt. What is stored is deleted with the next packs that are written."""
        with self._mind:
            stored = self._delivery.receipt(receipt)
            self._forget |= stored

    def tick(self) -> None:
        """Let time pass; to be called every second or so."""
        with self._mind:
            self._delivery.tick(self._monotonic())

    # -- showing -------------------------------------------------------------------------------

    def status(self) -> BufferStatus:
        """Return what the device says of its buffer."""
        with self._disk:
            used, oldest = self._on_disk(lambda store: (store.bytes_used(), store.oldest()))
            with self._mind:
                held = self._delivery.held
        return BufferStatus(
            epoch=self._store.epoch,
            next=self._store.next,
            held=held.ranges[:HELD_RANGES],
            lost=tuple(_shortened(self._lost)),
            bytes=used,
            quota=self.quota.bytes,
            oldest=None if oldest is None else oldest / 1e6,
        )


def _shortened(lost: list[Lost]) -> list[tuple[int, int, str]]:
    """The newest ranges, the many before them as one: what is between is stored anyway."""
    rows = [(row.first, row.last, row.reason) for row in lost]
    if len(rows) <= LOST_RANGES:
        return rows
    cut = len(rows) - LOST_RANGES + 1
    return [(rows[0][0], rows[cut - 1][1], rows[0][2]), *rows[cut:]]


def _is_damage(error: sqlite3.Error) -> bool:
    """Say whether the file is damaged, not merely the disk unwilling."""
    if isinstance(error, sqlite3.OperationalError):
        # No table or column of that name: a file that is SQLite but not ours.
        return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR
    code = getattr(error, "sqlite_errorcode", None)
    return isinstance(error, sqlite3.DatabaseError) and (code is None or code & 0xFF in _DAMAGE)
