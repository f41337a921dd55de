"""Brings the database to what the stack needs, once PostgreSQL is there."""

import time
from collections.abc import Callable, Iterable, Mapping

import psycopg
from psycopg import sql

from cloud.sql.errors import MigrationRefused
from cloud.sql.migrate import load, migrate
from cloud.sql.retention import decide
from cloud.stack.errors import SchemaRefused, StackError
from cloud.stack.folder import Folder
from cloud.stack.plan import Postgres
from cloud.stack.servers.postgres import create_owner

ROLES = ("fieldline_stream", "fieldline_control", "fieldline_reader")

Say = Callable[[str], None]


def prepare(
    folder: Folder,
    postgres: Postgres,
    retention: Mapping[str, int | None],
    say: Say,
    patience_s: float = 120.0,
) -> None:
    """Apply migrations, set the roles' passwords, say how long things are kept; waits for it.

    Idempotent. `retention` is days a tier, None for ever. Raises SchemaRefused, StackError.
    """
    with _connect(folder, postgres, patience_s) as connection:
        try:
            done = migrate(connection, load())
        except MigrationRefused as error:
            raise SchemaRefused(f"the database cannot be worked with: {error}") from None
        if done:
            say(f"database: {len(done)} migrations applied")
        for role in ROLES:
            # Only the verifier crosses the wire, so no log can hold the password.
            verifier = connection.pgconn.encrypt_password(
                postgres.password(role).encode(), role.encode(), b"scram-sha-256"
            )
            connection.execute(
                sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(
                    sql.Identifier(role), sql.Literal(verifier.decode())
                )
            )
        decide(connection, retention)


def register(postgres: Postgres, devices: Iterable[str], timeout_s: int = 5) -> None:
    """Give each device its row in the registry, if it has none. Raises psycopg.Error."""
    with (
        psycopg.connect(
            postgres.dsn("fieldline_control"),
            password=postgres.password("fieldline_control"),
            connect_timeout=timeout_s,
            autocommit=True,
        ) as connection,
        connection.cursor() as cursor,
    ):
        cursor.executemany(
            "INSERT INTO storage.device (device) VALUES (%s) ON CONFLICT (device) DO NOTHING",
            [(device,) for device in devices],
        )


def _connect(
    folder: Folder, postgres: Postgres, patience_s: float
) -> "psycopg.Connection[tuple[object, ...]]":
    deadline = time.monotonic() + patience_s
    while True:
        try:
            if postgres.embedded:
                create_owner(folder, postgres.host, postgres.port)
            return psycopg.connect(
                postgres.dsn("fieldline_owner"),
                password=postgres.password("fieldline_owner"),
                connect_timeout=5,
                autocommit=True,
            )
        except psycopg.OperationalError as error:
            if time.monotonic() > deadline:
                said = " ".join(str(error).split())
                raise StackError(
                    f"PostgreSQL does not answer after {patience_s:.0f} s: {said}; "
                    "see `fieldline logs postgres`"
                ) from None
            time.sleep(0.1)
