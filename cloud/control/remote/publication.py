"""Has the broker hold, retained, what each device should do.

PostgreSQL is the truth. The API hears what the broker holds, and publishes what differs: after each
change, and at each connection, so that the broker's state may be lost.
"""

import asyncio
import logging
import time
from collections.abc import Iterable
from contextlib import suppress

import msgspec
from psycopg import Error

from cloud.control.broker import Broker
from cloud.control.database import Pool, connected
from cloud.control.errors import BrokerAway
from cloud.control.problems import Problem
from cloud.control.remote import configuration_store as store
from wire import topics

_HEARD_S = 3.0
"""So long after a connection to the broker all retained messages have come."""
_AGAIN_S = 5.0
_AT_ONCE = 100

_log = logging.getLogger(__name__)


class Publication:
    """One for the API."""

    def __init__(self, pool: Pool, broker: Broker) -> None:
        self._pool = pool
        self._broker = broker
        self._held: dict[str, int] = {}
        """Hash of what the broker holds, by device."""
        self._changed: set[str] = set()
        self._all_at: float | None = None
        self._wake = asyncio.Event()
        broker.on(topics.Kind.CONFIG_DESIRED, self._hear)
        broker.on_connected(self._greet)
        broker.on_lost(self._held.clear)

    def publish_soon(self, devices: Iterable[str]) -> None:
        """Publish what these devices should do, once it is committed."""
        self._changed.update(devices)
        self._wake.set()

    async def run(self) -> None:
        """Publish until cancelled."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(None if self._all_at is None else _HEARD_S):
                    await self._wake.wait()
            self._wake.clear()
            if not self._broker.connected:
                continue  # all is compared when it is back
            try:
                await self._publish()
            except (Problem, BrokerAway, Error) as error:
                _log.info("configurations wait: %s", " ".join(str(error).split())[:200])
                await asyncio.sleep(_AGAIN_S)
                self._wake.set()

    async def _publish(self) -> None:
        everything = self._all_at is not None and time.monotonic() >= self._all_at
        changed = set(self._changed)
        async with connected(self._pool) as connection:
            rows = await store.told(connection, None if everything else sorted(changed))
        wanted = {row["device"]: _payload(row["number"], row["desired"]) for row in rows}
        strays = set(self._held) - set(wanted) if everything else set()
        wanted.update((device, b"") for device in strays)
        differing = [
            (device, payload)
            for device, payload in wanted.items()
            if self._held.get(device) != _mark(payload)
        ]
        for begin in range(0, len(differing), _AT_ONCE):
            await asyncio.gather(*(self._hold(*one) for one in differing[begin : begin + _AT_ONCE]))
        if everything:
            self._all_at = None
            if differing:
                _log.info("the broker holds %d configurations anew", len(differing))
        self._changed -= changed

    async def _hold(self, device: str, payload: bytes) -> None:
        await self._broker.publish(topics.config_desired(device), payload, retain=True)
        self._hear(device, payload, _retained=False)

    def _hear(self, device: str, payload: bytes, _retained: bool) -> None:
        if payload:
            self._held[device] = hash(payload)
        else:
            self._held.pop(device, None)

    def _greet(self) -> None:
        self._all_at = time.monotonic() + _HEARD_S
        self._wake.set()


def _mark(payload: bytes) -> int | None:
    return hash(payload) if payload else None


def _payload(number: int, sources: str) -> bytes:
    return msgspec.json.encode({"version": number, "sources": msgspec.Raw(sources.encode())})
