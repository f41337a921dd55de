"""The migrations give the committed schema, and each role may do what it must and no more."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import date

import psycopg
import pytest

from cloud.sql.errors import MigrationRefused
from cloud.sql.migrate import Migration, load, migrate, pending
from cloud.sql.schema import SCHEMA, dump
from tests.cloud.databases import dsn, own_database
from tests.servers import Postgres


@pytest.fixture(scope="module")
def database(postgres: Postgres) -> Iterator[str]:
    with own_database(postgres, "schema_tests") as name:
        yield name


def test_the_committed_schema_is_what_the_migrations_make(
    postgres: Postgres, database: str
) -> None:
    made = dump(dsn(postgres, database, "fieldline_owner"))
    assert made == SCHEMA.read_text("utf-8"), "commit what `python -m cloud.sql dump` prints"


def test_migrating_again_changes_nothing(postgres: Postgres, database: str) -> None:
    with psycopg.connect(dsn(postgres, database, "fieldline_owner"), autocommit=True) as owner:
        assert migrate(owner, load()) == []


def test_a_migration_that_fails_leaves_nothing_behind(postgres: Postgres, database: str) -> None:
    broken = Migration("9999_broken.sql", "CREATE TABLE storage.half (); SELECT 1 / 0;")
    with psycopg.connect(dsn(postgres, database, "fieldline_owner"), autocommit=True) as owner:
        with pytest.raises(psycopg.errors.DivisionByZero):
            migrate(owner, [*load(), broken])
        row = owner.execute("SELECT to_regclass('storage.half') IS NULL").fetchone()
        assert row == (True,)
        assert migrate(owner, load()) == []


def test_a_migration_gives_up_its_wait_for_a_lock_and_tries_again(
    postgres: Postgres, database: str
) -> None:
    alter = Migration("9998_alter.sql", "ALTER TABLE storage.kind ADD COLUMN extra int")
    back = (
        "ALTER TABLE storage.kind DROP COLUMN extra; DELETE FROM storage.migration WHERE name > '9'"
    )
    address = dsn(postgres, database, "fieldline_owner")
    with (
        psycopg.connect(address, autocommit=True) as owner,
        psycopg.connect(address) as other,
    ):
        other.execute("SELECT count(*) FROM storage.kind")  # as a backup does, for hours
        with pytest.raises(MigrationRefused, match="somebody holds them"):
            migrate(owner, [*load(), alter], attempts=1)
        other.rollback()
        assert migrate(owner, [*load(), alter], attempts=1) == [alter.name]
        owner.execute(back.encode())


def test_an_applied_migration_that_changed_is_refused() -> None:
    migrations = load()
    applied = {migration.name: migration.checksum for migration in migrations}
    changed = [dataclasses.replace(migrations[0], text="SELECT 1"), *migrations[1:]]
    with pytest.raises(MigrationRefused, match="has changed since"):
        pending(changed, applied)


def test_a_migration_unknown_here_or_out_of_order_is_refused() -> None:
    first, second, third = (Migration(f"000{n}_x.sql", str(n)) for n in (1, 2, 3))
    assert pending([first, second], {first.name: first.checksum}) == [second]
    with pytest.raises(MigrationRefused, match="not here"):
        pending([first], {third.name: third.checksum})
    with pytest.raises(MigrationRefused, match="comes before"):
        pending([first, second, third], {third.name: third.checksum, first.name: first.checksum})


VIEWS = {
    "device": "device name site latitude longitude status last_seen agent_version",
    "channel": "device channel label unit minimum maximum",
    "reading": "time device channel value text unit quality received",
    "rollup_1m": "time device channel n mean stddev minimum maximum first last",
    "rollup_1h": "time device channel n mean stddev minimum maximum first last",
    "rollup_1d": "time device channel n mean stddev minimum maximum first last",
    "completeness": "device epoch first_seq last_seq stored missing on_device lost",
    "completeness_day": "device epoch day stored on_device lost missing",
    "loss": "device epoch reason packs",
    "correlation": "time width device_x channel_x device_y channel_y n r slope intercept",
    "alert": "rule device channel state since value acknowledged_by",
    "rejected": "time origin device reason payload redriven",
}


@pytest.mark.parametrize("view", VIEWS)
def test_a_reader_sees_the_view_with_its_columns(
    postgres: Postgres, database: str, view: str
) -> None:
    with psycopg.connect(dsn(postgres, database, "fieldline_reader")) as reader:
        cursor = reader.execute(f"SELECT * FROM fieldline.{view}".encode())
        assert [column.name for column in cursor.description or ()] == VIEWS[view].split()


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        ("fieldline_reader", "SELECT * FROM storage.reading"),
        ("fieldline_reader", "SELECT storage.ensure_month('2026-01-01')"),
        ("fieldline_reader", "CREATE TABLE public.mine ()"),
        ("fieldline_reader", "DELETE FROM storage.rejected"),
        ("fieldline_stream", "DELETE FROM storage.reading"),
        ("fieldline_stream", "UPDATE storage.reading SET value = 0"),
        ("fieldline_stream", "UPDATE storage.device SET name = 'x'"),
        ("fieldline_stream", "CREATE TABLE storage.mine ()"),
        ("fieldline_stream", "SELECT storage.make_partition('reading', 'x', now(), now(), '')"),
        ("fieldline_control", "INSERT INTO storage.reading SELECT * FROM storage.reading"),
        ("fieldline_control", "UPDATE storage.ledger SET stored = '{}'"),
    ],
)
def test_a_role_may_not(postgres: Postgres, database: str, role: str, statement: str) -> None:
    with (
        psycopg.connect(dsn(postgres, database, role)) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(statement.encode())


def test_partitions_are_made_once_and_only_for_times_that_can_be(
    postgres: Postgres, database: str
) -> None:
    with psycopg.connect(dsn(postgres, database, "fieldline_stream"), autocommit=True) as stream:
        for _ in range(2):
            stream.execute("SELECT storage.ensure_month('2026-02-28')")
        for month in (date(1999, 12, 1), date(2200, 1, 1), None):
            with pytest.raises(psycopg.errors.RaiseException):
                stream.execute("SELECT storage.ensure_month(%s)", (month,))
    with psycopg.connect(dsn(postgres, database, "fieldline_owner")) as owner:
        names = owner.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid "
            "WHERE relkind = 'r' ORDER BY 1"
        ).fetchall()
    assert [name for (name,) in names if not name.endswith("_rest")] == [
        "storage.foreign_reading_2026_02",
        "storage.reading_2026_02",
        "storage.rollup_1h_2026",
        "storage.rollup_1m_2026_02",
    ]


@pytest.mark.parametrize(
    ("first", "second", "mean", "m2"),
    [
        ((1, 1.0, 0.0), (1, 3.0, 0.0), 2.0, 2.0),
        ((2, 5e-324, 0.0), (1, 1e-323, 0.0), 5e-324, 0.0),
        ((1, 1e-200, 0.0), (1, 2e-200, 0.0), 1e-200, 0.0),
        ((10**8, 9e149, 8e307), (10**8, -9e149, 8e307), 0.0, float("inf")),
        ((1, -1e149, 0.0), (1, 1e149, 0.0), 0.0, 2e298),
    ],
)
def test_merging_in_sql_never_raises(
    postgres: Postgres,
    database: str,
    first: tuple[int, float, float],
    second: tuple[int, float, float],
    mean: float,
    m2: float,
) -> None:
    n1, mean1, m21 = first
    n2, mean2, m22 = second
    with psycopg.connect(dsn(postgres, database, "fieldline_stream")) as stream:
        row = stream.execute(
            "SELECT storage.merged_mean(%s, %s, %s, %s), storage.merged_m2(%s, %s, %s, %s, %s, %s)",
            (n1, mean1, n2, mean2, n1, mean1, m21, n2, mean2, m22),
        ).fetchone()
    assert row == (pytest.approx(mean, abs=1e-140), pytest.approx(m2))
