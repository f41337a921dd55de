"""The ends of stages' logs, and how many errors came lately."""

import os
import re
from collections import deque
from pathlib import Path

_ERROR = re.compile(rb"\b(?:ERROR|FATAL|PANIC|CRITICAL)\b|^\S*\s?Error\b", re.MULTILINE)
_HOUR_S = 3600.0
_MOST_BYTES = 1024 * 1024


def tail(file: Path, lines: int) -> list[str]:
    """Return the last lines of a log, of its last MB at most. Raises FileNotFoundError."""
    with file.open("rb") as log:
        size = log.seek(0, os.SEEK_END)
        log.seek(max(0, size - _MOST_BYTES))
        text = log.read(_MOST_BYTES).decode("utf-8", "replace")
    found = text.split("\n")
    if size > _MOST_BYTES:
        found = found[1:]  # begun before what was read
    shown = ["".join(c if c.isprintable() or c == "\t" else "·" for c in line.rstrip("\r"))
             for line in found]  # fmt: skip
    return [line for line in shown if line][-lines:]


class ErrorCount:
    """Counts the lines of a growing log that report an error, by when they were seen."""

    def __init__(self, file: Path) -> None:
        """Count from now on."""
        self._file = file
        self._place: tuple[int, int] | None = None
        self._seen: deque[tuple[float, int]] = deque()

    def look(self, now: float) -> int:
        """Return the number of the last hour."""
        new = self._read()
        if new:
            self._seen.append((now, new))
        while self._seen and now - self._seen[0][0] >= _HOUR_S:
            self._seen.popleft()
        return sum(count for _, count in self._seen)

    def _read(self) -> int:
        try:
            with self._file.open("rb") as log:
                about = os.fstat(log.fileno())
                if self._place is None:
                    self._place = (about.st_ino, about.st_size)
                inode, offset = self._place
                if about.st_ino != inode or about.st_size < offset:  # rotated
                    offset = 0
                log.seek(max(offset, about.st_size - _MOST_BYTES))
                said = log.read(_MOST_BYTES)
                whole = said.rfind(b"\n") + 1  # a line that is being written is for the next look
                self._place = (about.st_ino, log.tell() - len(said) + whole)
        except FileNotFoundError:
            self._place = (0, 0)
            return 0
        return len({said.rfind(b"\n", 0, match.start()) for match in _ERROR.finditer(said[:whole])})
