"""A simulated board: a compiled sketch, its pins played by a scenario, its USB port a pty."""

import contextlib
import logging
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from firmware.arduino.build import RIG
from firmware.arduino.rig.scenario import ANALOG, DIGITAL, Player, Scenario, parse
from firmware.errors import ControlFailed, NotBuilt, RigStopped
from wire.settings import SettingsRefused

_log = logging.getLogger(__name__)

TICK_S = 0.1
"""How often voltages follow the scenario, and its file is looked at."""
START_S = 10.0


class Rig:
    """Runs a sketch from `with` on until its end. Raises RigError.

    `scenario` is read anew when the file changes; time goes on meanwhile, and a file with a fault
    is told of and left aside. `link` is a stable name for the port, like those in
    /dev/serial/by-id; it is there while the board is plugged in.
    """

    def __init__(
        self,
        sketch: Path,
        scenario: Path | None = None,
        link: Path | None = None,
        *,
        binary: Path = RIG,
        tell: Callable[[str], None] = _log.info,
    ) -> None:
        for file in (sketch, binary):
            if not file.exists():
                raise NotBuilt(str(file))
        self._command = [str(binary), str(sketch)]
        self._file = scenario
        self._link = link
        self._tell = tell
        self._player = Player(Scenario() if scenario is None else _read(scenario))
        self._seen = _state(scenario)
        self._by_hand: dict[str, float | bool] = {}
        self._sent: dict[str, float | bool] = {}
        self._lock = threading.RLock()
        self._ending = threading.Event()
        self._plugged = threading.Event()
        self._over = threading.Event()  # the simulator has said its last
        self._pty = ""
        self._said = ""

    def __enter__(self) -> Self:
        self._harness = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        self._began = time.monotonic()
        self._elapsed_s = 0.0
        self._threads = [
            threading.Thread(target=self._listen, name="rig-listen"),
            threading.Thread(target=self._play, name="rig-play"),
        ]
        self._follow_scenario()  # so that the first reading is of the scenario already
        for thread in self._threads:
            thread.start()
        try:
            self._wait_for_port()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the simulation; the port is gone afterwards."""
        self._ending.set()
        self._unlink()
        self._harness.terminate()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()
        self._harness.wait()
        assert self._harness.stdin is not None
        assert self._harness.stdout is not None
        with self._lock, contextlib.suppress(BrokenPipeError):
            self._harness.stdin.close()
        self._harness.stdout.close()

    @property
    def pid(self) -> int:
        """Of the simulator."""
        return self._harness.pid

    @property
    def port(self) -> str:
        """The path to open."""
        return self._pty if self._link is None else str(self._link)

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for the simulator's own end; False if it still runs. Raises RigStopped."""
        try:
            self._harness.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        if not self._ending.is_set():
            raise RigStopped(self._said)
        return True

    def set_voltage(self, pin: str, volts: float) -> None:
        """Hold a pin (A0 to A5, or VCC) at a voltage until the scenario's file changes."""
        if pin not in ANALOG or not 0 <= volts <= 5.5:
            msg = f"no {volts} V at {pin!r}: 0 to 5.5 V, at {', '.join(ANALOG)}"
            raise ControlFailed(msg)
        self._hold(pin, volts)

    def set_level(self, pin: str, high: bool) -> None:
        """Hold a digital pin (0 to 13, A0 to A5) until the scenario's file changes."""
        if pin not in DIGITAL:
            msg = f"there is no digital pin {pin!r}; there are {', '.join(DIGITAL)}"
            raise ControlFailed(msg)
        self._hold(pin, high)

    def type(self, line: str) -> None:
        """Type a line at the board's serial monitor."""
        if not line.isascii() or not line.isprintable():
            msg = f"{line!r} can't be typed: printable ASCII only"
            raise ControlFailed(msg)
        self._send(f"type {line}")

    def reset(self) -> None:
        """Press the reset button."""
        self._send("reset")

    def unplug(self) -> None:
        """Pull the USB plug: the port goes, and so does the board's power."""
        self._unlink()
        self._plugged.clear()
        self._send("unplug")

    def plug(self) -> None:
        """Plug it in again: the board starts anew, behind another pty and the same link."""
        self._send("plug")
        self._wait_for_port()

    def garbage(self, count: int) -> None:
        """Put bytes of noise on the line to the computer."""
        self._send(f"garbage {count}")

    def _hold(self, pin: str, value: float | bool) -> None:
        with self._lock:
            self._by_hand[pin] = value
            self._set({pin: value})

    def _set(self, pins: dict[str, float | bool]) -> None:
        lines = []
        for pin, value in pins.items():
            if self._sent.get(pin) != value:
                kind = "level" if isinstance(value, bool) else "volts"
                lines.append(f"{kind} {pin} {float(value):g}")
        self._sent |= pins
        if lines:
            self._send("\n".join(lines))

    def _send(self, lines: str) -> None:
        assert self._harness.stdin is not None
        with self._lock:
            try:
                self._harness.stdin.write(f"{lines}\n")
                self._harness.stdin.flush()
            except (BrokenPipeError, ValueError):  # ValueError: already closed
                raise RigStopped(self._said) from None

    def _wait_for_port(self) -> None:
        if not self._plugged.wait(START_S) or self._over.is_set():
            raise RigStopped(self._said or f"no port came within {START_S:g} s")

    def _unlink(self) -> None:
        if self._link is not None:
            self._link.unlink(missing_ok=True)

    def _listen(self) -> None:
        assert self._harness.stdout is not None
        for line in self._harness.stdout:
            said = line.rstrip()
            if said.startswith("port "):
                self._take_port(said.removeprefix("port "))
            else:
                self._said = said
                self._tell(said)
        self._unlink()
        self._over.set()
        self._plugged.set()  # nobody is to wait for a port any more

    def _take_port(self, pty: str) -> None:
        self._pty = pty
        if self._link is not None and not self._ending.is_set():
            self._link.parent.mkdir(parents=True, exist_ok=True)
            new = self._link.with_name(f".{self._link.name}.new")
            new.unlink(missing_ok=True)
            new.symlink_to(pty)
            new.replace(self._link)
        self._plugged.set()

    def _play(self) -> None:
        while not self._ending.wait(TICK_S):
            self._reread()
            try:
                self._follow_scenario()
            except RigStopped:
                return  # whoever waits for the rig is told

    def _follow_scenario(self) -> None:
        before_s, self._elapsed_s = self._elapsed_s, time.monotonic() - self._began
        with self._lock:
            self._set(self._player.pins_at(self._elapsed_s) | self._by_hand)
            for line in self._player.typed_between(before_s, self._elapsed_s):
                self.type(line)

    def _reread(self) -> None:
        state = _state(self._file)
        if self._file is None or state in {self._seen, None}:
            return  # it did not change, or an editor is replacing it
        self._seen = state
        try:
            player = Player(_read(self._file))
        except (SettingsRefused, OSError, UnicodeDecodeError) as error:
            self._tell(f"the scenario stays as it was: {error}")
            return
        with self._lock:
            self._player = player
            self._by_hand.clear()
        self._tell(f"{self._file} was read anew")


def _read(file: Path) -> Scenario:
    return parse(file.read_text(), file=str(file))


def _state(file: Path | None) -> tuple[int, int, int] | None:
    try:
        status = file.stat() if file is not None else None
    except OSError:
        return None
    return status and (status.st_mtime_ns, status.st_size, status.st_ino)
