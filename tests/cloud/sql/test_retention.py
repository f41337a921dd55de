"""What retention lets expire, on a real PostgreSQL filled by the stream's own transaction."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import psycopg
import pytest

from cloud.spark import store as stores
from cloud.spark.decode import Record, Request, decode_records
from cloud.spark.store import Store
from cloud.sql.retention import decide
from cloud.sql.verify import Verification, verify
from tests.cloud.databases import dsn, own_database
from tests.servers import Postgres
from wire.names import new_epoch
from wire.pack import encode_pack
from wire.reading import Reading, TimeQuality

DEVICE = "pi-7"
EPOCH = new_epoch()
OLD = datetime(2024, 3, 10, 12, tzinfo=UTC)
offsets = count()


class Database:
    """One database, as each of its roles sees it."""

    def __init__(self, postgres: Postgres, name: str) -> None:
        def connect(role: str) -> psycopg.Connection[Any]:
            return psycopg.connect(dsn(postgres, name, role), autocommit=True)

        self.owner = connect("fieldline_owner")
        self.control = connect("fieldline_control")
        self.reader = connect("fieldline_reader")
        self.store: Store = stores.connect(dsn(postgres, name, "fieldline_stream"), None)
        self.sequence = count()

    def close(self) -> None:
        for one in (self.owner, self.control, self.reader, self.store):
            one.close()

    def send(self, *times: datetime, value: float = 1.0, device: str = DEVICE) -> None:
        """Store one pack with a reading, and a text, at each of the times."""
        now = int(datetime.now(UTC).timestamp() * 1e6)
        readings = [
            reading
            for time in times
            for at in [int(time.timestamp() * 1e6)]
            for reading in (Reading("t", at, value, "Cel"), Reading("says", at, "on"))
        ]
        payload = encode_pack(
            device, readings, epoch=EPOCH, sequence=next(self.sequence), quality=TimeQuality.SYNCED
        )
        record = Record("fieldline.packs", 0, next(offsets), now, device.encode(), payload, b"x")
        self.store.store([decode_records([record], Request(now, 10**6, 10**6))], "log")

    def expire(self) -> list[tuple[str, int]]:
        """Let all expire that may, as the API does."""
        done = []
        for tier, since, _ in self.control.execute("SELECT * FROM storage.expirable()").fetchall():
            rows = self.control.execute("SELECT * FROM storage.expire(%s, %s)", (tier, since))
            done += [(partition, rows) for partition, rows, _ in rows.fetchall()]
        return done

    def count(self, view: str) -> int:
        row = self.reader.execute(f"SELECT count(*) FROM fieldline.{view}".encode()).fetchone()
        assert row is not None
        return int(row[0])

    def verify(self) -> Verification:
        return verify(self.reader)


@pytest.fixture
def database(postgres: Postgres) -> Iterator[Database]:
    with own_database(postgres, "retention_tests") as name:
        made = Database(postgres, name)
        yield made
        made.close()


def test_without_a_setting_nothing_expires(database: Database) -> None:
    database.send(OLD, datetime.now(UTC))
    assert database.expire() == []


def test_raw_readings_expire_by_whole_months_and_what_is_left_is_sound(database: Database) -> None:
    database.send(OLD, OLD + timedelta(minutes=1), datetime.now(UTC))
    decide(database.owner, {"raw": 100})
    before = database.verify()
    assert database.expire() == [("foreign_reading_2024_03", 0), ("reading_2024_03", 4)]
    assert database.expire() == []
    assert database.count("reading") == 2
    assert database.count("rollup_1m") == 3
    after = database.verify()
    assert before.sound
    assert after.sound, after.details
    assert after.checked > 0
    row = database.reader.execute(
        "SELECT stored, missing, lost FROM fieldline.completeness"
    ).fetchone()
    assert row == (1, 0, 0)


def test_what_is_gone_without_having_expired_is_still_missing(database: Database) -> None:
    database.send(OLD, datetime.now(UTC))
    decide(database.owner, {"raw": 100})
    database.expire()
    database.owner.execute("TRUNCATE storage.reading")
    after = database.verify()
    assert after.missing == 2
    assert after.differing == 3  # this month's minute, hour and day


def test_late_readings_of_an_expired_month_are_in_the_rollups_and_expire_again(
    database: Database,
) -> None:
    database.send(OLD)
    decide(database.owner, {"raw": 100})
    database.expire()
    database.send(OLD + timedelta(seconds=1), value=3.0)
    assert database.count("reading") == 2
    assert database.verify().sound
    assert ("reading_2024_03", 2) in database.expire()
    assert database.verify().sound
    row = database.reader.execute("SELECT n, mean FROM fieldline.rollup_1m").fetchone()
    assert row == (2, 2.0)


def test_late_readings_of_an_expired_minute_are_in_the_coarser_rollups_alone(
    database: Database,
) -> None:
    database.send(OLD)
    decide(database.owner, {"raw": 100, "1m": 100})
    assert ("rollup_1m_2024_03", 1) in database.expire()
    database.send(OLD + timedelta(seconds=1), value=3.0)
    assert database.count("rollup_1m") == 0
    row = database.reader.execute("SELECT n, mean FROM fieldline.rollup_1h").fetchone()
    assert row == (2, 2.0)
    database.expire()
    found = database.verify()
    assert found.sound, found.details
    assert found.checked == 1  # the day, against its hours


def test_a_rollup_that_was_tampered_with_is_seen_where_the_raw_readings_have_expired(
    database: Database,
) -> None:
    database.send(OLD)
    decide(database.owner, {"raw": 100})
    database.expire()
    database.owner.execute("UPDATE storage.rollup_1h SET n = n + 1")
    assert database.verify().differing == 2  # the hour against its minutes, the day against it


def test_raw_readings_that_the_rollups_lack_are_kept(database: Database) -> None:
    database.send(OLD)
    database.owner.execute("UPDATE storage.rollup_1h SET n = n - 1")
    decide(database.owner, {"raw": 100})
    with pytest.raises(psycopg.errors.RaiseException, match="raw readings of 2024-03 are kept"):
        database.expire()
    assert database.count("reading") == 2
    assert database.count("expired") == 0


def test_the_api_can_let_nothing_expire_but_what_the_owner_decided(database: Database) -> None:
    database.send(OLD)
    with pytest.raises(psycopg.errors.RaiseException, match="nothing of tier raw"):
        database.control.execute("SELECT * FROM storage.expire('raw', '2024-03-01')")
    for statement in ("UPDATE storage.retention SET days = 1", "TRUNCATE storage.reading"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            database.control.execute(statement.encode())


def test_a_reader_in_the_way_delays_it_and_nothing_else(database: Database) -> None:
    database.send(OLD)
    decide(database.owner, {"raw": 100})
    with database.reader.transaction():
        database.reader.execute("SELECT count(*) FROM fieldline.reading")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            database.expire()
    assert len(database.expire()) == 2


def test_what_only_grows_is_kept_by_months_too(database: Database) -> None:
    for month in (OLD, datetime.now(UTC)):
        database.owner.execute(
            "INSERT INTO control.audit (time, person, role, address, request, action, subject)"
            " VALUES (%s, 'ada', 'admin', '', '', 'x.y', 'x/1')", [month]
        )  # fmt: skip
        database.owner.execute(
            "INSERT INTO control.status_history (device, status, reason, since)"
            " VALUES ('pi-7', 'online', '', %s)", [month]
        )  # fmt: skip
        database.owner.execute(
            "INSERT INTO storage.rejected VALUES (%s, 'x', 'pi-7', 'bad', '', %s, 0, 0, 0)",
            [month, f"log of {month}"],
        )
    database.control.execute("SELECT storage.ensure_records()")
    decide(database.owner, {"rejected": 100, "history": 100, "audit": 100})
    assert sorted(database.expire()) == [
        ("audit_2024_03", 1),
        ("rejected_2024_03", 1),
        ("status_history_2024_03", 1),
    ]
    database.control.execute("SELECT storage.ensure_records()")
    for table in ("control.audit", "control.status_history", "storage.rejected"):
        row = database.owner.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()
        assert row == (1,), table
    rest = database.owner.execute("SELECT count(*) FROM storage.audit_rest").fetchone()
    assert rest == (0,)


def test_what_a_restore_has_lost_is_said_once_the_device_has_said_what_it_holds(
    database: Database,
) -> None:
    for _ in range(3):
        database.send(datetime.now(UTC))  # 0, 1, 2 are in the backup
    database.owner.execute("UPDATE storage.ledger SET next = 4")  # 3 was lost before, somehow
    database.owner.execute("SELECT storage.note_restore(now() - interval '1 hour')")
    assert database.control.execute("SELECT * FROM storage.write_off()").fetchall() == []
    # The device is at 10 and holds 8 and 9: 4 to 7 were stored on the machine that is gone.
    database.owner.execute("UPDATE storage.ledger SET next = 10, held = '{[8,10)}'")
    database.owner.execute("UPDATE storage.device SET status_received = clock_timestamp()")
    rows = database.control.execute("SELECT device, packs FROM storage.write_off()").fetchall()
    assert rows == [(DEVICE, 4)]
    assert database.control.execute("SELECT * FROM storage.write_off()").fetchall() == []
    row = database.reader.execute(
        "SELECT stored, missing, on_device, lost FROM fieldline.completeness"
    ).fetchone()
    assert row == (3, 1, 2, 4)
    why = database.reader.execute("SELECT reason, packs FROM fieldline.loss").fetchall()
    assert why == [("restore", 4)]
