"""What the agent says of itself: status and meta for the cloud, a status file for people here."""

import contextlib
import os
import platform
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from edge_agent.buffer import Buffer
from edge_agent.clock import Clock
from edge_agent.errors import DiskFailed, EpochBegun
from edge_agent.runner import Runner
from wire.status import Board, BufferStatus, Meta, Status, encode_meta, encode_status

FILE = "status.json"
_MODEL = Path("/proc/device-tree/model")


class Report:
    """Gathers the state of all parts. Thread safe."""

    def __init__(self, version: str, buffer: Buffer, clock: Clock) -> None:
        self.runners: Sequence[Runner] = ()
        self._agent = version
        self._buffer = buffer
        self._clock = clock
        self._since = clock.now_utc()
        self._lock = threading.Lock()
        self._version = 0
        self._last_buffer = BufferStatus()

    def changed(self) -> None:
        """Count a change of a state."""
        with self._lock:
            self._version += 1

    def version(self) -> int:
        """Return a number that changes with every change of a state."""
        return self._version

    def status(self, state: str, reason: str) -> bytes:
        """Return the status, encoded."""
        return encode_status(self._status(state, reason))

    def substance(self) -> object:
        """Return the status without its time."""
        return msgspec.structs.replace(self._status("online", ""), at=None)

    def meta(self) -> bytes:
        """Return the meta, encoded."""
        return encode_meta(
            Meta(
                agent=self._agent,
                model=_model(),
                os=_os(),
                channels=tuple(c for runner in self.runners for c in runner.channels),
                boards=tuple(
                    Board(r.name, r.board.sketch, r.board.version, r.board.board)
                    for r in self.runners
                    if r.board is not None
                ),
            )
        )

    def _status(self, state: str, reason: str) -> Status:
        # The packer meets the same errors and reports them; the last known state is shown.
        with contextlib.suppress(DiskFailed, EpochBegun):
            self._last_buffer = self._buffer.status()
        return Status(
            state=state,  # type: ignore[arg-type]
            reason=reason,
            since=self._since / 1e6,
            at=self._clock.now_utc() / 1e6,
            agent=self._agent,
            boot=self._clock.boot,
            clock=self._clock.quality().value if self._clock.is_known() else "unset",
            buffer=self._last_buffer,
            sources=tuple(runner.status() for runner in self.runners),
        )

    def write_file(self, folder: Path, connection: str, problems: list[str]) -> None:
        """Replace the status file, for `fieldline-agent status`.

        It is not forced to the disk: after a power cut nobody needs it.
        """
        document: dict[str, Any] = msgspec.to_builtins(self._status("online", ""))
        document["pid"] = os.getpid()
        document["connection"] = connection
        document["problems"] = problems
        part = folder / (FILE + ".part")
        part.write_bytes(msgspec.json.encode(document))
        part.replace(folder / FILE)


def _model() -> str:
    """Name the machine."""
    try:
        return _MODEL.read_text(encoding="utf-8").strip("\0\n ")
    except OSError:
        return platform.machine()


def _os() -> str:
    """Name the operating system."""
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.system()
