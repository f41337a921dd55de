"""Databases of a test's own, in the session's PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from cloud.sql.migrate import load, migrate
from cloud.stack.servers import postgres as postgres_server
from tests.servers import Postgres


@contextmanager
def own_database(postgres: Postgres, name: str) -> Iterator[str]:
    """Make a database with the schema, and drop it in the end."""
    secret = postgres.folder.secret(postgres_server.SUPERUSER).read_text("utf-8").strip()
    superuser = (
        f"host={postgres.host} port={postgres.port} dbname=postgres "
        f"user={postgres_server.SUPERUSER} password={secret}"
    )
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())
        connection.execute(f"CREATE DATABASE {name} OWNER fieldline_owner".encode())
    with psycopg.connect(dsn(postgres, name, "fieldline_owner"), autocommit=True) as owner:
        migrate(owner, load())
    yield name
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def dsn(postgres: Postgres, database: str, role: str) -> str:
    """How to reach it."""
    return postgres.dsn(role).replace("dbname=fieldline ", f"dbname={database} ")
