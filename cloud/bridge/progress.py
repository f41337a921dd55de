"""The progress file: how fast, how far behind (docs/protocols.md, Progress files)."""

import json
import os
from collections import deque
from pathlib import Path
from typing import Any

_WINDOW = 10  # seconds


class Progress:
    """Counts into rates over the last ten seconds, and writes them as a whole."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._samples: deque[tuple[float, int, int]] = deque(maxlen=_WINDOW + 1)

    def write(
        self,
        *,
        at: float,
        in_total: int,
        out_total: int,
        lag: int,
        lag_seconds: float,
        newest: float | None,
        errors: int,
        detail: dict[str, Any],
    ) -> None:
        """Replace the file; call once a second. `at` and `newest` are seconds since 1970."""
        self._samples.append((at, in_total, out_total))
        then, in_then, out_then = self._samples[0]
        span = max(at - then, 1.0)
        text = json.dumps(
            {
                "stage": "bridge",
                "at": round(at, 3),
                "in_total": in_total,
                "out_total": out_total,
                "rate_in": round((in_total - in_then) / span, 2),
                "rate_out": round((out_total - out_then) / span, 2),
                "lag": lag,
                "lag_seconds": round(lag_seconds, 3),
                "newest": newest,
                "errors": errors,
                "detail": detail,
            }
        )
        self._file.parent.mkdir(parents=True, exist_ok=True)
        beside = self._file.with_name(f"{self._file.name}.{os.getpid()}.new")
        beside.write_text(text, encoding="utf-8")
        beside.replace(self._file)
