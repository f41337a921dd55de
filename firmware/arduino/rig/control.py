"""Tells a running rig what to do: one line to its unix socket, one line back."""

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

from firmware.arduino.rig.rig import Rig
from firmware.errors import ControlFailed, RigError

USAGE = "reset, unplug, plug, garbage N, volts PIN V, level PIN 0|1, type LINE"


def control_path(link: Path) -> Path:
    """Where the rig behind a link listens."""
    return link.with_name(f"{link.name}.control")


@contextlib.contextmanager
def _address(path: Path) -> Iterator[str]:
    """A socket's path may have 107 characters; by way of its folder's descriptor it is short."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def obey(rig: Rig, line: str) -> None:
    """Carry out one command; raises ControlFailed if it is none."""
    try:
        match line.split():
            case ["type", _, *_]:
                rig.type(line.split(maxsplit=1)[1])
            case ["reset"]:
                rig.reset()
            case ["unplug"]:
                rig.unplug()
            case ["plug"]:
                rig.plug()
            case ["garbage", count]:
                rig.garbage(int(count))
            case ["volts", pin, volts]:
                rig.set_voltage(pin, float(volts))
            case ["level", pin, "0" | "1" as level]:
                rig.set_level(pin, level == "1")
            case _:
                msg = f"no such command: {line!r}; there are {USAGE}"
                raise ControlFailed(msg)
    except ValueError as error:
        msg = f"{line!r}: {error}"
        raise ControlFailed(msg) from None


def tell(link: Path, line: str) -> None:
    """Send a command to the rig behind a link; raises ControlFailed with its answer."""
    path = control_path(link)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(15)
        try:
            with _address(path) as address:
                connection.connect(address)
            connection.sendall(f"{line}\n".encode())
            answer = connection.makefile().readline().rstrip()
        except OSError as error:
            msg = f"no rig answers at {path} ({error.strerror}); is one running with that --link?"
            raise ControlFailed(msg) from error
    if answer != "ok":
        raise ControlFailed(answer)


class Control:
    """Listens for commands to a rig, in a thread of its own, from `with` on until its end."""

    def __init__(self, rig: Rig, path: Path) -> None:
        self._obey: Callable[[str], None] = lambda line: obey(rig, line)
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._thread = threading.Thread(target=self._serve, name="rig-control", daemon=True)

    def __enter__(self) -> Self:
        self._path.unlink(missing_ok=True)
        try:
            with _address(self._path) as address:
                self._socket.bind(address)
        except OSError:
            self._socket.close()
            raise
        self._path.chmod(0o600)
        self._socket.listen()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)  # wakes accept
        self._thread.join()
        self._socket.close()
        self._path.unlink(missing_ok=True)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return  # closed
            with connection:
                connection.settimeout(5)
                try:
                    self._answer(connection)
                except OSError:
                    continue  # whoever asked has left

    def _answer(self, connection: socket.socket) -> None:
        line = connection.makefile(errors="replace").readline().strip()
        try:
            self._obey(line)
        except RigError as error:
            answer = str(error)
        else:
            answer = "ok"
        connection.sendall(f"{answer}\n".encode())
