"""PostgreSQL as the stack runs it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from cloud.stack.folder import Folder
from tests.servers import Postgres
from tests.waiting import eventually


@pytest.fixture(params=["a folder of mktemp", "a folder below one that is closed"])
def own_postgres(request: pytest.FixtureRequest) -> Iterator[Postgres]:
    parent = Path(tempfile.mkdtemp(prefix="fieldline-test-"))  # mode 0700
    data = parent if request.param == "a folder of mktemp" else parent / "below"
    data.mkdir(exist_ok=True)
    postgres = Postgres(Folder(data))
    yield postgres
    if postgres.running:
        postgres.kill()
    shutil.rmtree(parent)


def test_it_runs_wherever_the_data_folder_is_and_outlives_kill_9(own_postgres: Postgres) -> None:
    own_postgres.start()
    owner = own_postgres.dsn("fieldline_owner")
    with psycopg.connect(owner) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    own_postgres.kill()
    # Its children end by themselves, and may hold the port until they have.
    eventually(lambda: not _children(own_postgres), what="no process is left")
    own_postgres.start()
    with psycopg.connect(owner) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)
        assert connection.execute("SHOW fsync").fetchone() == ("on",)
        assert connection.execute("SHOW data_checksums").fetchone() == ("on",)
    own_postgres.stop()


def _children(postgres: Postgres) -> list[str]:
    return [
        process.name
        for process in Path("/proc").glob("[0-9]*")
        if str(postgres.own) in _read(process / "cmdline")
        or (
            _read(process / "cmdline").startswith("postgres: ")
            and str(postgres.own) == _cwd(process)
        )
    ]


def _cwd(process: Path) -> str:
    try:
        return str((process / "cwd").readlink())
    except OSError:
        return ""


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:
        return ""


def test_nobody_gets_in_without_a_password(postgres: Postgres) -> None:
    for role in ("postgres", "fieldline_owner", *Postgres.roles):
        with pytest.raises(psycopg.OperationalError, match="no password supplied"):
            psycopg.connect(postgres.dsn(role, with_password=False))


def test_the_reader_reads_views_and_nothing_else(postgres: Postgres) -> None:
    with psycopg.connect(postgres.dsn("fieldline_reader"), autocommit=True) as reader:
        reader.execute("SELECT * FROM fieldline.reading LIMIT 1")
        for forbidden in (
            "SELECT * FROM storage.reading",
            "CREATE TABLE fieldline.mine (x int)",
            "CREATE TABLE public.mine (x int)",
            "SELECT storage.ensure_month('2026-01-01')",
            "SELECT pg_read_file('/etc/passwd')",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reader.execute(forbidden.encode())


def test_its_process_is_nobody_special_and_its_folder_is_closed(postgres: Postgres) -> None:
    status = Path(f"/proc/{postgres.pid}/status").read_text()
    uid = int(next(line for line in status.splitlines() if line.startswith("Uid:")).split()[1])
    assert uid != 0
    assert postgres.own.stat().st_mode & 0o077 == 0
    secrets = [file.read_text().strip() for file in postgres.folder.secrets.iterdir()]
    assert secrets
    assert all(file.stat().st_mode & 0o077 == 0 for file in postgres.folder.secrets.iterdir())
    arguments = Path(f"/proc/{postgres.pid}/cmdline").read_text()
    assert not any(secret in arguments for secret in secrets)
    assert not any(secret in postgres.log.read_text() for secret in secrets)
    if os.geteuid() != 0:
        assert uid == os.geteuid()
