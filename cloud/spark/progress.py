"""The progress file (docs/protocols.md, Progress files): what people see of the stream."""

import json
from collections import deque
from pathlib import Path
from typing import Any

_WINDOW = 10


class Progress:
    """Totals since the start, and rates over the last ten calls of `write`, one a second."""

    def __init__(self, file: Path) -> None:
        """Name the file; its folder must exist."""
        self._file = file
        self._samples: deque[tuple[float, int, int]] = deque(maxlen=_WINDOW + 1)
        self.packs = 0
        self.readings = 0
        self.errors = 0
        self.newest: int | None = None
        self.lag = 0
        self.detail: dict[str, Any] = {}

    def write(self, now: float) -> None:
        """Replace the file as a whole; `now` in seconds since 1970."""
        self._samples.append((now, self.packs, self.readings))
        then, packs, readings = self._samples[0]
        span = max(now - then, 1.0)
        newest = None if self.newest is None else self.newest / 1e6
        message = {
            "stage": "stream",
            "at": now,
            "in_total": self.packs,
            "out_total": self.readings,
            "rate_in": round((self.packs - packs) / span, 3),
            "rate_out": round((self.readings - readings) / span, 3),
            "lag": self.lag,
            "lag_seconds": 0.0 if not self.lag or newest is None else max(0.0, now - newest),
            "newest": newest,
            "errors": self.errors,
            "detail": self.detail,
        }
        temporary = self._file.with_suffix(".tmp")
        temporary.write_text(json.dumps(message), "utf-8")
        temporary.replace(self._file)
