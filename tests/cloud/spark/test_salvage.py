"""What PostgreSQL itself refuses: everything else is stored, and its bytes are kept."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from cloud.spark.decode import Record, Request
from cloud.spark.held import decode, encode, hold
from cloud.spark.part import Part
from cloud.spark.salvage import keep
from cloud.spark.store import connect
from cloud.spark.writer import Stopping, Writer
from tests.cloud.databases import dsn, own_database
from tests.servers import Postgres
from tests.waiting import eventually
from wire.names import new_epoch
from wire.pack import encode_pack
from wire.ranges import RangeSet
from wire.reading import Reading, TimeQuality

NOW = 1_795_400_000_000_000
POISON = 666.0
pytestmark = pytest.mark.logs_errors


class Database:
    """The writer and what it stored; constraints that a test adds for a while."""

    def __init__(self, postgres: Postgres, name: str) -> None:
        self._owner = dsn(postgres, name, "fieldline_owner")
        self._reader = dsn(postgres, name, "fieldline_reader")
        self.stopping = threading.Event()
        self.writer = Writer(
            lambda: connect(dsn(postgres, name, "fieldline_stream"), None), self.stopping
        )

    def store(self, parts: list[Part], refusable: bool) -> None:
        self.writer.store(parts, "log", refusable=refusable)

    def ranges(self, device: str) -> list[RangeSet]:
        return [stored for name, _, stored in self.writer.all_ranges() if name == device]

    def query(self, statement: str, *arguments: object) -> list[tuple[object, ...]]:
        with psycopg.connect(self._reader) as connection:
            return connection.execute(statement.encode(), arguments).fetchall()

    def change(self, statement: str) -> None:
        with psycopg.connect(self._owner) as connection:
            connection.execute(statement.encode())

    @contextmanager
    def refusing(self, table: str, condition: str) -> Iterator[None]:
        """PostgreSQL refuses rows of the table that are not so."""
        self.change(f"ALTER TABLE {table} ADD CONSTRAINT odd CHECK ({condition}) NOT VALID")
        try:
            yield
        finally:
            self.change(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS odd")


@pytest.fixture(scope="module")
def database(postgres: Postgres) -> Iterator[Database]:
    with own_database(postgres, "salvage_tests") as name:
        made = Database(postgres, name)
        yield made
        made.writer.close()


def pack(device: str, epoch: str, sequence: int, value: float) -> bytes:
    readings = [Reading("a", NOW - sequence, value, "V"), Reading("b", NOW - sequence, "x")]
    return encode_pack(device, readings, epoch=epoch, sequence=sequence, quality=TimeQuality.SYNCED)


def record(device: str, payload: bytes, partition: int = 0, offset: int = 0) -> Record:
    return Record("fieldline.packs", partition, offset, NOW, device.encode(), payload, b"mqtt:x")


def letters(database: Database, device: str) -> list[tuple[object, ...]]:
    return database.query(
        "SELECT split_part(reason, ':', 1), payload FROM fieldline.rejected WHERE device = %s",
        device,
    )


@pytest.mark.parametrize("seed", range(4))
def test_the_refused_are_dead_letters_and_all_others_rows_whatever_their_places(
    database: Database, seed: int
) -> None:
    chance = random.Random(seed)
    device, epoch, count = f"some-{seed}", new_epoch(), 40
    poisoned = set(chance.sample(range(count), chance.choice([1, 2, 7])))
    payloads = [pack(device, epoch, n, POISON if n in poisoned else 1.0) for n in range(count)]
    # Two partitions in one task, offsets with holes, as compaction and transactions leave them.
    log = [
        record(device, payload, partition=100 * seed + n % 2, offset=7 * n)
        for n, payload in enumerate(payloads)
    ]
    chance.shuffle(log)
    with database.refusing("storage.reading", f"value <> {POISON}"):
        keep(log, database.store, NOW)
        for again in (log, log[::-1]):
            keep(again, database.store, NOW)
    assert sorted(letters(database, device)) == sorted(
        ("not_storable", payloads[n]) for n in poisoned
    )
    (rows,) = database.query(
        "SELECT count(*) FILTER (WHERE value = 1), count(*) FILTER (WHERE text = 'x'), count(*)"
        " FROM fieldline.reading WHERE device = %s",
        device,
    )
    sound = count - len(poisoned)
    assert rows == (sound, sound, 2 * sound)
    assert database.ranges(device) == [RangeSet.of([[0, count - 1]])]


def test_an_announcement_that_is_refused_is_kept_too(database: Database) -> None:
    said = b'{"state":"offline","reason":"odd"}'
    log = [
        Record("fieldline.devices", 0, 0, NOW, b"herald/status", said, None),
        Record("fieldline.devices", 0, 1, NOW, b"herald/meta", b'{"agent":"9"}', None),
    ]
    with database.refusing("storage.device", "reason <> 'odd'"):
        keep(log, database.store, NOW)
    assert letters(database, "herald") == [("not_storable", said)]
    assert database.query(
        "SELECT status, agent_version FROM fieldline.device WHERE device = 'herald'"
    ) == [("unknown", "9")]


def test_bytes_are_kept_even_where_the_ledger_refuses_their_number(database: Database) -> None:
    payload = pack("noledger", "oddoddoddoddodd0", 0, 1.0)
    with database.refusing("storage.ledger", "epoch <> 'oddoddoddoddodd0'"):
        keep([record("noledger", payload, partition=1000)], database.store, NOW)
    assert letters(database, "noledger") == [("not_storable", payload)]
    assert database.ranges("noledger") == []


def test_where_not_even_a_dead_letter_goes_the_record_waits(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    payload = pack("waiting", new_epoch(), 0, POISON)
    some = [record("waiting", payload, partition=1001)]
    thread = threading.Thread(target=keep, args=(some, database.store, NOW))
    with (
        database.refusing("storage.reading", f"value <> {POISON}"),
        database.refusing("storage.rejected", "device <> 'waiting'"),
    ):
        thread.start()
        eventually(lambda: "trying again until it goes" in caplog.text)
        assert thread.is_alive()
        database.change("ALTER TABLE storage.rejected DROP CONSTRAINT odd")
        thread.join(30)
    assert not thread.is_alive()
    assert letters(database, "waiting") == [("not_storable", payload)]


def test_a_stop_ends_the_waiting(postgres: Postgres, database: Database) -> None:
    other = Database(postgres, "salvage_tests")
    other.stopping.set()
    with pytest.raises(Stopping):
        keep([record("stopped", b"")], other.store, NOW)


def test_records_are_held_up_to_a_size_and_from_where_the_last_pass_ended() -> None:
    log = [record("pi", b"12345", offset=3 * n) for n in range(5)]
    request = Request(NOW, 1, 1)
    name = ("fieldline.packs", 0)
    assert decode(encode(hold(log, request, 10))) == (log[:2], [(*name, 0, 4)], False)
    rest = hold(log, request._replace(start={(*name, 0): 4}), 99)
    assert rest == (log[2:], [(*name, 0, 13)], True)
