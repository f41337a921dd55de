"""Rotates the CA without leaving a device behind.

What devices should have is one value (`Authority.edition`); each credential says with which it
came. Whoever is there and has another is given a new certificate, again and again until none is
left. That is all: beginning and finishing only change the files that the value is made from, and
`settling` starts what has read them anew.
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import Error

from cloud.control import audit, events
from cloud.control.ca import store
from cloud.control.ca.authority import fingerprint
from cloud.control.ca.models import Ca, Certificate, Left
from cloud.control.ca.settling import Settling
from cloud.control.database import Pool, connected
from cloud.control.devices.lifecycle import Devices
from cloud.control.pipeline.actions import SYSTEM
from cloud.control.principal import Principal
from cloud.control.problems import Problem
from cloud.control.status.rounds import Rounds
from cloud.stack import tls
from cloud.stack.folder import Folder

_EVERY_S = 5.0
_AT_ONCE = 4
_AGAIN_S = 30.0
_AGAIN_AT_MOST_S = 3600.0
_MOST_LISTED = 1000

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Failure:
    why: str
    delay: float
    until: float


class Rotation:
    """One for the API."""

    def __init__(
        self, folder: Folder, pool: Pool, devices: Devices, status: Rounds, settling: Settling
    ) -> None:
        self._folder = folder.tls
        self._files = tls.files(folder.tls)
        self._pool = pool
        self._devices = devices
        self._status = status
        self._settling = settling
        self._failures: dict[str, _Failure] = {}
        self._changing = asyncio.Lock()

    @property
    def _edition(self) -> str:
        return self._devices.authority.edition

    async def run(self) -> None:
        """Bring to devices what they should have, until cancelled."""
        while True:
            await asyncio.sleep(_EVERY_S)
            try:
                await self._round()
            except (Problem, Error, OSError) as error:
                _log.info("nobody looks after the rotation of the CA: %s", error)

    async def _round(self) -> None:
        if not self._settling.settled:
            return
        async with connected(self._pool) as connection:
            await self._write_down(connection)
            left = await store.left(connection, self._edition)
        self._failures = {
            row["device"]: self._failures[row["device"]]
            for row in left
            if row["device"] in self._failures
        }
        due = iter([row["device"] for row in left if self._is_due(row["device"])])

        async def work() -> None:
            for device in due:
                await self._rotate(device)

        async with asyncio.TaskGroup() as group:
            for _ in range(_AT_ONCE):
                group.create_task(work())

    def _is_due(self, device: str) -> bool:
        said, failure = self._status.said(device), self._failures.get(device)
        return (
            said is not None
            and said.online
            and (failure is None or time.monotonic() >= failure.until)
        )

    async def _rotate(self, device: str) -> None:
        try:
            await self._devices.rotate(device, SYSTEM)
        except Problem as problem:
            before = self._failures.get(device)
            delay = min(_AGAIN_AT_MOST_S, before.delay * 2) if before else _AGAIN_S
            self._failures[device] = _Failure(problem.detail, delay, time.monotonic() + delay)
            _log.info("%s has not gone over to the new CA: %s", device, problem.detail)

    async def _write_down(self, connection: store.Connection) -> None:
        # Before the first rotation there was only one CA that anything can be of.
        if not tls.rotating(self._files):
            await store.write_down(connection, self._edition)

    async def look(self) -> Ca:
        """Say how far it is. Raises Problem 503."""
        trusted = tls.trusted(self._files)
        async with connected(self._pool) as connection:
            await self._write_down(connection)
            counts = await store.counts(connection)
            left = await store.left(connection, self._edition)
        return Ca(
            certificates=[
                Certificate(
                    fingerprint=fingerprint(one),
                    role="to come" if number else "in use",
                    begins=one.not_valid_before_utc,
                    ends=one.not_valid_after_utc,
                )
                for number, one in enumerate(trusted)
            ],
            rotating=tls.rotating(self._files),
            settled=self._settling.settled,
            done=counts["devices"] - len(left),
            left=[self._left(row) for row in left[:_MOST_LISTED]],
            **counts,
        )

    def _left(self, row: dict[str, Any]) -> Left:
        failure = self._failures.get(row["device"])
        said = self._status.said(row["device"])
        if failure is not None:
            why = failure.why
        elif said is not None and said.online:
            why = "its turn comes"
        else:
            why = f"it is {row['status']}: {row['reason']}" if row["reason"] else "it is not there"
        return Left(device=row["device"], status=row["status"], why=why)

    async def begin(self, principal: Principal) -> None:
        """Make the CA to come. Raises Problem 409, 503."""
        async with self._changing:
            if not self._settling.possible:
                raise Problem(
                    409, "not-supervised", "nobody is there to start broker and API anew",
                    "run the stack by `fieldline up`",
                )  # fmt: skip
            if tls.rotating(self._files):
                raise Problem(
                    409, "rotating", "the CA is being rotated already",
                    "`fieldline ca` says how far; then `fieldline ca finish`",
                )  # fmt: skip
            async with connected(self._pool) as connection:
                await self._write_down(connection)
                await self._check_nobody_is_left(
                    connection, "have not gone over to the present CA wholly yet",
                    "wait for them; or revoke them",
                )  # fmt: skip
                # The record first: what is cut short can be begun again, and is recorded twice.
                await audit.record(connection, principal, "ca.rotate", "ca", before=self._named())
                await events.publish(connection, "ca", "ca", "rotation begun")
            tls.begin_rotation(self._folder)

    async def finish(self, leave: Sequence[str], principal: Principal) -> None:
        """Have the CA to come take over; `leave` are revoked before. Raises Problem 409, 503."""
        async with self._changing:
            if not tls.rotating(self._files):
                raise Problem(
                    409, "not-rotating", "the CA is not being rotated",
                    "begin with `fieldline ca rotate`",
                )  # fmt: skip
            if not self._settling.settled:
                raise Problem(
                    409, "not-settled", "broker and API have not gone over to it yet",
                    "wait some seconds",
                )  # fmt: skip
            async with connected(self._pool) as connection:
                left = {row["device"] for row in await store.left(connection, self._edition)}
            for device in sorted(left & set(leave)):
                await self._devices.revoke(device, "left behind when the CA was rotated", principal)
            async with connected(self._pool) as connection:
                await store.lock(connection)
                await self._check_nobody_is_left(
                    connection, "do not have a certificate of the new CA yet",
                    "wait for them; or name them in `leave` to revoke them",
                )  # fmt: skip
                # What a revoked device had is worth nothing from now on: restored, it is to be
                # enrolled anew.
                await store.withdraw_others(connection, self._edition)
                await audit.record(
                    connection, principal, "ca.finish", "ca",
                    before=self._named(), after={"left": sorted(left & set(leave))},
                )  # fmt: skip
                await events.publish(connection, "ca", "ca", "rotation finished")
            tls.finish_rotation(self._folder)

    async def _check_nobody_is_left(
        self, connection: store.Connection, what: str, fix: str
    ) -> None:
        if left := [row["device"] for row in await store.left(connection, self._edition)]:
            names = ", ".join(left[:5]) + (f" and {len(left) - 5} more" if left[5:] else "")
            raise Problem(
                409, "devices-left", f"{len(left)} devices {what}: {names}", fix,
                devices=left[:_MOST_LISTED],
            )  # fmt: skip

    def _named(self) -> dict[str, list[str]]:
        return {"trusted": [fingerprint(one) for one in tls.trusted(self._files)]}
