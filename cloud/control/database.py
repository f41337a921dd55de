"""The connections to PostgreSQL, as `fieldline_control`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import Depends, Request
from psycopg import AsyncConnection, OperationalError
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from cloud.control.problems import Problem
from cloud.control.settings import Postgres

Pool = AsyncConnectionPool[AsyncConnection[DictRow]]

_MOST_CONNECTIONS = 8
_PATIENCE_S = 5.0
_STATEMENT_TIMEOUT_MS = 30_000


def make_pool(settings: Postgres) -> Pool:
    """Make the pool, closed. While PostgreSQL is away it tries again by itself."""
    password = settings.password()
    arguments: dict[str, Any] = {
        "row_factory": dict_row,
        "application_name": "fieldline api",
        "options": f"-c statement_timeout={_STATEMENT_TIMEOUT_MS} -c timezone=UTC",
        "connect_timeout": 3,
    }
    if password is not None:
        arguments["password"] = password
    return AsyncConnectionPool(
        settings.dsn,
        kwargs=arguments,
        connection_class=AsyncConnection[DictRow],
        min_size=1,
        max_size=_MOST_CONNECTIONS,
        timeout=_PATIENCE_S,
        open=False,
        check=AsyncConnectionPool.check_connection,
    )


@asynccontextmanager
async def connected(pool: Pool) -> AsyncIterator[AsyncConnection[DictRow]]:
    """One transaction. Raises Problem 503 if PostgreSQL is away."""
    try:
        async with pool.connection() as connection:
            yield connection
    except (PoolTimeout, OperationalError) as error:
        raise Problem(
            503,
            "database-away",
            f"PostgreSQL does not answer: {' '.join(str(error).split())[:200]}",
            "see `fieldline status` and `fieldline logs postgres`; nothing was changed",
            headers={"Retry-After": "5"},
        ) from error


async def _connection(request: Request) -> AsyncIterator[AsyncConnection[DictRow]]:
    async with connected(request.app.state.services.pool) as connection:
        yield connection


Connection = Annotated[AsyncConnection[DictRow], Depends(_connection, scope="function")]
"""One transaction: committed when the route has returned, rolled back when it raises."""
