"""Has a process of its own say what a rule would have made of stored readings (`preview.py`)."""

import asyncio
import logging
import sys
from contextlib import suppress
from typing import Any

from cloud.control.problems import Problem
from cloud.control.settings import Postgres

_PATIENCE_S = 25.0
_MODULE = "cloud.control.alerts.preview"

_log = logging.getLogger(__name__)


class Previews:
    """One for the API; it looks at one rule at a time."""

    def __init__(self, settings: Postgres) -> None:
        self._settings = settings
        self._room = asyncio.Semaphore(1)

    async def look(self, asked: bytes) -> bytes:
        """Return the JSON of a `preview.Found`. `asked` is that of `preview.Asked`. Raises Problem.

        Whoever asks while another is looked at is told to come again.
        """
        if self._room.locked():
            raise Problem(
                503,
                "busy",
                "another rule is looked at",
                "ask again in a few seconds",
                headers={"Retry-After": "5"},
            )
        async with self._room:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                _MODULE,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            try:
                async with asyncio.timeout(_PATIENCE_S):
                    found, said = await process.communicate(asked)
            except TimeoutError:
                raise _too_long() from None
            finally:
                if process.returncode is None:
                    with suppress(ProcessLookupError):
                        process.kill()
                    await process.wait()
        if process.returncode:
            why = said.decode("utf-8", "replace").strip().rpartition("\n")[2][:200]
            if "QueryCanceled" in why:
                raise _too_long()
            _log.error("a preview has ended with status %d: %s", process.returncode, why)
            raise Problem(
                503,
                "preview-failed",
                "the process that looks at stored readings has ended; nothing was changed",
                "see `fieldline status` and `fieldline logs api`",
                headers={"Retry-After": "5"},
            )
        return found

    def reach(self) -> dict[str, Any]:
        """Return how the process reaches the database."""
        return {"dsn": self._settings.dsn, "password": self._settings.password()}


def _too_long() -> Problem:
    return Problem(
        422,
        "too-much",
        f"it takes longer than {_PATIENCE_S:.0f} s",
        "choose a shorter time, or a device or a channel",
    )
