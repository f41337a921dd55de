"""What people may tell a device to do, and what has become of it."""

import asyncio
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from cloud.control import audit, events
from cloud.control.broker import Broker
from cloud.control.database import Pool, connected
from cloud.control.events import Hub
from cloud.control.principal import Principal
from cloud.control.problems import Problem, not_found
from cloud.control.remote import commands_store as store
from cloud.control.remote.courier import Courier
from cloud.control.remote.models import CommandRequest, CommandView
from cloud.control.remote.presence import presence
from cloud.control.remote.words import absence, note
from cloud.control.status.rounds import Rounds
from cloud.control.status.store import known
from wire import command as wire

AT_ONCE_S = 15.0
"""A command that is not to wait is not done later than this."""
MOST_WAITING = 50
"""Commands that a device has not answered; it remembers the ids of a hundred."""
OPEN = frozenset({"queued", "sent"})


@dataclass(frozen=True)
class Commands:
    """All that can be done with commands."""

    pool: Pool
    broker: Broker
    status: Rounds
    courier: Courier
    hub: Hub

    async def give(self, device: str, asked: CommandRequest, principal: Principal) -> CommandView:
        """Give a device a command; the same id again gives the same one. Raises Problem.

        404, 409 (it cannot be told, or the id is another command's), 422, 503.
        """
        arguments = _checked(asked)
        identity = asked.id or uuid.uuid4().hex
        async with connected(self.pool) as connection:
            row = await store.device(connection, device)
            if row is None:
                raise not_found("device", device)
            there = await store.get(connection, device, identity)
            if there is not None:
                if (there["command"], there["arguments"]) != (asked.command, arguments):
                    raise Problem(
                        409, "id-taken", f"{identity} is another command of {device}",
                        "give each command an id of its own, or none",
                    )  # fmt: skip
                return self._view(there)
            self._check_can_be_told(device, row, waits=asked.wait_s != 0)
            if await store.waiting(connection, device) >= MOST_WAITING:
                raise Problem(
                    409, "too-many-waiting", f"{MOST_WAITING} commands wait for {device} already",
                    "withdraw some, or wait until it has answered",
                )  # fmt: skip
            expires = _expiry(asked.wait_s)
            await store.add(
                connection,
                store.New(device, identity, asked.command, arguments, principal.user, expires),
            )
            await audit.record(
                connection, principal, "device.command", f"device/{device}",
                after={
                    "id": identity, "command": asked.command,
                    "arguments": msgspec.json.decode(arguments),
                },
            )  # fmt: skip
            await events.publish(
                connection, "command", device, "queued", id=identity, command=asked.command
            )
            made = await store.get(connection, device, identity)
            assert made is not None
        self.courier.look()
        return self._view(made)

    async def get(self, device: str, identity: str, within_s: float) -> CommandView:
        """Return a command, once it has ended or after so many seconds. Raises Problem 404."""
        async with self.hub.listen() as told:
            row = await self._row(device, identity)
            try:
                async with asyncio.timeout(within_s):
                    while row["state"] in OPEN:
                        event = await anext(told)
                        if event.kind == "events" or (
                            event.kind == "command"
                            and event.subject == device
                            and event.data.get("id") == identity
                        ):
                            row = await self._row(device, identity)
            except (TimeoutError, StopAsyncIteration):
                row = await self._row(device, identity)
        return self._view(row)

    async def page(
        self, device: str, before: int | None, limit: int
    ) -> tuple[list[CommandView], int | None]:
        """Return a device's commands, the newest first, and where the next page begins."""
        async with connected(self.pool) as connection:
            if not await known(connection, device):
                raise not_found("device", device)
            rows = await store.page(connection, device, before, limit + 1)
        more = rows[limit - 1]["number"] if len(rows) > limit else None
        return [self._view(row) for row in rows[:limit]], more

    async def withdraw(self, device: str, identity: str, principal: Principal) -> CommandView:
        """Take a command back while it waits. Raises Problem 404, 409."""
        async with connected(self.pool) as connection:
            row = await store.get(connection, device, identity)
            if row is None:
                raise not_found("command", identity)
            if not await store.withdraw(connection, device, identity):
                row = await store.get(connection, device, identity) or row
                raise Problem(
                    409, "not-waiting", f"the command is {row['state']}: {self._view(row).note}",
                    "only what was not sent yet can be withdrawn; give another command",
                )  # fmt: skip
            await audit.record(
                connection, principal, "device.command.withdraw", f"device/{device}",
                before={"id": identity, "command": row["command"]},
            )  # fmt: skip
            await events.publish(
                connection, "command", device, "withdrawn", id=identity, command=row["command"]
            )
            row = await store.get(connection, device, identity)
            assert row is not None
        return self._view(row)

    def _check_can_be_told(self, device: str, row: dict[str, Any], *, waits: bool) -> None:
        if row["kind"] == "foreign":
            raise Problem(
                409, "foreign-device", f"{device} is an MQTT client of another make",
                "only devices that run the agent take commands",
            )  # fmt: skip
        if row["state"] in {"revoked", "gone"}:
            raise Problem(
                409, "not-enrolled", f"{device} is {row['state']}", "restore or replace it first"
            )
        if waits:
            return
        if not self.broker.connected:
            raise Problem(
                503, "broker-away", "the broker is away, so no device can be told anything",
                "see `fieldline status`; or say with `wait_s` how long the command may wait",
                headers={"Retry-After": "5"},
            )  # fmt: skip
        if away := absence(device, presence(self.status, device, row)):
            raise Problem(
                409, "device-away", f"{away}; nothing was sent",
                "say with `wait_s` how long the command may wait for it (null: for ever)",
            )  # fmt: skip

    async def _row(self, device: str, identity: str) -> dict[str, Any]:
        async with connected(self.pool) as connection:
            row = await store.get(connection, device, identity)
        if row is None:
            raise not_found("command", identity)
        return row

    def _view(self, row: dict[str, Any]) -> CommandView:
        return CommandView(
            **{
                key: row[key] for key in ("id", "device", "command", "person", "created", "expires")
            },
            arguments=msgspec.json.decode(row["arguments"]),
            state=row["state"],
            since=row["since"],
            note=note(row, presence(self.status, row["device"], row), broker=self.broker.connected),
            result=None if row["result"] is None else msgspec.json.decode(row["result"]),
            error=row["error"],
        )


def _checked(asked: CommandRequest) -> str:
    """Return the arguments as they are kept, or raise Problem 422."""
    try:
        # Through JSON, as the device will read them.
        said = msgspec.json.decode(msgspec.json.encode(asked.arguments))
        read = wire.arguments_of(wire.Command("x", asked.command, None, said))
    except (wire.CommandRefused, ValueError, OverflowError, TypeError) as error:
        raise Problem(422, "bad-arguments", str(error), "mend the arguments") from None
    given = {key: value for key, value in msgspec.to_builtins(read).items() if value is not None}
    return msgspec.json.encode(given, order="deterministic").decode()


def _expiry(wait_s: float | None) -> datetime | None:
    if wait_s is None:
        return None
    return datetime.now(UTC) + timedelta(seconds=wait_s or AT_ONCE_S)
