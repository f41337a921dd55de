"""The running agent: sources -> intake -> packer -> buffer -> sink, started and stopped."""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edge_agent import VERSION, memory
from edge_agent.buffer import Buffer
from edge_agent.clock import Clock
from edge_agent.enrolment import Identity
from edge_agent.errors import DiskFailed, EpochBegun
from edge_agent.intake import Intake
from edge_agent.packer import Packer
from edge_agent.remote import Remote
from edge_agent.report import Report
from edge_agent.runner import Runner
from edge_agent.service_manager import ServiceManager
from edge_agent.settings import Settings
from edge_agent.sinks.mqtt import MqttSink
from edge_agent.sources import open_source

RESTART = 3
"""The exit status after the command `restart`: whoever supervises the agent starts it again."""
STOP_SOURCES_S = 3.0
STOP_SENDING_S = 2.0
STATUS_FILE_S = 10.0
DISK_RETRY_S = 5.0

_log = logging.getLogger(__name__)


def run(settings: Settings, *, once: bool, clock: Clock | None = None) -> int:
    """Run until a signal, or with `once` until every source has finished and all is stored.

    Returns the exit status: 1 if a part broke, RESTART if it was asked to be started again.
    Raises BufferBusy if another agent runs on the same folder.
    """
    memory.be_small()
    stopping = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stopping.set())
    clock = clock or Clock()
    buffer = _open_buffer(settings, stopping)
    if buffer is None:
        return 0  # asked to stop before there was a disk
    broken = threading.Event()

    def end(failure: threading.ExceptHookArgs) -> None:
        """A part that dies must not leave the others running as if nothing were missing."""
        name = failure.thread.name if failure.thread else "?"
        _log.critical("%s broke; ending, to be started again", name, exc_info=failure.exc_value)
        broken.set()
        stopping.set()

    restarting = threading.Event()

    def restart() -> None:
        restarting.set()
        stopping.set()

    threading.excepthook = end
    try:
        _Parts(settings, buffer, clock, stopping, restart).run(once=once)
    finally:
        _close(buffer)
    if broken.is_set():
        return 1
    return RESTART if restarting.is_set() else 0


def _open_buffer(settings: Settings, stopping: threading.Event) -> Buffer | None:
    """Open the buffer, waiting for the disk as long as it takes."""
    while not stopping.is_set():
        try:
            return Buffer(
                Path(settings.agent.data),
                settings.buffer.quota(),
                hole_s=settings.buffer.hole_min * 60,
            )
        except DiskFailed as error:
            _log.error("%s; trying again in %d s", error, DISK_RETRY_S)
            stopping.wait(DISK_RETRY_S)
    return None


def _close(buffer: Buffer) -> None:
    try:
        buffer.close()
    except (DiskFailed, EpochBegun) as error:
        _log.error("%s", error)


class _Parts:
    """The threads and what connects them."""

    def __init__(
        self,
        settings: Settings,
        buffer: Buffer,
        clock: Clock,
        stopping: threading.Event,
        restart: Callable[[], None],
    ) -> None:
        self._folder = Path(settings.agent.data)
        self._buffer = buffer
        self._stopping = stopping
        self._intake = Intake(settings.buffer.commit_s)
        self._report = Report(VERSION, buffer, clock)
        device = settings.agent.device
        self._manager = ServiceManager(os.environ)
        self._refused = 0
        self._runners = tuple(
            Runner(
                source.name,
                str(source.__struct_config__.tag),
                lambda source=source: open_source(source),  # type: ignore[misc]
                intake=self._intake,
                buffer=buffer,
                clock=clock,
                stopping=stopping,
                changed=self._changed,
            )
            for source in settings.source
        )
        self._report.runners = self._runners
        self._remote = Remote(
            device,
            self._folder,
            {source.name: source for source in settings.source},
            self._runners,
            now=lambda: clock.now_utc() / 1e6,
            wake=self._wake,
            restart=restart,
            diagnose=lambda: _diagnose(settings, clock, self._connection()),
            keys=Identity(device, self._folder, settings.mqtt),
        )
        self._sink = MqttSink(device, settings.mqtt, buffer, self._report, self._remote)
        self._packer = Packer(
            device, self._intake, buffer, self._sink, self._count_refused, clock=clock
        )

    def run(self, *, once: bool) -> None:
        """Start everything, wait for the end, stop everything in the order of the flow."""
        self._packer.start()
        self._remote.start()
        self._sink.start()
        for runner in self._runners:
            runner.start()
        _log.info("running with %d sources", len(self._runners))
        self._manager.ready()
        memory.give_back()
        file_at = time.monotonic()
        while not self._stopping.is_set() and not (once and self._all_done()):
            if time.monotonic() >= file_at:
                self._write_status_file()
                self._manager.alive(self._connection())
                file_at = time.monotonic() + STATUS_FILE_S
            self._stopping.wait(0.1 if once else STATUS_FILE_S)
        self._stop()

    def _stop(self) -> None:
        self._stopping.set()
        self._manager.stopping()
        deadline = time.monotonic() + STOP_SOURCES_S
        for runner in self._runners:
            runner.stop()
        for runner in self._runners:
            if not runner.join(max(0.0, deadline - time.monotonic())):
                _log.warning("%s: does not stop, going on without it", runner.name)
        self._intake.close()
        self._packer.stop(STOP_SOURCES_S)
        self._remote.stop()
        self._sink.stop(STOP_SENDING_S)
        self._write_status_file("stopped")
        _log.info("stopped")

    def _all_done(self) -> bool:
        return (
            all(runner.is_finished() for runner in self._runners)
            and self._intake.is_settled()
            and self._buffer.is_empty()
        )

    def _connection(self) -> str:
        return self._sink.problem or "connected"

    def _wake(self) -> None:
        self._sink.wake()

    def _changed(self) -> None:
        self._report.changed()
        self._wake()

    def _count_refused(self, n: int) -> None:
        self._refused += n

    def _write_status_file(self, connection: str = "") -> None:
        problems = [p for p in (self._buffer.problem, self._packer.problem) if p]
        if self._refused:
            problems.append(f"{self._refused} readings could not travel and were dropped: see log")
        try:
            self._report.write_file(self._folder, connection or self._connection(), problems)
        except OSError as error:
            _log.warning("cannot write the status file: %s", error.strerror)


def _diagnose(settings: Settings, clock: Clock, connection: str) -> list[dict[str, Any]]:
    from edge_agent import doctor  # seldom asked for

    found = doctor.examine(settings, quality=clock.quality, connection=connection)
    return doctor.as_json(found)
