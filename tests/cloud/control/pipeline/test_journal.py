from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from cloud.control.audit import Act
from cloud.control.database import make_pool
from cloud.control.events import Hub
from cloud.control.pipeline.actions import Actions
from cloud.control.pipeline.journal import Journal
from cloud.control.principal import Principal, Role
from cloud.control.settings import Postgres, Settings
from cloud.stack.folder import Folder
from tests.cloud.control.api import Api
from wire.settings import read

NOON = datetime(2026, 3, 1, 12, 0, 0, 123456, UTC)


def act(minute: int, subject: str = "stage/postgres") -> Act:
    at = NOON + timedelta(minutes=minute)
    return Act(at, "ann", "operator", "192.0.2.7", f"r{minute}", "pipeline.start", subject, None)


def test_what_was_added_is_there_after_a_restart_and_only_its_owner_reads_it(
    tmp_path: Path,
) -> None:
    Journal(tmp_path / "acts").add(act(1))
    Journal(tmp_path / "acts").add(act(2))
    assert Journal(tmp_path / "acts").acts() == [act(1), act(2)]
    assert (tmp_path / "acts").stat().st_mode & 0o777 == 0o600


def test_a_line_that_was_cut_off_costs_no_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "acts"
    Journal(file).add(act(1))
    file.write_bytes(file.read_bytes() + b'{"time":"2026-03-01T12:')
    Journal(file).add(act(2))
    assert Journal(file).acts() == [act(1), act(2)]
    (said,) = caplog.records
    assert "cannot be read" in said.getMessage()
    assert '{"time":"2026-03-01T12:' in said.getMessage()
    caplog.clear()


def test_what_came_meanwhile_is_not_forgotten(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "acts")
    assert not journal
    journal.add(act(1))
    read_before = journal.acts()
    journal.add(act(2))
    journal.forget(read_before)
    assert journal.acts() == [act(2)]
    journal.forget([act(2)])
    assert not journal


def test_what_is_done_while_the_database_is_away_is_recorded_with_its_time_and_once(
    api: Api, tmp_path: Path
) -> None:
    there = read(api.config.read_text(), Settings, file="api.toml").postgres
    nowhere = Postgres(f"host={tmp_path} user=fieldline_control")  # no socket is there
    ann = Principal("ann", Role.OPERATOR, 7, "192.0.2.7", uuid.uuid4().hex)
    acted = asyncio.run(stop_kafka(tmp_path, nowhere, ann))
    # The API is started anew; that it was killed after recording must not record it twice.
    (kept,) = tmp_path.glob("*.jsonl")
    copy = kept.read_bytes()
    asyncio.run(catch_up(tmp_path, there))
    assert not kept.exists()
    kept.write_bytes(copy)
    asyncio.run(catch_up(tmp_path, there))
    with psycopg.connect(api.postgres.dsn()) as owner:
        (row,) = owner.execute(
            "SELECT time, person, role, address, action, subject, after FROM control.audit"
            " WHERE request = %s",
            (ann.request,),
        ).fetchall()
    assert acted - timedelta(seconds=1) < row[0] <= acted
    assert row[1:] == (
        "ann", "operator", "192.0.2.7", "pipeline.stop", "stage/kafka", {"why": "a test"},
    )  # fmt: skip


async def stop_kafka(data: Path, postgres: Postgres, who: Principal) -> datetime:
    pool = make_pool(postgres)
    pool.timeout = 0.2
    await pool.open()
    try:
        actions = Actions(Folder(data), pool, Hub(postgres))
        await actions.begin(["kafka"], "stop", who, "a test")
        done = datetime.now(UTC)
        async with asyncio.timeout(20):
            while actions.busy:
                await asyncio.sleep(0.01)
        return done
    finally:
        await pool.close()


async def catch_up(data: Path, postgres: Postgres) -> None:
    pool = make_pool(postgres)
    await pool.open()
    try:
        await Actions(Folder(data), pool, Hub(postgres)).catch_up()
    finally:
        await pool.close()
