"""Carries messages to their targets: each at least once, none forgotten over a restart.

The table is the truth; an event only wakes. A crash between sending and recording sends once
more, under the same id.
"""

import asyncio
import logging
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from cloud.control import events
from cloud.control.database import Pool, connected
from cloud.control.events import Hub
from cloud.control.notices import message, senders, store
from cloud.control.notices.decide import Case, Drop, Hold, Send, again_after, decide
from cloud.control.problems import Problem

_LOOK_S = 5.0
_WAKING = {"alert", "snooze", "maintenance", "notification-target", "events"}
_CHANGES_MIND = {"snooze", "maintenance"}

Rows = list[dict[str, Any]]

_log = logging.getLogger(__name__)


class Courier:
    """One for the API."""

    def __init__(self, pool: Pool, hub: Hub, secrets: Path) -> None:
        """`secrets` is the folder with one file a target."""
        self._pool = pool
        self._hub = hub
        self._secrets = secrets
        self._under_way: dict[int, asyncio.Task[None]] = {}

    def secret_file(self, target: int) -> Path:
        """Name the file of a target's secret."""
        return self._secrets / f"notification-{target}"

    async def run(self) -> None:
        """Carry until cancelled."""
        wake = asyncio.Event()
        listening = asyncio.create_task(self._listen(wake), name="alert events")
        try:
            while True:
                wake.clear()
                try:
                    await self.round(wake)
                except Problem as error:
                    _log.warning("notifications wait: %s", error)
                except Exception:  # noqa: BLE001 -- a fault of ours must not make the others mute
                    _log.exception("notifications wait")
                with suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_S):
                        await wake.wait()
        finally:
            listening.cancel()
            for task in list(self._under_way.values()):
                task.cancel()

    async def round(self, wake: asyncio.Event) -> None:
        """Look what is news, and begin with all that is due. Raises Problem."""
        async with connected(self._pool) as connection:
            await store.enqueue(connection)
        while True:
            # One at a time to a target: who is slow holds up nobody else, and the limit is exact.
            async with connected(self._pool) as connection:
                due = await store.due(connection, list(self._under_way))
                if not due:
                    return
                rows = await self._left(connection, due)
            if rows:
                task = asyncio.create_task(self._carry(rows, wake), name="notification")
                self._under_way[rows[0]["target"]] = task

    async def test(self, target: dict[str, Any]) -> str:
        """Send a test; return what the other side said. Raises senders.NotSent."""
        made = message.test(target["name"])
        if target["kind"] == "desktop":
            async with connected(self._pool) as connection:
                await _show(connection, made)
            return "every panel that is open shows it"
        return await asyncio.to_thread(
            senders.send, target["kind"], target["settings"], self._secret(target["id"]), made
        )

    async def _left(self, connection: store.Connection, due: Rows) -> Rows:
        """Do what needs no sending; return what is left, in one message from now on."""
        decided: dict[Send | Hold | Drop, list[int]] = {}
        now = datetime.now(UTC)
        for row in due:
            decided.setdefault(decide(_case(row), now), []).append(row["id"])
        if due[0]["message"] is not None and Send() in decided:
            # What was sent once, and maybe taken, is sent again as it was.
            decided = {Send(): _numbers(due)}
        to_send = decided.pop(Send(), [])
        for decision, numbers in decided.items():
            match decision:
                case Hold(until, why):
                    await store.hold(connection, numbers, until, why)
                case Drop(why):
                    await store.end(connection, numbers, "suppressed", why)
        sending = set(to_send)
        rows = [row for row in due if row["id"] in sending]
        if rows:
            await store.together(connection, to_send)
        if rows and rows[0]["kind"] == "desktop":
            await _show(connection, _message(rows))
            await store.end(connection, to_send, "sent", "")
            return []
        return rows

    async def _carry(self, rows: Rows, wake: asyncio.Event) -> None:
        try:
            await self._send(rows)
        except Problem as error:
            _log.warning("what became of message %d is not recorded: %s", rows[0]["id"], error)
            await asyncio.sleep(_LOOK_S)
        finally:
            del self._under_way[rows[0]["target"]]
            wake.set()

    async def _send(self, rows: Rows) -> None:
        row, numbers = rows[0], _numbers(rows)
        try:
            said = await asyncio.to_thread(
                senders.send,
                row["kind"],
                row["settings"],
                self._secret(row["target"]),
                _message(rows),
            )
        except senders.NotSent as error:
            attempts = row["attempts"] + 1
            seconds = again_after(attempts)
            async with connected(self._pool) as connection:
                if seconds is None:
                    _log.error("message %d is given up: %s", row["id"], error)
                    await store.end(connection, numbers, "failed", str(error))
                    await events.publish(connection, "notice", str(row["id"]), "failed")
                else:
                    await store.retry(connection, numbers, seconds, str(error))
            return
        async with connected(self._pool) as connection:
            await store.end(connection, numbers, "sent", said)

    def _secret(self, target: int) -> str:
        try:
            return self.secret_file(target).read_text("utf-8").strip()
        except FileNotFoundError:
            return ""

    async def _listen(self, wake: asyncio.Event) -> None:
        while True:
            async with self._hub.listen() as told:
                async for event in told:
                    if event.kind in _CHANGES_MIND:
                        with suppress(Problem):  # it is looked at when it ends, at the latest
                            async with connected(self._pool) as connection:
                                await store.wake(connection)
                    if event.kind in _WAKING:
                        wake.set()
            wake.set()


def _case(row: dict[str, Any]) -> Case:
    return Case(
        firing=row["what"] == "firing",
        fires=row["fires"],
        held_back=bool(row["reason"]) and not row["attempts"],
        acknowledged_by=row["acknowledged_by"],
        snoozed_until=row["snoozed_until"],
        maintenance_until=row["maintenance_until"],
        enabled=row["enabled"],
        sent_last_hour=row["sent_last_hour"],
        most_an_hour=row["most_an_hour"],
    )


def _numbers(rows: Rows) -> list[int]:
    return [row["id"] for row in rows]


def _message(rows: Rows) -> message.Message:
    """Make the message of rows that are told together."""
    first = rows[0]
    return message.of(first["id"], first["what"], [row["said"] for row in rows], first["more"])


async def _show(connection: store.Connection, made: message.Message) -> None:
    data = {**msgspec.to_builtins(made), "title": message.subject(made)}
    await events.publish(connection, "notification", made.id, data.pop("what"), **data)
