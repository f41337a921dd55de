"""Talks to supervisord: starts it, asks it, ends it, and clears up after one that died."""

import http.client
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any

import msgspec

from cloud.stack.errors import NotReached, StackError
from cloud.stack.folder import Folder
from cloud.stack.programs import MARK

_OPEN_FILES = 65_536
_EXITED = re.compile(r" (?:INFO|WARN) exited: (?P<name>\S+) ")


class Process(msgspec.Struct, frozen=True):
    """What supervisord says of a program; `started` is seconds since 1970."""

    name: str
    group: str
    state: str
    pid: int | None
    started: float
    exit_status: int

    @property
    def full_name(self) -> str:
        """What supervisord calls it."""
        return f"{self.group}:{self.name}"


class NotUp(NotReached):
    """No supervisord answers."""

    def __init__(self, folder: Folder) -> None:
        super().__init__(f"nothing runs in {folder.data}; start it with `fieldline up`")


class NoSuchProgram(StackError):
    """supervisord has no program of that name."""


class _Connection(http.client.HTTPConnection):
    """HTTP through a socket file."""

    def __init__(self, file: Path, timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._file = file

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        try:
            self.sock.connect(str(self._file))
        except OSError:
            self.close()
            raise


class _Transport(xmlrpc.client.Transport):
    def __init__(self, file: Path, timeout_s: float) -> None:
        super().__init__()
        self._made = _Connection(file, timeout_s)

    def make_connection(self, host: object) -> http.client.HTTPConnection:  # noqa: ARG002
        return self._made

    def close(self) -> None:
        self._made.close()


class Supervisor:
    """A connection to the supervisord of a data folder. Not thread safe."""

    def __init__(self, folder: Folder, timeout_s: float = 5.0) -> None:
        self._folder = folder
        self._transport = _Transport(folder.socket, timeout_s)
        proxy = xmlrpc.client.ServerProxy("http://localhost", transport=self._transport)
        self._calls = proxy.supervisor

    def close(self) -> None:
        """Hang up."""
        self._transport.close()

    def __enter__(self) -> "Supervisor":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def processes(self) -> list[Process]:
        """Ask for the state of all programs. Raises NotUp."""
        return [
            Process(
                name=info["name"],
                group=info["group"],
                state=info["statename"],
                pid=info["pid"] or None,
                started=float(info["start"]),
                exit_status=info["exitstatus"],
            )
            for info in self._call("getAllProcessInfo")
        ]

    def start(self, full_name: str) -> None:
        """Start a program; no matter if it runs. Does not wait until it has proven itself."""
        self._change("startProcess", full_name, harmless=60)

    def stop(self, full_name: str) -> None:
        """Stop a program and wait until it has stopped; no matter if it does not run."""
        self._change("stopProcess", full_name, harmless=70, wait=True)

    def shut_down(self) -> None:
        """End supervisord and what still runs under it; returns at once."""
        self._call("shutdown")

    def _change(self, call: str, full_name: str, *, harmless: int, wait: bool = False) -> None:
        try:
            self._call(call, full_name, wait)
        except xmlrpc.client.Fault as fault:
            if fault.faultCode == 10:
                raise NoSuchProgram(f"{full_name} is not part of this stack") from None
            if fault.faultCode != harmless:
                raise StackError(f"supervisord cannot do it: {fault.faultString}") from fault

    def _call(self, name: str, *arguments: object) -> Any:
        try:
            return getattr(self._calls, name)(*arguments)
        except OSError as error:
            if isinstance(error, TimeoutError):
                raise NotReached("supervisord does not answer; see logs/supervisord.log") from None
            raise NotUp(self._folder) from None


def is_up(folder: Folder) -> bool:
    """Say whether a supervisord answers for this folder."""
    try:
        with Supervisor(folder) as supervisor:
            supervisor.processes()
    except NotUp:
        return False
    return True


def most_open_files() -> int:
    """Say how many files programs may have open here, as high as the limit can be raised.

    Each connection is one, at the broker and at the API; a shell allows 1,024 by itself.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _OPEN_FILES if hard == resource.RLIM_INFINITY else min(_OPEN_FILES, hard)


def launch(folder: Folder) -> None:
    """Start supervisord in a session of its own, so that a terminal's Ctrl-C does not reach it.

    Returns when it answers. What an earlier one left behind, its socket, its pid, is taken away.
    """
    for leftover in (folder.socket, folder.supervisor_pid, _rotated(folder)):
        leftover.unlink(missing_ok=True)
    if folder.supervisor_log.exists():  # restarts are counted from the log of this run
        folder.supervisor_log.replace(folder.supervisor_log.with_suffix(".log.previous"))
    errors = folder.log("supervisord-errors")
    with errors.open("wb") as output:
        child = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "supervisor.supervisord",
             "-c", str(folder.supervisor_config)],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
    Thread(target=child.wait, daemon=True).start()  # so that it leaves no zombie when it ends
    deadline = time.monotonic() + 20
    while not is_up(folder):
        if child.poll() is not None or time.monotonic() > deadline:
            said = errors.read_text("utf-8", "replace").strip() or "nothing said"
            raise StackError(f"supervisord does not start: {said[-600:]}; see {folder.logs}")
        time.sleep(0.05)


def restarts(folder: Folder) -> dict[str, int]:
    """Count how often each program ended by itself since supervisord started."""
    counts: dict[str, int] = {}
    for file in (_rotated(folder), folder.supervisor_log):
        try:
            text = file.read_text("utf-8", "replace")
        except OSError:
            continue
        for match in _EXITED.finditer(text):
            counts[match["name"]] = counts.get(match["name"], 0) + 1
    return counts


def _rotated(folder: Folder) -> Path:
    return folder.supervisor_log.with_name(f"{folder.supervisor_log.name}.1")


def leftovers(folder: Folder) -> list[int]:
    """Find the processes that a supervisord that died without stopping them has left running."""
    found = set(_marked(f"{MARK}={folder.data}".encode()))
    with suppress(OSError, ValueError, IndexError):
        # A postmaster writes its title over its environment.
        pid = int((folder.data / "postgres" / "postmaster.pid").read_text("utf-8").split()[0])
        if b"postgres" in Path(f"/proc/{pid}/cmdline").read_bytes():
            found.add(pid)
    return sorted(found - {os.getpid()})


def _marked(wanted: bytes) -> Iterator[int]:
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                environment = (folder / "environ").read_bytes()
            except OSError:  # another user's, or gone
                continue
            if wanted in environment.split(b"\0"):
                yield int(folder.name)


def end(pids: Sequence[int], still: Callable[[], list[int]], patience_s: float = 20.0) -> None:
    """Ask processes to end, wait until `still` finds none, then kill what is left."""
    _signal(pids, signal.SIGINT, only="postgres")  # a fast shutdown; TERM waits for its clients
    _signal(pids, signal.SIGTERM, but="postgres")
    deadline = time.monotonic() + patience_s
    while left := still():
        if time.monotonic() > deadline:
            _signal(left, signal.SIGKILL)
            deadline = time.monotonic() + patience_s
        time.sleep(0.1)


def _signal(pids: Sequence[int], number: signal.Signals, only: str = "", but: str = "") -> None:
    for pid in pids:
        try:
            name = Path(f"/proc/{pid}/comm").read_text("utf-8").strip()
            if (not only or name == only) and name != but:
                os.kill(pid, number)
        except OSError:  # it has ended meanwhile
            continue
