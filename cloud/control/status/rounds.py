"""Judges every device again and again, and keeps what has changed."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

import msgspec
from psycopg import Error

from cloud.control.broker import Broker
from cloud.control.database import Pool, connected
from cloud.control.problems import Problem
from cloud.control.status import store
from cloud.control.status.judge import FIRST_USUAL_S, Known, Said, hear, judge, usual
from wire import topics
from wire.errors import WireError
from wire.status import decode_status

_EVERY_S = 5.0
_SOON_S = 1.0
"""So long after a device says something else."""
_HEARD_S = 3.0
"""So long after a connection to the broker all retained messages have come."""

_log = logging.getLogger(__name__)


class Rounds:
    """One for the API. `carries` says whether readings get from the broker into the tables."""

    def __init__(self, pool: Pool, broker: Broker, carries: Callable[[], bool]) -> None:
        self._pool = pool
        self._carries = carries
        self._said: dict[str, Said] = {}
        self._arrivals: dict[str, tuple[float, float]] = {}
        self._carried = time.time()
        self.counts: Counter[str] = Counter()
        """How many devices there are of each condition, as of the last round."""
        self._ready: float | None = None
        self._news = asyncio.Event()
        broker.on(topics.Kind.STATUS, self._hear)
        broker.on_connected(self._greet)

    def said(self, device: str) -> Said | None:
        """Return what a device has said of itself last."""
        return self._said.get(device)

    @property
    def heard(self) -> bool:
        """Whether every device's status that the broker has was heard."""
        return self._ready is not None and time.monotonic() >= self._ready

    async def run(self) -> None:
        """Judge until cancelled; not before every device's status was heard."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_EVERY_S):
                    await self._news.wait()
            self._news.clear()
            await asyncio.sleep(_SOON_S)  # what others say meanwhile goes into the same round
            if not self.heard:
                continue
            try:
                await self.round(time.time())
            except (Problem, Error) as error:
                _log.info("devices are not judged: %s", " ".join(str(error).split())[:200])

    async def round(self, now: float) -> None:
        """Judge every device. Raises Problem if the database is away."""
        if not self._carries():
            self._carried = now
        async with connected(self._pool) as connection:
            rows = await store.devices(connection)
            changes = [change for row in rows if (change := self._judge(row, now)) is not None]
            if changes:
                await store.keep(connection, changes)
        conditions = {row[0]: row[5] for row in rows} | {change[0]: change[1] for change in changes}
        self.counts = Counter(conditions.values())

    def _judge(
        self, row: tuple[object, ...], now: float
    ) -> tuple[str, str, str, float | None, float] | None:
        device, registration, revoked, revocation, arrival, before, reason, kept = row
        assert isinstance(device, str)
        assert arrival is None or isinstance(arrival, float)
        interval = self._interval(device, arrival, kept if isinstance(kept, float) else None)
        verdict = judge(
            self._said.get(device),
            Known(
                registration=registration,  # type: ignore[arg-type]
                revoked=revoked,  # type: ignore[arg-type]
                revocation=revocation or "",  # type: ignore[arg-type]
                arrival=arrival,
                usual=interval,
                carried=self._carried,
                before=before,  # type: ignore[arg-type]
            ),
            now,
        )
        if verdict.condition == before and verdict.reason == reason:
            # The interval alone is worth a write only where it is quite another.
            assert isinstance(kept, float)
            if 0.5 <= interval / kept <= 2:
                return None
        return device, verdict.condition, verdict.reason, verdict.since, interval

    def _interval(self, device: str, arrival: float | None, kept: float | None) -> float:
        before, interval = self._arrivals.get(device, (None, kept or FIRST_USUAL_S))
        if arrival is None:
            return interval
        if before is not None and arrival > before:
            interval = usual(interval, arrival - before)
        self._arrivals[device] = (arrival, interval)
        return interval

    def _hear(self, device: str, payload: bytes, _retained: bool) -> None:
        if not payload:  # a retained message that was taken away
            self._said.pop(device, None)
            return
        try:
            said = hear(decode_status(payload))
        except WireError:
            return  # the stream keeps it among the rejected, with the reason
        before = self._said.get(device)
        self._said[device] = said
        # The time of the oldest reading that waits changes all the time.
        if before is None or msgspec.structs.replace(before, oldest=said.oldest) != said:
            self._news.set()

    def _greet(self) -> None:
        self._ready = time.monotonic() + _HEARD_S
