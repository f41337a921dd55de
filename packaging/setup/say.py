"""What the person who waits reads."""

from __future__ import annotations

import sys
import time


class Refused(Exception):
    """Setting up cannot go on: what happened, and what to do."""


class Teller:
    """Prints steps as they go: on a terminal one moving line a step, elsewhere a line at a time.

    `step` opens a step, `tell` says how far it is, `done` closes it with the time it took.
    """

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.number = 0
        self.title = ""
        self.started = 0.0
        self.moving = sys.stdout.isatty()
        self.last_told = 0.0

    def step(self, title: str) -> None:
        self.number += 1
        self.title = title
        self.started = time.monotonic()
        self.last_told = 0.0

    def tell(self, text: str) -> None:
        now = time.monotonic()
        # A moving line may change ten times a second; a log gets a line every ten seconds.
        if now - self.last_told < (0.1 if self.moving else 10.0) and self.last_told:
            return
        self.last_told = now
        line = f"[{self.number}/{self.steps}] {self.title}: {text}"
        if self.moving:
            print(f"\r\x1b[K{line[:100]}", end="", flush=True)
        else:
            print(line, flush=True)

    def done(self, text: str) -> None:
        seconds = time.monotonic() - self.started
        took = f" ({seconds:.0f} s)" if seconds >= 1 else ""
        start = "\r\x1b[K" if self.moving else ""
        print(f"{start}[{self.number}/{self.steps}] {self.title}: {text}{took}", flush=True)
