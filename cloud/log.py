"""One form for the logs of the API, the bridge and the stream: a JSON object a line.

Keys: `at` (UTC), `level`, `stage`, `logger`, `message`; `request`, the id of the API's request that
brought it about, where there is one; `trace`, of an exception.
"""

import json
import logging
import sys
import time
from collections.abc import Callable
from pathlib import Path

_log = logging.getLogger(__name__)


class JsonLines(logging.Formatter):
    """Formats for one stage; `request` says for whom it is at work just now."""

    def __init__(self, stage: str, request: Callable[[], str] = str) -> None:
        super().__init__()
        self._stage = stage
        self._request = request

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = {
            "at": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            + f".{int(record.msecs):03d}Z",
            "level": record.levelname,
            "stage": self._stage,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request := getattr(record, "request", "") or self._request():
            line["request"] = request
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def configure(stage: str, request: Callable[[], str] = str) -> None:
    """Log to stderr, from INFO on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(stage, request))
    logging.basicConfig(level=logging.INFO, handlers=[handler])


def request_file(progress_file: Path) -> Path:
    """Name the file in which the API leaves its request's id for a stage that it starts."""
    return progress_file.with_suffix(".request")


def say_who_started(progress_file: str) -> None:
    """Log the beginning, with the id of the request that asked for it; later starts have none."""
    file = request_file(Path(progress_file))
    request = ""
    if progress_file:
        try:
            request = file.read_text("utf-8")
            file.unlink()
        except OSError:  # nobody asked: the machine started, or it had ended by itself
            pass
    _log.info("starting", extra={"request": request})
