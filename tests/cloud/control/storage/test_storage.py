"""Disk use and retention, with the real API beside a real PostgreSQL."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from cloud.control.database import make_pool
from cloud.control.settings import Postgres as PostgresSettings
from cloud.control.storage.keeper import Keeper
from cloud.sql.retention import decide
from cloud.stack.folder import Folder
from tests.cloud.databases import dsn, own_database
from tests.servers import Postgres

FOREVER = dict.fromkeys(("raw", "1m", "1h", "rejected", "history", "audit"))


@pytest.fixture
def database(postgres: Postgres) -> Iterator[str]:
    with own_database(postgres, "storage_tests") as name:
        yield name


@pytest.fixture
def owner(postgres: Postgres, database: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(dsn(postgres, database, "fieldline_owner"), autocommit=True) as connection:
        connection.execute("SET timezone = 'UTC'")
        yield connection


def act(postgres: Postgres, database: str, data: Path, *steps: str) -> Keeper:
    """Let a keeper of its own do the steps, against the database; returns it."""
    for part in ("run", "postgres"):
        (data / part).mkdir(exist_ok=True)
    settings = PostgresSettings(dsn(postgres, database, "fieldline_control"))

    async def all_of_it() -> Keeper:
        pool = make_pool(settings)
        await pool.open()
        try:
            keeper = Keeper(pool, Folder(data))
            for step in steps:
                await getattr(keeper, step)()
            return keeper
        finally:
            await pool.close()

    return asyncio.run(all_of_it())


def put(owner: psycopg.Connection[Any], month: str) -> None:
    """One reading of one series in a month, with its rollups."""
    owner.execute("SELECT storage.ensure_month(%s)", [month])
    owner.execute(
        "INSERT INTO storage.reading (time, received, value, series, kind)"
        " VALUES (%s, now(), 1, 1, 1)", [month]
    )  # fmt: skip
    for table in ("rollup_1m", "rollup_1h", "rollup_1d"):
        owner.execute(
            f"INSERT INTO storage.{table} VALUES (%(at)s, 1, 1, 1, 0, 1, 1, 1, %(at)s, 1, %(at)s)"
            .encode(), {"at": month}
        )  # fmt: skip


def test_what_takes_the_disk_is_told_and_metered(local: httpx.Client) -> None:
    told = local.get("/v1/storage").raise_for_status().json()
    assert told["disk"]["size"] > told["disk"]["free"] > 0
    tiers = {tier["name"]: tier for tier in told["tiers"]}
    assert set(tiers) == {*FOREVER, "1d", "other"}
    assert tiers["other"]["bytes"] > 1_000_000
    assert "not known yet" in told["forecast"]
    assert told["full_in_days"] is None
    lines = (line.rsplit(" ", 1) for line in local.get("/metrics").text.splitlines())
    metrics = {name: value for name, value in lines if name.startswith("fieldline_storage")}
    assert float(metrics["fieldline_storage_free_bytes"]) == told["disk"]["free"]
    assert float(metrics['fieldline_storage_bytes{part="tier raw"}']) == tiers["raw"]["bytes"]


def test_what_expires_is_recorded_as_by_the_system(
    postgres: Postgres, database: str, owner: psycopg.Connection[Any], tmp_path: Path
) -> None:
    put(owner, "2024-03-05")
    decide(owner, {"raw": 100})
    act(postgres, database, tmp_path, "tidy")
    rows = owner.execute(
        "SELECT person, action, subject, before FROM control.audit ORDER BY id"
    ).fetchall()
    assert [row[:3] for row in rows] == [
        ("system", "retention.expire", "storage/foreign_reading_2024_03"),
        ("system", "retention.expire", "storage/reading_2024_03"),
    ]
    assert rows[1][3]["rows"] == 1
    assert owner.execute("SELECT count(*) FROM storage.reading").fetchone() == (0,)


@pytest.mark.logs_errors
def test_what_is_held_back_is_said_and_the_rest_expires(
    postgres: Postgres, database: str, owner: psycopg.Connection[Any], tmp_path: Path
) -> None:
    put(owner, "2024-03-05")
    put(owner, "2024-04-05")
    owner.execute("UPDATE storage.rollup_1d SET n = 2 WHERE time < '2024-04-01'")
    decide(owner, {"raw": 100})
    keeper = act(postgres, database, tmp_path, "tidy", "look")
    assert keeper.seen is not None
    assert "raw readings of 2024-03 are kept" in keeper.seen.held_back
    assert owner.execute("SELECT time::date::text FROM storage.reading").fetchall() == [
        ("2024-03-05",)
    ]


def test_a_disk_that_fills_within_a_month_is_warned_of(
    postgres: Postgres, database: str, owner: psycopg.Connection[Any], tmp_path: Path
) -> None:
    before = act(postgres, database, tmp_path, "look").seen
    assert before is not None
    a_day = before.disk.free // 10
    owner.execute("DELETE FROM control.disk_sample")
    owner.execute(
        "INSERT INTO control.disk_sample"
        " SELECT 'other', now() - n * interval '1 hour', %s * (48 - n)::bigint"
        " FROM generate_series(1, 47) AS n",
        [a_day // 24],
    )
    seen = act(postgres, database, tmp_path, "look").seen
    assert seen is not None
    assert seen.forecast.days is not None
    assert 5 <= seen.forecast.days <= 15
    assert "the disk will be full in" in seen.warning
    said = json.loads((tmp_path / "run" / "storage.json").read_text())
    assert said["warning"] == seen.warning


def test_disk_use_is_kept_once_an_hour(
    postgres: Postgres, database: str, owner: psycopg.Connection[Any], tmp_path: Path
) -> None:
    for _ in range(3):
        act(postgres, database, tmp_path, "look")
    assert owner.execute("SELECT count(DISTINCT at) FROM control.disk_sample").fetchone() == (1,)
