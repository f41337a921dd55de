"""A serial port: opened for one program alone, raw, without ever blocking."""

import errno
import fcntl
import os
import select
import termios
from array import array
from pathlib import Path
from types import TracebackType
from typing import Self

from edge_agent.sources.api import SourceFailed

BY_ID = Path("/dev/serial/by-id")
_TIOCGEXCL = 0x80045440  # asm-generic/ioctls.h; the module termios does not have it
_CHUNK = 4096


class Unplugged(Exception):
    """The port is gone: the cable was pulled, or the device behind it closed."""


def list_ports(folder: Path = BY_ID) -> list[str]:
    """Return the stable names of the serial ports that are there."""
    return sorted(str(path) for path in folder.iterdir()) if folder.is_dir() else []


class Port:
    """An open serial port, 8N1. Opening raises SourceFailed with what to do."""

    def __init__(self, path: str, baud: int) -> None:
        self.path = path
        self._fd = _open(path)
        try:
            _claim(self._fd, path)
            _make_raw(self._fd, baud)
        except termios.error as error:
            os.close(self._fd)
            reason = f"{path} is no serial port: {error.args[-1]}"
            raise SourceFailed(
                reason, "Name the board's port, best below /dev/serial/by-id"
            ) from error
        except BaseException:
            os.close(self._fd)
            raise
        self._poll = select.poll()
        self._poll.register(self._fd, select.POLLIN)

    def read(self, seconds: float) -> bytes:
        """Return what has come, waiting for it no longer than `seconds`; raises Unplugged."""
        if not self._poll.poll(seconds * 1000):
            return b""
        try:
            data = os.read(self._fd, _CHUNK)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise Unplugged(self.path) from error
        if not data:
            raise Unplugged(self.path)
        return data

    def write(self, data: bytes) -> None:
        """Send a short line; what the port does not take now is dropped. Raises Unplugged."""
        try:
            os.write(self._fd, data)
        except BlockingIOError:
            pass  # nobody reads at the other end; whoever waits for an answer asks again
        except OSError as error:
            raise Unplugged(self.path) from error

    def close(self) -> None:
        """Give the port free."""
        os.close(self._fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _open(path: str) -> int:
    try:
        # Without O_NONBLOCK opening may wait for a carrier for ever.
        return os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise _refusal(path, error) from error


def _refusal(path: str, error: OSError) -> SourceFailed:
    match error.errno:
        case errno.ENOENT | errno.ENODEV | errno.ENXIO:
            others = list_ports()
            advice = "Plug the board in"
            if others:
                advice += f", or name another port: {', '.join(others)}"
            return SourceFailed(f"there is no port {path}", advice)
        case errno.EACCES | errno.EPERM:
            return SourceFailed(
                f"no permission to open {path}",
                "Add the agent's user to the group dialout (`sudo usermod -aG dialout USER`) and "
                "start the agent again",
            )
        case errno.EBUSY:
            return _taken(path)
    return SourceFailed(f"cannot open {path}: {error.strerror}", "Check the cable and the board")


def _taken(path: str) -> SourceFailed:
    return SourceFailed(
        f"another program has {path} open",
        "Close the Arduino IDE's serial monitor, or whatever else reads the port; "
        f"`fuser -v {path}` names it",
    )


def _claim(fd: int, path: str) -> None:
    """Have the port for ourselves: by TIOCEXCL, which root ignores, and by a lock."""
    if not os.isatty(fd):
        raise SourceFailed(
            f"{path} is no serial port", "Name the board's port, best below /dev/serial/by-id"
        )
    taken = array("i", [0])
    fcntl.ioctl(fd, _TIOCGEXCL, taken)
    if taken[0]:
        raise _taken(path)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise _taken(path) from None
    if not os.ttyname(fd).startswith("/dev/pts/"):
        # A pty lives as long as its other end does, and so would this mark of an agent that was
        # killed. The lock ends with its holder, whatever the port.
        fcntl.ioctl(fd, termios.TIOCEXCL)


def _make_raw(fd: int, baud: int) -> None:
    speed = getattr(termios, f"B{baud}")
    control = termios.CS8 | termios.CREAD | termios.CLOCAL
    # Without HUPCL, closing leaves DTR as it is, so that the next opening does not reset the board.
    characters: list[bytes | int] = [b"\0"] * len(termios.tcgetattr(fd)[6])
    characters[termios.VMIN] = 1
    characters[termios.VTIME] = 0
    termios.tcsetattr(fd, termios.TCSANOW, [0, 0, control, 0, speed, speed, characters])
    termios.tcflush(fd, termios.TCIOFLUSH)
