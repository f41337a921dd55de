"""Brings what the registry says to the broker: to accounts.json and to the plugin's live state.

PostgreSQL is the truth. A change is committed there first and brought to the broker afterwards;
whatever is cut short in between (the API, the broker, the machine) is made good by `reconcile`,
which runs at every start and whenever the broker was away.
"""

import asyncio
import logging
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from cloud.control import events
from cloud.control.broker import Broker
from cloud.control.database import Pool, connected
from cloud.control.devices import store
from cloud.control.errors import BrokerAway
from cloud.control.people import store as people
from cloud.control.problems import Problem
from cloud.stack import accounts
from cloud.stack.accounts import Account, Kind
from cloud.stack.errors import StackError

_AGAIN_S = 5.0
_GRACE_LOOK_S = 3600.0
_FILE_LOOK_S = 2.0
_HARMLESS = ("already exists", "not found")
_log = logging.getLogger(__name__)


class Rights:
    """One for the API."""

    def __init__(self, pool: Pool, broker: Broker, file: Path, *, own_broker: bool) -> None:
        """Take accounts.json's place. `own_broker`: nobody else keeps accounts there."""
        self._pool = pool
        self._broker = broker
        self._file = file
        self._own_broker = own_broker
        self._wake = asyncio.Event()
        self._devices: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._writing = asyncio.Lock()
        self._wanted = self._written = 0
        self._seen: tuple[int, int] | None = None
        self._later: asyncio.Task[None] | None = None
        broker.on_connected(self._wake.set)

    async def run(self) -> None:
        """Reconcile at each connection of the broker, and end what is past its grace period."""
        while True:
            try:
                await self._end_past_grace()
                await self.write()
                if self._broker.connected:
                    await self.reconcile()
            except (BrokerAway, Problem, StackError, OSError) as error:
                _log.warning("devices are not reconciled yet: %s", error)
                await asyncio.sleep(_AGAIN_S)
                continue
            await self._rest()

    async def _rest(self) -> None:
        """Wait until the broker was away, or it is time to look at the grace periods.

        Meanwhile take in what commands of this machine have put into accounts.json.
        """
        for _ in range(round(_GRACE_LOOK_S / _FILE_LOOK_S)):
            try:
                async with asyncio.timeout(_FILE_LOOK_S):
                    await self._wake.wait()
            except TimeoutError:
                if _state(self._file) == self._seen:
                    continue
            try:
                await self.write()
            except (Problem, StackError, OSError) as error:
                _log.warning("accounts.json is not taken in yet: %s", error)
            if self._wake.is_set():
                self._wake.clear()
                return

    async def write(self) -> None:
        """Bring accounts.json to what is committed now; who comes meanwhile shares one writing."""
        self._wanted += 1
        mine = self._wanted
        async with self._writing:
            if self._written >= mine:
                return
            covered = self._wanted
            await self._write()
            self._written = covered

    def write_soon(self) -> None:
        """Do so in a moment: for what a reconciliation would find as well."""
        if self._later is None or self._later.done():
            self._later = asyncio.create_task(self._write_later(), name="accounts.json")

    async def bring(self, device: str, password: str = "") -> None:
        """Bring the broker to what the registry says of a device; a new password once in clear.

        Idempotent. Raises BrokerAway.
        """
        lock = self._devices.setdefault(device, asyncio.Lock())
        async with lock:
            async with connected(self._pool) as connection:
                rows = await store.accounts_of(connection, device)
            commands = _commands(rows, password)
            if commands:
                _check(await self._broker.security(commands))

    async def tell(self, commands: list[dict[str, Any]]) -> None:
        """Have the broker do what accounts.json says already. Raises BrokerAway."""
        _check(await self._broker.security(commands))

    async def reconcile(self) -> None:
        """Bring the broker's live state to what the registry says. Raises BrokerAway."""
        # First what is live, then what should be: what is made meanwhile is not taken for a stray.
        listed, roles = await self._broker.security(
            [{"command": "listClients", "verbose": True}, {"command": "listRoles"}]
        )
        wanted = await self._accounts()
        live = {one["username"]: one for one in listed["data"]["clients"]}
        commands, lost = _differences(
            wanted, live, set(roles["data"]["roles"]), own_broker=self._own_broker
        )
        for username in lost:
            _log.warning(
                "%s cannot log in: the broker has lost its password; restart the broker", username
            )
        if commands:
            _log.info("the broker differs from the registry: %d commands", len(commands))
            _check(await self._broker.security(commands))

    async def _write_later(self) -> None:
        await asyncio.sleep(1.0)
        try:
            await self.write()
        except (Problem, StackError, OSError) as error:
            _log.warning("accounts.json is behind: %s", error)
            self._wake.set()

    async def _write(self) -> None:
        lock = await asyncio.to_thread(accounts.lock, self._file)
        try:
            await asyncio.to_thread(accounts.write, self._file, await self._accounts())
            self._seen = _state(self._file)
        finally:
            os.close(lock)

    async def _accounts(self) -> dict[str, Account]:
        """Return all accounts there should be: the stack's own, panels' and devices'."""
        known = await asyncio.to_thread(accounts.read, self._file)
        async with connected(self._pool) as connection:
            found = [name for name, one in known.items() if one.of_device]
            for name in sorted(set(found) - await store.usernames(connection, found)):
                if await store.adopt(connection, known[name]):
                    _log.info("adopted the device %s, which was made without the API", name)
                    await events.publish(connection, "device", known[name].role, "adopted")
            rows = await store.accounts(connection)
            panels = await people.live_accounts(connection)
        made = {
            name: one
            for name, one in known.items()
            if not one.of_device and one.kind is not Kind.PANEL
        }
        made.update((one.username, one) for one in panels)
        made.update((one.username, one) for one in map(_account, rows) if one is not None)
        return made

    async def _end_past_grace(self) -> None:
        async with connected(self._pool) as connection:
            for device in await store.past_grace(connection):
                await store.end(connection, device)
                await events.publish(connection, "device", device, "gone")


