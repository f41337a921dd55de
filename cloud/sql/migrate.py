"""Plain SQL migrations: applied in order, each in a transaction, recorded with a checksum."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg

from cloud.sql.errors import MigrationRefused

MIGRATIONS = Path(__file__).parent / "migrations"

_RECORD = """
CREATE SCHEMA IF NOT EXISTS storage;
CREATE TABLE IF NOT EXISTS storage.migration (
    name text PRIMARY KEY,
    checksum text NOT NULL,
    applied timestamptz NOT NULL DEFAULT now()
);
"""


@dataclass(frozen=True)
class Migration:
    """One file: its name orders it, its text is what is run."""

    name: str
    text: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the text, hexadecimal."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def load(folder: Path = MIGRATIONS) -> list[Migration]:
    """Read the folder's `*.sql`, in the order of their names."""
    return [Migration(file.name, file.read_text("utf-8")) for file in sorted(folder.glob("*.sql"))]


def pending(migrations: list[Migration], applied: dict[str, str]) -> list[Migration]:
    """Return what is still to do, given name -> checksum of what was applied.

    Raises `MigrationRefused` if an applied migration has changed, is unknown here, or would be
    preceded by one that was not applied: then the schema is not what the files describe.
    """
    known = {migration.name: migration for migration in migrations}
    for name, checksum in applied.items():
        if name not in known:
            detail = "was applied to this database but is not here: use the version that made it"
            raise MigrationRefused(name, detail)
        if known[name].checksum != checksum:
            detail = "has changed since it was applied: put it back, and add a new migration"
            raise MigrationRefused(name, detail)
    todo = [migration for migration in migrations if migration.name not in applied]
    if todo and applied and todo[0].name < max(applied):
        raise MigrationRefused(todo[0].name, f"comes before {max(applied)}, which is applied")
    return todo


_LOCK_S = 2
"""Whoever waits for a lock lets nobody else by, so the wait is short, and then begun anew."""
_ATTEMPTS = 60


def migrate(
    connection: psycopg.Connection,
    migrations: list[Migration],
    say: Callable[[str], None] = lambda _: None,
    attempts: int = _ATTEMPTS,
) -> list[str]:
    """Apply what is missing; return the names. Safe to run from several places at once.

    The connection must be in autocommit mode and belong to the owner of the schema. Raises
    MigrationRefused, also where somebody holds a table for minutes (a backup, an export).
    """
    done = []
    connection.execute("SELECT pg_advisory_lock(hashtext('fieldline.migrate'))")
    try:
        with connection.transaction():
            connection.execute("SET LOCAL client_min_messages = warning")
            connection.execute(_RECORD)
        rows = connection.execute("SELECT name, checksum FROM storage.migration").fetchall()
        for migration in pending(migrations, dict(rows)):
            say(f"applying {migration.name}")
            _apply(connection, migration, say, attempts)
            done.append(migration.name)
    finally:
        connection.execute("SELECT pg_advisory_unlock(hashtext('fieldline.migrate'))")
    return done


def _apply(
    connection: psycopg.Connection,
    migration: Migration,
    say: Callable[[str], None],
    attempts: int,
) -> None:
    for attempt in range(1, attempts + 1):
        try:
            with connection.transaction():
                connection.execute(f"SET LOCAL lock_timeout = '{_LOCK_S}s'".encode())
                # Text without parameters may hold several statements.
                connection.execute(migration.text.encode())
                connection.execute(
                    "INSERT INTO storage.migration (name, checksum) VALUES (%s, %s)",
                    (migration.name, migration.checksum),
                )
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected) as error:
            if attempt == attempts:
                detail = (
                    f"cannot get at its tables, somebody holds them ({error}): wait until backups "
                    "and exports are done, and try again"
                )
                raise MigrationRefused(migration.name, detail) from error
            if attempt == 1:
                say(f"{migration.name} waits for somebody who holds its tables")
            time.sleep(0.2)
        else:
            return
