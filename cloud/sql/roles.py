"""The roles of a database, for where it is filled otherwise than by migrations.

A dump holds what was granted in the database, not the roles, which are the server's.
"""

from typing import Any

import psycopg
from psycopg import sql

ROLES = ("fieldline_stream", "fieldline_control", "fieldline_reader")


def ensure(connection: psycopg.Connection[Any]) -> None:
    """Make the roles that are missing, and let nobody else into this database. As the owner."""
    for role in ROLES:
        known = connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [role]).fetchone()
        if known is None:
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
    database = sql.Identifier(connection.info.dbname)
    connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))
    connection.execute(
        sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(
            database, sql.SQL(", ").join(map(sql.Identifier, ROLES))
        )
    )
