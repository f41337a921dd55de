"""A recorded board on a serial port that is none."""

import lzma
import time
from collections.abc import Callable
from functools import lru_cache

from control_panel.client.demo.scene import DATA
from control_panel.client.serial_monitor import Heard, Port, PortFailed, Serial
from wire.errors import WireError
from wire.serial_line import encode_line

PORT = Port("/dev/ttyACM0", "Arduino Uno (recorded)")
_ANSWERED = "hello"
_AT_ONCE_S = 14.0
"""Its warming up is said at once."""


class RecordedBoard:
    """Says what a board has said once, at the pace at which it did; then again from the begin."""

    def __init__(self, path: str, steady: Callable[[], float] = time.monotonic) -> None:
        self._began = steady()
        self._steady = steady
        self._taken = 0
        self._round = 0
        self._failed = (
            None
            if path == PORT.path
            else PortFailed(
                f"the demonstration has no port {path}", f"Open {PORT.path}, which is recorded"
            )
        )

    def send(self, text: str) -> None:
        """Raise PortFailed with what a board would do; a greeting comes by itself."""
        try:
            encode_line(text)
        except WireError as error:
            raise PortFailed(str(error), "Type a shorter command, in plain letters") from None
        if text != _ANSWERED:
            raise PortFailed(
                f"This is a demonstration: a real board would take the command {text}",
                "Start Fieldline without --demo and plug a board in",
            )

    def take(self) -> Heard:
        """Return what it has said since the last time."""
        if self._failed is not None:
            return Heard([], 0, 0, False, self._failed)
        lines = _lines()
        length_ms = lines[-1][0] + 1000
        rounds, at_ms = divmod(round((self._steady() - self._began + _AT_ONCE_S) * 1000), length_ms)
        if rounds != self._round:
            self._round, self._taken = rounds, 0
        first = self._taken
        while self._taken < len(lines) and lines[self._taken][0] <= at_ms:
            self._taken += 1
        return Heard([line for _, line in lines[first : self._taken]], 0, 0, True, None)

    def close(self) -> None:
        """There is nothing to free."""


RECORDED = Serial(lambda: [PORT], RecordedBoard)


@lru_cache(maxsize=1)
def _lines() -> list[tuple[int, bytes]]:
    """Return what it has said, each line with its time in ms."""
    text = lzma.decompress((DATA / "board.txt.xz").read_bytes())
    found = []
    for one in text.splitlines():
        time_ms, _, line = one.partition(b" ")
        found.append((int(time_ms), line))
    return found
