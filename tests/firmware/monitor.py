"""A serial monitor for tests: opens a port, types, and waits for what the board says."""

import os
import select
import termios
import time
import tty
from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar

from wire.serial_line import Answer, Line, LineReader, LineRefused, decode_line, encode_line

T = TypeVar("T")


class Monitor:
    """`refused` gathers what is no line of the protocol."""

    def __init__(self, port: str) -> None:
        self._fd = os.open(port, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self._fd, termios.TCSANOW)  # what waits there already is to be seen
        self._reader = LineReader()
        self._waiting: list[Line] = []
        self.refused: list[LineRefused] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._fd)

    @property
    def garbage(self) -> int:
        return self._reader.garbage

    def send(self, data: bytes) -> None:
        os.write(self._fd, data)

    def next(self, seconds: float = 10) -> Line:
        """The next line of the protocol; raises OSError once the port is gone."""
        deadline = time.monotonic() + seconds
        while not self._waiting:
            left = deadline - time.monotonic()
            assert left > 0, f"the board said nothing for {seconds} s; refused: {self.refused}"
            if select.select([self._fd], [], [], left)[0]:
                self._take(os.read(self._fd, 4096))
        return self._waiting.pop(0)

    def _take(self, data: bytes) -> None:
        if not data:
            raise EOFError
        for line in self._reader.feed(data):
            try:
                self._waiting.append(decode_line(line))
            except LineRefused as error:
                self.refused.append(error)

    def wait_for(
        self, kind: type[T], fits: Callable[[T], bool] = lambda _: True, seconds: float = 15
    ) -> T:
        """The next line of a kind that fits; the others are passed over."""
        deadline = time.monotonic() + seconds
        passed: list[Line] = []
        while time.monotonic() < deadline:
            line = self.next(max(0.1, deadline - time.monotonic()))
            if isinstance(line, kind) and fits(line):
                return line
            passed.append(line)
        msg = f"no fitting {kind.__name__} within {seconds} s, but {passed}"
        raise AssertionError(msg)

    def meet(self) -> None:
        """Ask, as the agent does, until the board answers: what it is sent at first is lost."""
        self.send(b"\n")
        for _ in range(20):
            self.send(encode_line("hello"))
            try:
                self.wait_for(Answer, lambda answer: answer.error is None, seconds=1)
            except AssertionError:
                continue
            return
        raise AssertionError("the board understands nothing")

    def ask(self, command: str) -> Answer:
        """Send a command as the agent does; the board's answer to it."""
        self.send(encode_line(command))
        word = command.split(" ", maxsplit=1)[0]
        return self.wait_for(Answer, lambda answer: answer.command in {word, "?"})
