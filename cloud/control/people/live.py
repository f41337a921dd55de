"""A panel's login at the broker: it hears devices and says nothing, and ends with its token."""

import asyncio
import logging
import secrets
from contextlib import suppress
from dataclasses import dataclass

import msgspec

from cloud.control import audit
from cloud.control.database import Pool, connected
from cloud.control.devices.rights import Rights
from cloud.control.errors import BrokerAway
from cloud.control.events import Hub
from cloud.control.people import store
from cloud.control.principal import Principal
from cloud.control.problems import Problem
from cloud.stack import accounts
from cloud.stack.accounts import Kind
from cloud.stack.errors import StackError

_PASSWORD_BYTES = 24
_EXPIRED_LOOK_S = 60.0
_AGAIN_S = 5.0
_ENDING = {"user", "token", "events"}
"""Kinds of event after which a token may have ended."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Live:
    """Draws such logins, and takes them away."""

    pool: Pool
    hub: Hub
    rights: Rights

    async def draw(self, principal: Principal) -> tuple[str, str]:
        """Return user name and a new password for whoever asks. Raises Problem, BrokerAway."""
        if principal.token is None:
            raise Problem(
                409, "not-a-person", "this machine's own token is no panel's",
                "look at messages with `fieldline tail`, or log in as a person",
            )  # fmt: skip
        password = secrets.token_urlsafe(_PASSWORD_BYTES)
        drawn = accounts.make(f"panel~{secrets.token_hex(6)}", Kind.PANEL, password)
        async with connected(self.pool) as connection:
            username = await store.keep_live_login(connection, principal.token, drawn)
            await audit.record(connection, principal, "live.begin", f"user/{principal.user}")
        account = msgspec.structs.replace(drawn, username=username)
        # The file first: the broker can be told the password only now.
        await self.rights.write()
        await self.rights.tell(
            [
                *accounts.creation(account, password),
                {"command": "setClientPassword", "username": username, "password": password},
            ]
        )
        return username, password

    async def run(self) -> None:
        """Take away the logins whose tokens have ended, within moments, until cancelled."""
        wake = asyncio.Event()
        listening = asyncio.create_task(self._listen(wake), name="live events")
        try:
            while True:
                wake.clear()
                try:
                    await self._end()
                except (BrokerAway, Problem, StackError, OSError) as error:
                    _log.warning("panels' logins are not tidied up yet: %s", error)
                    await asyncio.sleep(_AGAIN_S)
                    continue
                with suppress(TimeoutError):
                    async with asyncio.timeout(_EXPIRED_LOOK_S):
                        await wake.wait()
        finally:
            listening.cancel()

    async def _listen(self, wake: asyncio.Event) -> None:
        while True:
            async with self.hub.listen() as told:
                async for event in told:
                    if event.kind in _ENDING:
                        wake.set()
            wake.set()

    async def _end(self) -> None:
        async with connected(self.pool) as connection:
            ended = await store.ended_live_logins(connection)
        if not ended:
            return
        await self.rights.tell([{"command": "deleteClient", "username": one} for one in ended])
        async with connected(self.pool) as connection:
            await store.forget_live_logins(connection, ended)
        await self.rights.write()
