"""The database into a file and out of it, by pg_dump and pg_restore, as its owner."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg

from cloud.stack.errors import StackError
from cloud.stack.plan import Postgres
from cloud.stack.servers import postgres as server

Say = Callable[[str], None]

_SAY_EVERY_S = 5.0


class Snapshot:
    """What the database is at one instant, held while it is dumped."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        """Take an owner's connection in autocommit mode, and begin a transaction that stays."""
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        row = connection.execute(
            "SELECT pg_export_snapshot(), extract(epoch FROM now())::float8,"
            " (SELECT count(*) FROM storage.device),"
            " (SELECT coalesce(sum(readings), 0)::bigint FROM storage.ledger)"
        ).fetchone()
        assert row is not None
        self.id, self.taken, self.devices, self.readings = row
        rows = connection.execute("SELECT name, checksum FROM storage.migration").fetchall()
        self.migrations: dict[str, str] = dict(rows)
        rows = connection.execute(
            "SELECT nspname FROM pg_namespace WHERE pg_get_userbyid(nspowner) = current_user"
        ).fetchall()
        self.schemas = [name for (name,) in rows]
        self.postgres = connection.info.server_version


def connect(postgres: Postgres) -> psycopg.Connection[Any]:
    """Connect as the owner, in autocommit mode. Raises StackError."""
    try:
        return psycopg.connect(
            postgres.dsn(server.OWNER),
            password=postgres.password(server.OWNER),
            connect_timeout=5,
            autocommit=True,
        )
    except psycopg.OperationalError as error:
        said = " ".join(str(error).split())
        raise StackError(
            f"PostgreSQL does not answer ({said}); see `fieldline status`, and start it with "
            "`fieldline up`"
        ) from None


def dump(postgres: Postgres, snapshot: Snapshot, to: Path, say: Say) -> None:
    """Write the snapshot into a file of mode 0600. Raises StackError."""
    to.touch(mode=0o600)
    schemas = [f"--schema={name}" for name in snapshot.schemas]
    command = [
        str(server.find("pg_dump")), "--format=custom", "--compress=1", "--no-password",
        f"--snapshot={snapshot.id}", *schemas, f"--file={to}",
        f"--dbname={postgres.dsn(server.OWNER)}",
    ]  # fmt: skip
    _run(command, postgres, lambda: say(f"database: {to.stat().st_size / 1e6:,.0f} MB written"))


def restore(postgres: Postgres, dumped: Path, say: Say) -> None:
    """Fill an empty database from a dump. Raises StackError."""
    command = [
        str(server.find("pg_restore")), "--exit-on-error", "--no-password", "--jobs=2",
        f"--dbname={postgres.dsn(server.OWNER)}", str(dumped),
    ]  # fmt: skip
    _run(command, postgres, lambda: say("database: still being filled"))


def _run(command: list[str], postgres: Postgres, tell: Callable[[], None]) -> None:
    environment = os.environ | {"PGPASSWORD": postgres.password(server.OWNER)}
    process = subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        while True:
            try:
                _, said = process.communicate(timeout=_SAY_EVERY_S)
                break
            except subprocess.TimeoutExpired:
                tell()
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()
    if process.returncode:
        name = Path(command[0]).name
        raise StackError(f"{name} could not do it: {' '.join(said.split())[-800:]}")
