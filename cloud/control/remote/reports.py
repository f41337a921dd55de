"""Hears what devices report of their configuration, and keeps it."""

import asyncio
import logging

from psycopg import Error

from cloud.control.broker import Broker
from cloud.control.database import Pool, connected
from cloud.control.problems import Problem
from cloud.control.remote import configuration_store as store
from cloud.control.remote.configurations import report_of, settle
from cloud.control.remote.publication import Publication
from wire import topics
from wire.errors import MessageRefused

_AT_ONCE = 500
_GATHER_S = 0.05
_AGAIN_S = 2.0

_log = logging.getLogger(__name__)


class Reports:
    """One for the API. Only the newest report of a device counts."""

    def __init__(self, pool: Pool, broker: Broker, publication: Publication) -> None:
        self._pool = pool
        self._publication = publication
        self._new: dict[str, bytes] = {}
        self._bad: dict[str, str] = {}
        self._wake = asyncio.Event()
        broker.on(topics.Kind.CONFIG_REPORTED, self._hear)

    async def run(self) -> None:
        """Keep what is heard until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            await asyncio.sleep(_GATHER_S)  # at a start all devices' reports come together
            while self._new:
                some = dict(list(self._new.items())[:_AT_ONCE])
                try:
                    await self._keep(some)
                except (Problem, Error) as error:
                    _log.info("reports wait: %s", " ".join(str(error).split())[:200])
                    await asyncio.sleep(_AGAIN_S)
                    continue
                for device, payload in some.items():
                    if self._new.get(device) is payload:
                        del self._new[device]

    async def _keep(self, some: dict[str, bytes]) -> None:
        texts = {device: text for device, one in some.items() if (text := self._read(device, one))}
        async with connected(self._pool) as connection:
            await store.lock(connection)
            changed = await settle(connection, sorted(texts), texts)
        self._publication.publish_soon(changed)

    def _read(self, device: str, payload: bytes) -> str:
        try:
            text = report_of(payload)
        except MessageRefused as error:
            if self._bad.get(device) != str(error):
                self._bad[device] = str(error)
                _log.warning("%s reports what cannot be read: %s", device, str(error)[:200])
            return ""
        self._bad.pop(device, None)
        return text

    def _hear(self, device: str, payload: bytes, _retained: bool) -> None:
        if payload:  # else a retained report was taken away, which says nothing
            self._new[device] = payload
            self._wake.set()
