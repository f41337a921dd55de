"""Everything that changes, told to whoever listens.

Who changes something calls `publish` in the transaction; PostgreSQL's NOTIFY tells it when, and
only if, that commits. So any writer, the stream too, can tell; the hub listens and hands on.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from psycopg import AsyncConnection, OperationalError
from psycopg.rows import DictRow

from cloud.control.settings import Postgres

CHANNEL = "fieldline_event"
_MOST_BYTES = 7900  # PostgreSQL takes 8,000 a notification
_QUEUE = 1000
_AGAIN_S = 1.0

_log = logging.getLogger(__name__)


class Event(msgspec.Struct, frozen=True, omit_defaults=True):
    """`kind` says what changed (`device`, `pipeline`, `alert` …), `subject` which, `what` how."""

    kind: str
    subject: str
    what: str
    data: dict[str, Any] = {}
    number: int = 0
    """Counts up while the API runs; a gap tells a client that it must look anew."""


async def publish(
    connection: AsyncConnection[Any], kind: str, subject: str, what: str, **data: Any
) -> None:
    """Tell of a change when this transaction commits. Data too large for a notice is left out."""
    text = msgspec.json.encode(Event(kind, subject, what, data))
    if len(text) > _MOST_BYTES:
        text = msgspec.json.encode(Event(kind, subject, what))
    await connection.execute("SELECT pg_notify(%s, %s)", (CHANNEL, text.decode()))


class Hub:
    """Hands events on to those who listen; one who is too slow is let go and must look anew."""

    def __init__(self, settings: Postgres) -> None:
        self._settings = settings
        self._listeners: set[asyncio.Queue[Event | None]] = set()
        self._number = 0

    async def run(self) -> None:
        """Listen to PostgreSQL until cancelled; connects again by itself."""
        while True:
            try:
                await self._listen()
            except OperationalError as error:
                _log.info("events: PostgreSQL is away (%s)", " ".join(str(error).split())[:120])
            await asyncio.sleep(_AGAIN_S)

    def tell(self, event: Event) -> None:
        """Hand an event on to all, now; for what is not kept in the database."""
        self._number += 1
        numbered = msgspec.structs.replace(event, number=self._number)
        for queue in list(self._listeners):
            try:
                queue.put_nowait(numbered)
            except asyncio.QueueFull:
                self._let_go(queue)

    @asynccontextmanager
    async def listen(self) -> AsyncIterator[AsyncIterator[Event]]:
        """Listen from now on; the iteration ends when the listener was too slow."""
        queue: asyncio.Queue[Event | None] = asyncio.Queue(_QUEUE)
        self._listeners.add(queue)
        try:
            yield _until_none(queue)
        finally:
            self._listeners.discard(queue)

    def close(self) -> None:
        """End every listener's iteration."""
        for queue in list(self._listeners):
            self._let_go(queue)

    def _let_go(self, queue: asyncio.Queue[Event | None]) -> None:
        self._listeners.discard(queue)
        while not queue.empty():
            queue.get_nowait()
        queue.put_nowait(None)

    async def _listen(self) -> None:
        connection: AsyncConnection[DictRow] = await AsyncConnection.connect(
            self._settings.dsn,
            password=self._settings.password(),
            autocommit=True,
            application_name="fieldline api events",
        )
        async with connection:
            await connection.execute(f"LISTEN {CHANNEL}")
            # What was told while nobody listened is not known: everybody looks anew.
            self.tell(Event("events", "", "began"))
            async for notice in connection.notifies():
                try:
                    self.tell(msgspec.json.decode(notice.payload, type=Event))
                except msgspec.MsgspecError as error:
                    _log.warning("a notice that is no event: %s", error)


async def _until_none(queue: asyncio.Queue[Event | None]) -> AsyncIterator[Event]:
    while (event := await queue.get()) is not None:
        yield event
