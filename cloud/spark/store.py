"""The one transaction of a batch. Whatever is killed when, all of it is there or nothing."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import Connection

from cloud.spark import announcements, statements
from cloud.spark.aggregate import merge
from cloud.spark.arrays import Int4, Timestamptz, columns_of, register
from cloud.spark.copy_rows import HEADER, ROW, TRAILER, concatenated, text_row, times_of
from cloud.spark.fresh import Key, Sieve, aggregate_rows, first_of_each, fresh_rows, numbers_of
from cloud.spark.identifiers import Identifiers
from cloud.spark.part import Part, Rejection, TextReading, array
from cloud.spark.ranges import multirange, range_set
from wire import topics
from wire.ranges import RangeSet

_WRITER = "SELECT pg_try_advisory_lock(hashtext('fieldline.stream'))"


class Stored(NamedTuple):
    """What a transaction did: `ranges` of the epochs that it touched, as they are now."""

    ranges: list[tuple[str, str, RangeSet]]
    rejections: list[Rejection]
    packs: int
    readings: int
    newest: int | None


class _Share(NamedTuple):
    """What is new of a part, with identifiers of the database."""

    part: Part
    keep: NDArray[np.bool_]
    series: NDArray[np.int32]
    kinds: NDArray[np.int32]


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
        with self._connection.transaction():
            return self._store(parts, log)

    def _store(self, parts: Sequence[Part], log: str) -> Stored:
        numbers = numbers_of(parts)
        sieve = Sieve(self._overlap(numbers))
        shares = [self._share(part, sieve) for part in parts]

        partials, readings, newest = [], Counter[Key](), []
        own = [_numbers_of_share(share) for share in shares]
        texts = [(share, _texts(share, foreign=False)) for share in shares]
        self._copy("reading", [rows for rows, _ in own], texts)
        partials += [minutes for _, minutes in own]
        for share, (rows, _) in zip(shares, own, strict=True):
            readings += _count(share)
            newest += [int(times_of(rows).max())] if len(rows) else []

        foreign, foreign_texts = self._fresh_foreign(shares)
        self._copy("foreign_reading", [foreign], foreign_texts)
        partials.append(aggregate_rows(foreign))
        newest += [int(times_of(foreign).max())] if len(foreign) else []

        self._merge_rollups(np.concatenate(partials))
        packs = self._write_ledger(shares, numbers, readings)
        self._see(shares)
        rejections = self._reject(shares, log)
        ranges = self._ranges(numbers)
        foreign_count = len(foreign) + sum(len(new) for _, new in foreign_texts)
        total = readings.total() + foreign_count
        return Stored(ranges, rejections, packs, total, max(newest, default=None))

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

    def _share(self, part: Part, sieve: Sieve) -> _Share:
        return _Share(
            part,
            sieve.keep(part.packs),
            np.array(self._identifiers.series(part.series), np.int32),
            np.array(self._identifiers.kinds(part.kinds), np.int32),
        )

    def _copy(
        self,
        table: str,
        numbers: list[NDArray[np.void]],
        texts: list[tuple[_Share, list[TextReading]]],
    ) -> None:
        if not any(map(len, numbers)) and not any(new for _, new in texts):
            return
        with self._connection.cursor().copy(statements.COPY.format(table=table)) as copy:
            copy.write(HEADER)
            for rows in numbers:
                copy.write(rows.data.cast("B") if len(rows) else b"")
            for share, new in texts:
                for text in new:
                    copy.write(_encode(share, text))
            copy.write(TRAILER)

    def _fresh_foreign(
        self, shares: list[_Share]
    ) -> tuple[NDArray[np.void], list[tuple[_Share, list[TextReading]]]]:
        """Return what has not been stored at its series and time; in a batch the first one."""
        rows = [_with_identifiers(array(share.part.foreign, ROW), share) for share in shares]
        packs = [array(share.part.foreign_packs, np.int32) for share in shares]
        # In the order of arrival, for the first to win. A part is one partition's.
        rows = [r[np.argsort(p, kind="stable")] for r, p in zip(rows, packs, strict=True)]
        numbers = concatenated(rows)
        texts = [(share, text) for share in shares for text in _texts(share, foreign=True)]
        if not len(numbers) and not texts:
            return numbers, []
        text_series = np.array([share.series[text.series] for share, text in texts], np.int32)
        text_times = np.array([text.time for _, text in texts], np.int64)
        series = np.concatenate((numbers["series"].astype(np.int32), text_series))
        times = np.concatenate((times_of(numbers), text_times))
        places = first_of_each(series, times)
        known = self._connection.execute(
            statements.KNOWN_FOREIGN, (Int4(series[places]), Timestamptz(times[places]))
        ).fetchall()
        places = np.delete(places, [place - 1 for (place,) in known])
        kept = numbers[places[places < len(numbers)]]
        kept_texts = [texts[place - len(numbers)] for place in places[places >= len(numbers)]]
        return kept, [(share, [text]) for share, text in kept_texts]

    def _merge_rollups(self, partials: NDArray[np.void]) -> None:
        for table, width in statements.ROLLUPS.items():
            partials = merge(partials, width)
            if len(partials):
                columns = columns_of(partials, statements.PARTIAL_KINDS)
                self._connection.execute(statements.ROLLUP.format(table=table), columns)

    def _write_ledger(
        self, shares: list[_Share], numbers: dict[Key, RangeSet], readings: Counter[Key]
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

    def _see(self, shares: list[_Share]) -> None:
        seen: dict[str, int] = {}
        for share in shares:
            for pack in share.part.packs:
                seen[pack.device] = max(pack.received, seen.get(pack.device, 0))
        if seen:
            devices = self._identifiers.devices(seen)
            numbers = np.array([devices[device] for device in seen], np.int32)
            times = np.array(list(seen.values()), np.int64)
            self._connection.execute(statements.SEEN, (Int4(numbers), Timestamptz(times)))

    def _reject(self, shares: list[_Share], log: str) -> list[Rejection]:
        packs = [
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


def _with_identifiers(rows: NDArray[np.void], share: _Share) -> NDArray[np.void]:
    rows = rows.copy()
    if len(rows):
        rows["series"] = share.series[rows["series"]]
        rows["kind"] = share.kinds[rows["kind"]]
    return rows


def _numbers_of_share(share: _Share) -> tuple[NDArray[np.void], NDArray[np.void]]:
    rows, minutes = fresh_rows(share.part, share.keep)
    minutes = minutes.copy()
    if len(minutes):
        minutes["series"] = share.series[minutes["series"]]
    return _with_identifiers(rows, share), minutes


def _texts(share: _Share, *, foreign: bool) -> list[TextReading]:
    packs = share.part.packs
    return [
        text
        for text in share.part.texts
        if share.keep[text.pack] and (packs[text.pack].epoch is None) == foreign
    ]


def _count(share: _Share) -> Counter[Key]:
    counts: Counter[Key] = Counter()
    for pack, new in zip(share.part.packs, share.keep, strict=True):
        if new and pack.epoch is not None:
            counts[pack.device, pack.epoch] += pack.readings
    return counts


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


def _encode(share: _Share, text: TextReading) -> bytes:
    received = share.part.packs[text.pack].received
    series, kind = int(share.series[text.series]), int(share.kinds[text.kind])
    return text_row(text.time, received, text.text, series, kind)
