"""Log lines about what keeps happening."""

import logging
import time
from collections.abc import Callable

_AGAIN_S = 60.0


class Seldom:
    """Says a thing when it is new, and again after a minute; `over` ends it with a word."""

    def __init__(self, logger: logging.Logger, clock: Callable[[], float] = time.monotonic) -> None:
        self._logger = logger
        self._clock = clock
        self._said: dict[str, tuple[str, float]] = {}

    def say(self, about: str, text: str) -> None:
        """Warn, unless the same was said about it within the last minute."""
        now = self._clock()
        said = self._said.get(about)
        if said is None or said[0] != text or now - said[1] >= _AGAIN_S:
            self._said[about] = (text, now)
            self._logger.warning("%s", text)

    def over(self, about: str, text: str) -> None:
        """Say that it is over, if anything was said about it."""
        if self._said.pop(about, None) is not None:
            self._logger.info("%s", text)
