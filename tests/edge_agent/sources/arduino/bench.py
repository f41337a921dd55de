"""A board on the other end of a pty, played by the test byte by byte."""

import os
import select
import time
import tty

from wire.serial_line import encode_line


class BoardOnPty:
    """`port` is what the source opens; the test writes lines and reads commands."""

    def __init__(self) -> None:
        self._board, self._port_fd = os.openpty()
        tty.setraw(self._port_fd)
        self.port = os.ttyname(self._port_fd)
        self.commands: list[str] = []
        self._rest = b""

    def let_go(self) -> None:
        """Keep no hold of the agent's end, so that unplugging is seen."""
        os.close(self._port_fd)
        self._port_fd = -1

    def write(self, data: bytes) -> None:
        os.write(self._board, data)

    def line(self, text: str) -> None:
        self.write(encode_line(text))

    def greet(
        self,
        *channels: str,
        interval: int = 100,
        running: int = 1,
    ) -> None:
        self.line(f"F,1,test,1.0,uno,{interval},{len(channels)},{running}")
        for index, channel in enumerate(channels):
            self.line(f"C,{index},{channel}")

    def listen(self) -> list[str]:
        """Return the commands that have come so far, without their CRC."""
        while select.select([self._board], [], [], 0)[0]:
            self._rest += os.read(self._board, 4096)
        *whole, self._rest = self._rest.split(b"\n")
        self.commands += [line.partition(b"*")[0].decode() for line in whole]
        return self.commands

    def heard(self, command: str) -> bool:
        return command in self.listen()

    def wait_for(self, command: str, seconds: float = 5.0) -> None:
        end = time.monotonic() + seconds
        while not self.heard(command):
            assert time.monotonic() < end, f"{command!r} never came, but {self.commands}"
            time.sleep(0.002)

    def unplug(self) -> None:
        os.close(self._board)
        self._board = -1

    def close(self) -> None:
        for fd in (self._board, self._port_fd):
            if fd >= 0:
                os.close(fd)
