"""Brings commands to devices, and their answers back.

PostgreSQL is the truth about what waits. A command is sent with the same id until the device has
answered: a device answers an id that it knows with what it answered before, and does nothing again.
So API, broker and device may each be killed at any time.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec
from psycopg import Error

from cloud.control import events
from cloud.control.broker import Broker
from cloud.control.database import Pool, connected
from cloud.control.errors import BrokerAway
from cloud.control.problems import Problem
from cloud.control.remote import commands_store as store
from wire import topics
from wire.command import Command, Reply, decode_reply, encode_command
from wire.errors import WireError

ANSWER_S = 60.0
"""So long after it was sent a device may take to answer, whatever has expired."""
_AGAIN_S = 15.0
_UNHEARD_S = 5.0
_LOOK_S = 1.0
_LOOK_SELDOM_S = 60.0
_FAILED_S = 2.0
_LEAST_EXPIRY_S = 10
MOST_BYTES = 262_144

_log = logging.getLogger(__name__)


class Courier:
    """One for the API; `is_there` says whether a device is online as far as is known."""

    def __init__(self, pool: Pool, broker: Broker, is_there: Callable[[str], bool]) -> None:
        self._pool = pool
        self._broker = broker
        self._is_there = is_there
        self._wake = asyncio.Event()
        self._replies: list[tuple[str, Reply]] = []
        self._open: dict[str, dict[str, _Attempt]] = {}
        broker.on(topics.Kind.STATUS, self._hear_status)
        broker.on(topics.Kind.CMD_REPLY, self._hear_reply)
        broker.on_connected(self._greet)

    def look(self) -> None:
        """Look now: there is something new to bring."""
        self._wake.set()

    async def run(self) -> None:
        """Bring and fetch until cancelled."""
        self._wake.set()  # what was open when the API ended
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_S if self._open else _LOOK_SELDOM_S):
                    await self._wake.wait()
            self._wake.clear()
            try:
                await self._fetch()
                await self._bring()
            except (Problem, BrokerAway, Error) as error:
                _log.info("commands wait: %s", " ".join(str(error).split())[:200])
                await asyncio.sleep(_FAILED_S)
                self._wake.set()

    async def _fetch(self) -> None:
        while self._replies:
            device, reply = self._replies[0]
            error = reply.error
            result = None if reply.result is None else msgspec.json.encode(reply.result).decode()
            if not reply.ok:
                error = error or "it gave no reason"
            async with connected(self._pool) as connection:
                command = await store.answer(
                    connection, device, reply.id, result=result, error=error, ok=reply.ok
                )
                if command is not None:
                    state = "done" if reply.ok else "refused"
                    await _tell(connection, device, reply.id, command, state)
            self._open.get(device, {}).pop(reply.id, None)
            del self._replies[0]

    async def _bring(self) -> None:
        async with connected(self._pool) as connection:
            for row in await store.lapse(connection, ANSWER_S):
                await _tell(connection, row["device"], row["id"], row["command"], row["state"])
            rows = await store.open_ones(connection)
        before, self._open = self._open, {}
        for row in rows:
            attempt = before.get(row["device"], {}).get(row["id"], _Attempt())
            self._open.setdefault(row["device"], {})[row["id"]] = attempt
        if self._broker.connected:
            for row in rows:
                if self._is_there(row["device"]):
                    await self._send(row, self._open[row["device"]][row["id"]])

    async def _send(self, row: dict[str, Any], attempt: "_Attempt") -> None:
        now = time.monotonic()
        pause = _UNHEARD_S if attempt.unheard else _AGAIN_S
        if attempt.at is not None and (row["state"] == "no answer" or now < attempt.at + pause):
            return
        attempt.at, attempt.unheard = now, False
        first = row["state"] == "queued"
        if first:
            async with connected(self._pool) as connection:
                if not await store.sending(connection, row["number"]):
                    return
                await _tell(connection, row["device"], row["id"], row["command"], "sent")
        expires = row["expires"].timestamp() if row["expires"] else None
        arguments = msgspec.json.decode(row["arguments"])
        heard = await self._broker.publish(
            topics.cmd(row["device"]),
            encode_command(Command(row["id"], row["command"], expires, arguments)),
            # The device says itself that it came too late, unless it has answered it before.
            expiry_s=None
            if expires is None
            else max(_LEAST_EXPIRY_S, round(expires - time.time())),
        )
        attempt.unheard = not heard
        if first and not heard:
            async with connected(self._pool) as connection:
                await store.unsent(connection, row["number"])

    def _greet(self) -> None:
        for attempts in self._open.values():
            for attempt in attempts.values():
                attempt.at = None
        self._wake.set()

    def _hear_status(self, device: str, _payload: bytes, _retained: bool) -> None:
        waiting = self._open.get(device)
        if not waiting:
            return
        there = self._is_there(device)
        for attempt in waiting.values():
            if attempt.unheard or not there:
                attempt.at = None  # to be sent as soon as it is there again, and listens
        if there and any(attempt.at is None for attempt in waiting.values()):
            self._wake.set()

    def _hear_reply(self, device: str, payload: bytes, _retained: bool) -> None:
        # Only what is waited for is looked at: a device that talks nonsense costs nothing.
        waiting = self._open.get(device)
        if not waiting:
            return
        try:
            reply = decode_reply(payload)
        except WireError as error:
            _log.warning("%s answers what cannot be read: %s", device, str(error)[:200])
            return
        if reply.id not in waiting:
            return
        if len(payload) > MOST_BYTES:
            said = f"its answer has {len(payload)} bytes, more than is kept ({MOST_BYTES})"
            reply = Reply(reply.id, reply.ok, reply.at, error=said)
        self._replies.append((device, reply))
        self._wake.set()


class _Attempt:
    """When a command was sent last, by the monotonic clock; None: it is to be sent."""

    __slots__ = ("at", "unheard")

    def __init__(self) -> None:
        self.at: float | None = None
        self.unheard = False
        """Nobody was subscribed: the device is just connecting, or has gone without a word."""


async def _tell(
    connection: store.Connection, device: str, identity: str, command: str, state: str
) -> None:
    await events.publish(connection, "command", device, state, id=identity, command=command)
