"""Streams of any length: PostgreSQL writes CSV, and a process of its own makes Arrow of it."""

import asyncio
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager, suppress
from typing import Any

from psycopg import AsyncConnection, OperationalError

from cloud.control.errors import ControlError
from cloud.control.problems import Problem
from cloud.control.settings import Postgres

_MOST_AT_ONCE = 3
_PATIENCE_S = 10.0
_LONGEST_MS = 600_000
_CHUNK = 64 * 1024

CSV = "text/csv"
ARROW = "application/vnd.apache.arrow.stream"


class ExportBroken(ControlError):
    """An export has ended in the middle; the client sees a connection that breaks."""


class Exports:
    """One for the API. Each export has a connection of its own, and there are few at once."""

    def __init__(self, settings: Postgres) -> None:
        self._settings = settings
        self._room = asyncio.Semaphore(_MOST_AT_ONCE)

    async def csv(self, query: str, parameters: Mapping[str, Any]) -> AsyncGenerator[bytes]:
        """Yield a query's rows as CSV with a header. Raises Problem before the first."""
        async with (
            self._place(),
            await self._connect() as connection,
            connection.cursor() as cursor,
        ):
            statement = f"COPY ({query}) TO STDOUT (FORMAT csv, HEADER)"
            parts: list[bytes] = []
            size = 0
            async with cursor.copy(statement.encode(), parameters) as copy:
                async for row in copy:
                    parts.append(bytes(row))
                    size += len(row)
                    if size >= _CHUNK:
                        yield b"".join(parts)
                        parts, size = [], 0
            yield b"".join(parts)

    async def arrow(
        self, query: str, parameters: Mapping[str, Any], columns: Mapping[str, str]
    ) -> AsyncGenerator[bytes]:
        """Yield a query's rows as an Arrow IPC stream; `columns`: name to the worker's type."""
        rows = self.csv(query, parameters)
        async with aclosing(rows):
            first = await anext(rows)  # before the worker: most errors come here
            worker = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "cloud.control.history.arrow",
                *(f"{name}:{kind}" for name, kind in columns.items()),
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            )  # fmt: skip
            assert worker.stdin is not None
            assert worker.stdout is not None
            feeding = asyncio.create_task(_feed(worker.stdin, first, rows))
            try:
                while chunk := await worker.stdout.read(_CHUNK):
                    yield chunk
                await feeding
                if await worker.wait() != 0:
                    raise ExportBroken(f"the Arrow worker ended with status {worker.returncode}")
            finally:
                feeding.cancel()
                with suppress(asyncio.CancelledError, BrokenPipeError, ConnectionResetError):
                    await feeding
                with suppress(ProcessLookupError):
                    worker.kill()
                await worker.wait()

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await self._room.acquire()
        except TimeoutError:
            raise Problem(
                503,
                "busy",
                f"{_MOST_AT_ONCE} exports are under way",
                "try again in a while, or ask for less",
                headers={"Retry-After": "30"},
            ) from None
        try:
            yield
        finally:
            self._room.release()

    async def _connect(self) -> AsyncConnection[Any]:
        try:
            return await AsyncConnection.connect(
                self._settings.dsn,
                password=self._settings.password(),
                application_name="fieldline api export",
                options=f"-c statement_timeout={_LONGEST_MS} -c timezone=UTC",
                connect_timeout=3,
            )
        except OperationalError as error:
            raise Problem(
                503,
                "database-away",
                f"PostgreSQL does not answer: {' '.join(str(error).split())[:200]}",
                "see `fieldline status` and `fieldline logs postgres`",
                headers={"Retry-After": "5"},
            ) from error


async def _feed(stdin: asyncio.StreamWriter, first: bytes, rest: AsyncIterator[bytes]) -> None:
    stdin.write(first)
    await stdin.drain()
    async for chunk in rest:
        stdin.write(chunk)
        await stdin.drain()
    stdin.close()
    await stdin.wait_closed()