def _state(file: Path) -> tuple[int, int] | None:
    """Tell one writing of a file from another."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns


def _account(row: dict[str, Any]) -> Account | None:
    """Return the account that a credential should be now; None if it should be none."""
    if row["withdrawn"] or row["state"] == "gone":
        return None
    revoked = row["state"] == "revoked"
    kind = Kind.FOREIGN if row["kind"] == "foreign" else Kind.DEVICE
    if row["password"] is None:
        # A certificate's account is taken away: where no password is checked, the plugin does
        # not heed `disabled`.
        return None if revoked else Account(row["username"], kind, device=row["device"])
    return Account(
        row["username"],
        kind,
        row["salt"],
        row["password"],
        row["iterations"],
        device="" if row["username"] == row["device"] else row["device"],
        disabled=revoked,
    )


def _commands(rows: list[dict[str, Any]], password: str) -> list[dict[str, Any]]:
    """Return what brings the broker to a device's credentials, what takes away first."""
    wanted = {one.username: one for one in map(_account, rows) if one is not None}
    commands: list[dict[str, Any]] = [
        {"command": "deleteClient", "username": username}
        for username in {row["username"] for row in rows} - set(wanted)
    ]
    for account in wanted.values():
        name = {"username": account.username}
        if account.disabled:
            # It stays, because the plugin takes no hash of a password, and we have no more.
            commands.append({"command": "disableClient", **name})
        elif account.password and not password:
            commands.append({"command": "enableClient", **name})
        else:
            commands += accounts.creation(account, password if account.password else "")
            if account.password:
                commands.append({"command": "setClientPassword", **name, "password": password})
    if rows and not wanted:
        commands.append({"command": "deleteRole", "rolename": rows[0]["device"]})
    return commands


def _differences(
    wanted: dict[str, Account], live: dict[str, Any], roles: set[str], *, own_broker: bool
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the commands that make the live state what is wanted, and whose password is lost."""
    commands: list[dict[str, Any]] = [
        {"command": "deleteClient", "username": username}
        for username in sorted(set(live) - set(wanted))
        # At a broker that others use too, only what cannot be anybody else's is taken away.
        if own_broker or "~" in username
    ]
    lost = []
    for username, account in wanted.items():
        there = live.get(username)
        if there is None and account.password:
            lost.append(username)
        elif there is None:
            role, client = accounts.creation(account)
            commands += [client] if account.role in roles else [role, client]
            roles.add(account.role)
        elif account.password and bool(there.get("disabled")) is not account.disabled:
            act = "disableClient" if account.disabled else "enableClient"
            commands.append({"command": act, "username": username})
    return commands, lost


def _check(answers: Iterable[dict[str, Any]]) -> None:
    for answer in answers:
        error = answer.get("error", "")
        if error and not any(word in error.lower() for word in _HARMLESS):
            raise BrokerAway(f"the broker's plugin refuses {answer.get('command')}: {error}")
