"""Sees that what runs uses the certificates that lie in DATA/tls, and that those do not run out.

Whoever changes the files only changes the files; what was started with others is started anew
here, the API itself last. So it makes no difference what was cut short, or who changed them.
"""

import asyncio
import logging
import os
import signal
import time

from cloud.control.pipeline.actions import SYSTEM, Actions
from cloud.control.problems import Problem
from cloud.stack import tls
from cloud.stack.errors import StackError
from cloud.stack.folder import Folder
from cloud.stack.servers import mosquitto
from cloud.stack.supervision import Supervisor

_EVERY_S = 2.0
_RENEWAL_LOOK_S = 3600.0
_WHY = "its certificates have changed"

_log = logging.getLogger(__name__)


class Settling:
    """One for the API."""

    def __init__(self, folder: Folder, actions: Actions, *, own_broker: bool) -> None:
        """Take what the files hold now for what the API serves. Raises OSError."""
        self._folder = folder
        self._actions = actions
        self._own_broker = own_broker
        self._files = tls.files(folder.tls)
        self._read = self._files.digest
        self._looked = -_RENEWAL_LOOK_S

    @property
    def settled(self) -> bool:
        """Whether broker and API use what the files hold. Raises OSError."""
        return self._files.digest == self._read and not self._broker_is_stale

    @property
    def possible(self) -> bool:
        """Whether there is somebody who starts broker and API anew."""
        return self._folder.socket.exists()

    @property
    def _broker_is_stale(self) -> bool:
        return self._own_broker and (
            mosquitto.started_with(self._folder) not in {"", self._files.digest}
        )

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            try:
                await self._round()
            except (OSError, ValueError, StackError, Problem) as error:
                _log.warning("certificates are not looked after: %s", error)
            await asyncio.sleep(_EVERY_S)

    async def _round(self) -> None:
        if time.monotonic() - self._looked >= _RENEWAL_LOOK_S:
            self._looked = time.monotonic()
            if tls.renew_if_due(self._folder.tls):
                _log.info("the server's certificate neared its end, and was made anew")
        if self.settled or self._actions.busy or not self.possible:
            return
        if not tls.sound(self._files):
            return  # what runs goes on with what it read; `fieldline doctor` names the fault
        if self._broker_is_stale:
            # The bridge keeps in mind whom it trusts.
            running = await asyncio.to_thread(_running, self._folder)
            if stale := [name for name in ("bridge", "broker") if name in running]:
                await self._actions.begin(stale, "restart", SYSTEM, _WHY)
                return
        if self._files.digest != self._read:
            _log.info("the API ends, to be started with the new certificates")
            os.kill(os.getpid(), signal.SIGTERM)


def _running(folder: Folder) -> set[str]:
    with Supervisor(folder) as supervisor:
        return {one.name for one in supervisor.processes() if one.state == "RUNNING"}
