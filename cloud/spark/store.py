"""The one transaction of a batch. Whatever is killed when, all of it is there or nothing."""

import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import Connection

from cloud.spark import announcements, statements
from cloud.spark.aggregate import merge
from cloud.spark.alerts.book import Transition
from cloud.spark.alerts.evaluator import Evaluator
from cloud.spark.alerts.horizon import Horizon
from cloud.spark.arrays import Int4, Timestamptz, columns_of, register
from cloud.spark.copy_rows import HEADER, ROW, TRAILER, times_of
from cloud.spark.foreign import Foreign, Known
from cloud.spark.fresh import Key, Sieve, aggregate_rows, days_of, numbers_of
from cloud.spark.identifiers import Identifiers
from cloud.spark.part import Part, Rejection, TextReading, array
from cloud.spark.ranges import multirange, range_set
from cloud.spark.share import Share
from wire import topics
from wire.ranges import RangeSet

_log = logging.getLogger(__name__)

_DAY_ZERO = date(1970, 1, 1).toordinal()
_WRITER = "SELECT pg_try_advisory_lock(hashtext('fieldline.stream'))"


class Stored(NamedTuple):
    """What a transaction did: `ranges` of the epochs that it touched, as they are now.

    `alerts` is what fires now, or no longer.
    """

    ranges: list[tuple[str, str, RangeSet]]
    rejections: list[Rejection]
    packs: int
    readings: int
    newest: int | None
    alerts: Sequence[Transition] = ()


