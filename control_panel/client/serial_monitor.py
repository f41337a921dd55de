"""Talks with a board on a serial port of this computer, in a thread of its own."""

import threading
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from control_panel.client.errors import ClientError
from wire.errors import WireError
from wire.serial_line import LineReader, encode_line

BAUD = 115_200
_LINES = 5_000
_SILENCE_S = 0.1
_CHUNK = 4096


class PortFailed(ClientError):
    """A port cannot be opened, or the board is gone."""


class Port(NamedTuple):
    """A serial port; `what` says what hangs there, as far as the system knows."""

    path: str
    what: str


class Heard(NamedTuple):
    """All that came since the last time; `dropped` lines had no room, `garbage` were no text."""

    lines: list[bytes]
    dropped: int
    garbage: int
    is_open: bool
    failed: PortFailed | None


def ports() -> list[Port]:
    """Return the ports with a board, or what may be one, first; to be asked in a worker."""
    from serial.tools.list_ports import comports

    found = sorted(comports(), key=lambda one: (one.vid is None, one.device))
    return [
        Port(one.device, one.product or one.description if one.vid is not None else "")
        for one in found
    ]


class Monitor(Protocol):
    """A port that is open, or is being opened."""

    def send(self, text: str) -> None:
        """Send a command. Raises PortFailed if that is not possible."""
        ...

    def take(self) -> Heard:
        """Return what came, and forget it."""
        ...

    def close(self) -> None:
        """End; returns at once."""
        ...


class SerialMonitor:
    """Opened at once by its thread; `take` from the window's thread never waits, nor does `send`.

    Opening a port restarts most boards. What other programs hold is refused.
    """

    def __init__(self, path: str, baud: int = BAUD) -> None:
        self.path = path
        self._baud = baud
        self._lock = threading.Lock()
        self._lines: deque[bytes] = deque()
        self._sending: deque[bytes] = deque()
        self._dropped = self._garbage = 0
        self._open = False
        self._failed: PortFailed | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="serial monitor", daemon=True)
        self._thread.start()

    def send(self, text: str) -> None:
        """Send a command with its CRC. Raises PortFailed if it does not fit a line."""
        try:
            line = encode_line(text)
        except WireError as error:
            raise PortFailed(str(error), "Type a shorter command, in plain letters") from None
        with self._lock:
            self._sending.append(line)

    def take(self) -> Heard:
        """Return what came, and forget it."""
        with self._lock:
            heard = Heard(list(self._lines), self._dropped, self._garbage, self._open, self._failed)
            self._lines.clear()
            self._dropped = self._garbage = 0
        return heard

    def close(self) -> None:
        """End; returns at once, the port is free a moment later."""
        self._stopped.set()

    def join(self, wait_s: float) -> bool:
        """Wait until the port is free; whether it is."""
        self._thread.join(wait_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        import serial

        try:
            with serial.Serial(
                self.path, self._baud, timeout=_SILENCE_S, write_timeout=2, exclusive=True
            ) as port:
                with self._lock:
                    self._open = True
                self._talk(port)
        except (OSError, ValueError) as error:  # serial.SerialException is an OSError
            if not self._stopped.is_set():
                self._fail(error)
        finally:
            with self._lock:
                self._open = False

    def _talk(self, port: Any) -> None:
        reader = LineReader()
        port.write(b"\n")  # ends what another may have typed half
        while not self._stopped.is_set():
            while (line := self._next()) is not None:
                port.write(line)
            data = port.read(max(1, min(port.in_waiting, _CHUNK)))
            lines = reader.feed(data)
            with self._lock:
                self._lines.extend(lines)
                self._garbage += reader.garbage + reader.overlong
                while len(self._lines) > _LINES:
                    self._lines.popleft()
                    self._dropped += 1
            reader.garbage = reader.overlong = 0

    def _next(self) -> bytes | None:
        with self._lock:
            return self._sending.popleft() if self._sending else None

    def _fail(self, error: Exception) -> None:
        text = str(error)
        with self._lock:
            was_open = self._open
        if was_open:
            failed = PortFailed(f"{self.path} has gone", "Plug the board in and open it again")
        elif "Permission" in text or "denied" in text:
            failed = PortFailed(
                f"no permission to open {self.path}",
                "Add yourself to the group dialout, and log in again",
            )
        elif "lock" in text or "busy" in text.lower():
            failed = PortFailed(
                f"another program holds {self.path}", "Close it there, and open it again"
            )
        else:
            failed = PortFailed(f"{self.path} cannot be opened", "Is the board plugged in?")
        with self._lock:
            self._failed = failed


class Serial(NamedTuple):
    """Ports, and what opens one."""

    ports: Callable[[], list[Port]]
    open: Callable[[str], Monitor]


SERIAL = Serial(ports, SerialMonitor)
"""Those of this computer."""
