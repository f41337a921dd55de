"""Has a process of its own compare everything that is stored (`work.py`), one at a time."""

import asyncio
import logging
import sys
import time
import uuid
from collections import deque
from contextlib import suppress
from datetime import UTC, datetime

import msgspec

from cloud.control.events import Event, Hub
from cloud.control.principal import Principal
from cloud.control.problems import Problem
from cloud.control.settings import Postgres
from cloud.control.verification.models import Verification

_MODULE = "cloud.control.verification.work"
_KEPT = 20
_LONGEST_S = 6 * 3600.0
_TELL_EVERY_S = 1.0
_MOST_LINE = 256 * 1024

_log = logging.getLogger(__name__)


class Verifications:
    """One for the API; remembers the newest while the API runs."""

    def __init__(self, settings: Postgres, hub: Hub) -> None:
        self._settings = settings
        self._hub = hub
        self._task: asyncio.Task[None] | None = None
        self._told = 0.0
        self._known: deque[Verification] = deque(maxlen=_KEPT)

    @property
    def newest_first(self) -> list[Verification]:
        """Those that are remembered."""
        return list(self._known)

    def find(self, identity: str) -> Verification | None:
        """Return one."""
        return next((one for one in self._known if one.id == identity), None)

    def check_free(self) -> None:
        """Raise Problem while one runs."""
        if self._known and self._known[0].state == "running":
            one = self._known[0]
            raise Problem(
                409,
                "busy",
                f"a verification that {one.by} began runs already",
                f"wait for it: GET /v1/verifications/{one.id}, or its event",
            )

    def begin(self, identity: str, principal: Principal) -> Verification:
        """Begin one; events of kind `verification` tell how it goes. Raises Problem."""
        self.check_free()
        one = Verification(
            id=identity, state="running", by=principal.user, begun=datetime.now(UTC), ended=None,
            said="it begins", checked=None, differing=None, missing=None, doubled=None, details=[],
        )  # fmt: skip
        self._known.appendleft(one)
        self._task = asyncio.create_task(self._run(one), name="verification")
        self._tell(one, "begun")
        return one

    async def close(self) -> None:
        """End the one that runs."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self, one: Verification) -> None:
        try:
            async with asyncio.timeout(_LONGEST_S):
                await self._compare(one)
        except TimeoutError:
            one.state, one.said = "failed", f"it took longer than {_LONGEST_S / 3600:.0f} hours"
        except OSError as error:
            one.state, one.said = "failed", f"the process cannot be started: {error}"
        except asyncio.CancelledError:
            one.state, one.said = "failed", "the API was stopped meanwhile"
            raise
        finally:
            one.ended = datetime.now(UTC)
            if one.state == "failed":
                _log.warning("verification %s failed: %s", one.id, one.said)
            self._tell(one, one.state)

    async def _compare(self, one: Verification) -> None:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", _MODULE,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL, limit=_MOST_LINE,
        )  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        asked = {"dsn": self._settings.dsn, "password": self._settings.password()}
        try:
            with suppress(ConnectionError):  # it has ended; its exit says so
                process.stdin.write(msgspec.json.encode(asked))
                process.stdin.write_eof()
                await process.stdin.drain()
            async for line in process.stdout:
                self._take(one, msgspec.json.decode(line))
            await process.wait()
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if one.state == "running":
            one.state = "failed"
            one.said = f"the process has ended with status {process.returncode}"

    def _take(self, one: Verification, line: dict[str, object]) -> None:
        if failed := line.get("failed"):
            one.state, one.said = "failed", str(failed)
        elif isinstance(found := line.get("found"), dict):
            one.checked, one.differing = found["checked"], found["differing"]
            one.missing, one.doubled = found["missing"], found["doubled"]
            one.details = found["details"]
            bad = one.differing or one.missing or one.doubled
            one.state, one.said = ("unsound" if bad else "sound"), "everything was compared"
        else:
            one.said = str(line.get("said", ""))
            if time.monotonic() - self._told >= _TELL_EVERY_S:
                self._tell(one, "progress")

    def _tell(self, one: Verification, what: str) -> None:
        self._told = time.monotonic()
        self._hub.tell(Event("verification", one.id, what, {"by": one.by, "said": one.said}))


def new_id() -> str:
    """Return the id of one to come."""
    return str(uuid.uuid4())