class Store:
    """A connection that alone writes readings, and what is known by it.

    After any exception it must be closed and made anew: its caches may hold what was rolled back.
    """

    def __init__(self, connection: Connection[Any]) -> None:
        """Take a connection in autocommit mode, as fieldline_stream."""
        register(connection)
        connection.execute("SET timezone = 'UTC'; SET jit = off")
        self._connection = connection
        self._identifiers = Identifiers(connection)
        self._alerts = Evaluator(connection)
        self._months: set[int] = set()

    def try_lock(self) -> bool:
        """Whether this is the only writer now.

        The connection of a stream that was killed holds the lock until its last transaction has
        ended one way or the other, so that nobody asks the ledger before.
        """
        row = self._connection.execute(_WRITER).fetchone()
        return row is not None and bool(row[0])

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def all_ranges(self) -> list[tuple[str, str, RangeSet]]:
        """Return what is stored of every (device, epoch), the one touched last at the end."""
        rows = self._connection.execute(statements.ALL_STORED)
        return [(device, epoch, range_set(stored)) for device, epoch, stored in rows]

    def store(self, parts: Sequence[Part], log: str) -> Stored:
        """Store what is new in the parts. Raises psycopg.Error, and then nothing is stored."""
        self._make_partitions(parts)
        ended = self._evaluate(self._alerts.refresh)
        with self._connection.transaction():
            stored = self._store(parts, log)
        return stored._replace(alerts=[*ended, *stored.alerts])

    def look(self, horizon: Horizon) -> list[Transition]:
        """See which alert rules there are, and who is silent. Raises psycopg.Error."""
        ended = self._evaluate(self._alerts.refresh)
        return ended + self._evaluate(lambda: self._alerts.look(horizon))

    def _store(self, parts: Sequence[Part], log: str) -> Stored:
        numbers = numbers_of(parts)
        sieve = Sieve(self._overlap(numbers))
        shares = [self._share(part, sieve) for part in parts]

        partials, readings, newest = [], Counter[Key](), []
        own = [share.numbers() for share in shares]
        texts = [(share, share.texts(foreign=False)) for share in shares]
        self._copy("reading", [rows for rows, _ in own], texts)
        partials += [minutes for _, minutes in own]
        for share, (rows, _) in zip(shares, own, strict=True):
            readings += share.readings()
            newest += [int(times_of(rows).max())] if len(rows) else []

        foreign, foreign_texts, conflicts = self._foreign(shares)
        self._copy("foreign_reading", [foreign], foreign_texts)
        partials.append(aggregate_rows(foreign))
        newest += [int(times_of(foreign).max())] if len(foreign) else []

        self._merge_rollups(np.concatenate(partials))
        alerts = self._evaluate(
            lambda: self._alerts.evaluate([*(rows for rows, _ in own), foreign])
        )
        packs = self._write_ledger(shares, numbers, readings)
        self._write_days(shares)
        self._see(shares)
        rejections = self._reject(shares, conflicts, log)
        ranges = self._ranges(numbers)
        foreign_count = len(foreign) + sum(len(new) for _, new in foreign_texts)
        total = readings.total() + foreign_count
        return Stored(ranges, rejections, packs, total, max(newest, default=None), alerts)

    def _evaluate(self, act: Callable[[], list[Transition]]) -> list[Transition]:
        """Do what alert rules ask for, but never let readings wait for it, or be lost by it."""
        try:
            return act()
        except psycopg.OperationalError:
            raise
        except Exception:  # noqa: BLE001 -- logged; a fault of ours must not stop the stream
            _log.exception("alert rules could not be evaluated; the readings are stored")
            self._alerts = Evaluator(self._connection)
            return []

    def _make_partitions(self, parts: Sequence[Part]) -> None:
        """Make what is missing, each month on its own: locks are few and a failure costs little."""
        months: set[int] = set()
        for part in parts:
            for data in (part.rows, part.foreign):
                times = times_of(array(data, ROW))
                months |= set(np.unique(times.astype("M8[us]").astype("M8[M]").astype(int)))
            for text in part.texts:
                months.add(int(np.datetime64(text.time, "us").astype("M8[M]").astype(int)))
        for month in sorted(months - self._months):
            first = np.datetime64(int(month), "M").astype("M8[D]").item()
            self._connection.execute("SELECT storage.ensure_month(%s)", (first,))
            self._months.add(month)

    def _overlap(self, numbers: dict[Key, RangeSet]) -> dict[Key, RangeSet]:
        arguments = (
            [device for device, _ in numbers],
            [epoch for _, epoch in numbers],
            [multirange(ranges) for ranges in numbers.values()],
        )
        rows = self._connection.execute(statements.OVERLAP, arguments)
        return {(device, epoch): range_set(common) for device, epoch, common in rows}

    def _share(self, part: Part, sieve: Sieve) -> Share:
        return Share(
            part,
            sieve.keep(part.packs),
            np.array(self._identifiers.series(part.series), np.int32),
            np.array(self._identifiers.kinds(part.kinds), np.int32),
        )

    def _copy(
        self,
        table: str,
        numbers: list[NDArray[np.void]],
        texts: list[tuple[Share, list[TextReading]]],
    ) -> None:
        if not any(map(len, numbers)) and not any(new for _, new in texts):
            return
        with self._connection.cursor().copy(statements.COPY.format(table=table)) as copy:
            copy.write(HEADER)
            for rows in numbers:
                copy.write(rows.data.cast("B") if len(rows) else b"")
            for share, new in texts:
                for text in new:
                    copy.write(share.encode(text))
            copy.write(TRAILER)

    def _foreign(
        self, shares: list[Share]
    ) -> tuple[NDArray[np.void], list[tuple[Share, list[TextReading]]], list[Rejection]]:
        """Return what is new of foreign readings, and what contradicts them."""
        foreign = Foreign(shares)
        known: list[Known] = []
        if len(foreign):
            series, times, kinds = foreign.firsts
            arguments = (Int4(series), Timestamptz(times), Int4(kinds))
            known = self._connection.execute(statements.KNOWN_FOREIGN, arguments).fetchall()
        return foreign.new(known)

    def _merge_rollups(self, partials: NDArray[np.void]) -> None:
        for table, width in statements.ROLLUPS.items():
            partials = merge(partials, width)
            if len(partials):
                columns = columns_of(partials, statements.PARTIAL_KINDS)
                self._connection.execute(statements.ROLLUP.format(table=table), columns)

    def _write_ledger(
        self, shares: list[Share], numbers: dict[Key, RangeSet], readings: Counter[Key]
    ) -> int:
        packs: Counter[Key] = Counter()
        for share in shares:
            for pack, new in zip(share.part.packs, share.keep, strict=True):
                if new and pack.epoch is not None:
                    packs[pack.device, pack.epoch] += 1
        devices = self._identifiers.devices(device for device, _ in packs)
        arguments = (
            [devices[device] for device, _ in packs],
            [epoch for _, epoch in packs],
            [multirange(numbers[key]) for key in packs],
            list(packs.values()),
            [readings[key] for key in packs],
        )
        if packs:
            self._connection.execute(statements.LEDGER, arguments)
        return packs.total()

    def _write_days(self, shares: list[Share]) -> None:
        days: defaultdict[tuple[str, str, int], list[int]] = defaultdict(list)
        for share in shares:
            for pack, new, day in zip(
                share.part.packs, share.keep, days_of(share.part), strict=True
            ):
                if new and pack.epoch is not None and pack.sequence is not None:
                    days[pack.device, pack.epoch, int(day)].append(pack.sequence)
        if days:
            devices = self._identifiers.devices(device for device, _, _ in days)
            arguments = (
                [devices[device] for device, _, _ in days],
                [epoch for _, epoch, _ in days],
                [date.fromordinal(_DAY_ZERO + day) for _, _, day in days],
                [min(numbers) for numbers in days.values()],
                [len(numbers) for numbers in days.values()],
            )
            self._connection.execute(statements.LEDGER_DAY, arguments)

    def _see(self, shares: list[Share]) -> None:
        seen: dict[str, int] = {}
        for share in shares:
            for pack in share.part.packs:
                seen[pack.device] = max(pack.received, seen.get(pack.device, 0))
        if seen:
            devices = self._identifiers.devices(seen)
            numbers = np.array([devices[device] for device in seen], np.int32)
            times = np.array(list(seen.values()), np.int64)
            self._connection.execute(statements.SEEN, (Int4(numbers), Timestamptz(times)))

    def _reject(self, shares: list[Share], conflicts: list[Rejection], log: str) -> list[Rejection]:
        packs = conflicts + [
            rejection
            for share in shares
            for rejection in share.part.rejections
            if rejection.pack is None or share.keep[rejection.pack]
        ]
        said = [
            refused
            for share in shares
            for refused in announcements.store(
                self._connection, self._identifiers, share.part.announcements
            )
        ]
        rows = [_rejected(rejection, log) for rejection in packs]
        rows += [_rejected(rejection, f"{log}/{topics.DEVICES}") for rejection in said]
        if rows:
            self._connection.cursor().executemany(statements.REJECTED, rows)
        return packs + said

    def _ranges(self, numbers: dict[Key, RangeSet]) -> list[tuple[str, str, RangeSet]]:
        arguments = ([device for device, _ in numbers], [epoch for _, epoch in numbers])
        rows = self._connection.execute(statements.STORED, arguments)
        return [(device, epoch, range_set(stored)) for device, epoch, stored in rows]


def connect(dsn: str, password: str | None) -> Store:
    """Connect to PostgreSQL; raises psycopg.Error."""
    connection = psycopg.connect(
        dsn,
        password=password,
        autocommit=True,
        connect_timeout=5,
        application_name="fieldline stream",
        keepalives_idle=5,
        keepalives_interval=2,
        keepalives_count=3,
    )
    try:
        return Store(connection)
    except BaseException:
        connection.close()
        raise


def _rejected(rejection: Rejection, log: str) -> tuple[Any, ...]:
    return (
        datetime.fromtimestamp(rejection.received / 1e6, UTC),
        rejection.origin,
        rejection.device,
        rejection.reason,
        rejection.payload,
        log,
        rejection.partition,
        rejection.offset,
        rejection.number,
    )
