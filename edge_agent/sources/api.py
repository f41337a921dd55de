"""What a source is, and what it is given to run with.

A source's folder `edge_agent/sources/<kind>/` exposes `Settings`, a frozen msgspec Struct tagged
with the kind whose first field is `name`, and `open(settings) -> Source`. Each source runs in a
thread of its own; what it emits is on disk or on its way there, and it never sees the network.
"""

import threading
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import msgspec

from edge_agent.errors import SourceFailed
from wire.reading import Channel, Reading

__all__ = ["Board", "Channel", "Context", "Identifiable", "Reading", "Source", "SourceFailed"]


class Board(msgspec.Struct, frozen=True):
    """The microcontroller behind a source, as it introduced itself."""

    sketch: str
    version: str
    board: str


class Context(Protocol):
    """What a running source is given."""

    @property
    def stopping(self) -> threading.Event:
        """Set when the agent shuts down."""

    @property
    def position(self) -> str | None:
        """The newest position that is on disk with its readings; None at the very first start."""

    def now_utc(self) -> int:
        """The wall clock, µs since 1970."""

    def emit(self, readings: Sequence[Reading], position: str | None = None) -> None:
        """Hand readings over for good. Thread safe; blocks while the buffer is behind.

        `position` says how far the source has come with these readings. It is stored in the
        same transaction as they are, so that after a crash neither is ahead of the other.
        """

    def describe(self, channels: Sequence[Channel], board: Board | None = None) -> None:
        """Say which channels there are, replacing what this source said before."""

    def count(self, counter: str, n: int = 1) -> None:
        """Add to a counter that the status shows, e.g. `lost_lines`."""

    def wait(self, seconds: float) -> bool:
        """Sleep, but no longer than until the agent stops; True if it stops."""


class Source(Protocol):
    """Where readings come from."""

    def run(self, context: Context) -> None:
        """Read until `context.stopping`, or return when finished for good (a replay at its end).

        Raises `SourceFailed`, saying what to do, when it can't go on; it is run again later.
        """


@runtime_checkable
class Identifiable(Protocol):
    """A source whose board can be told apart from others by the eye."""

    def identify(self) -> None:
        """Have the board blink for 10 s. Thread safe; raises `SourceFailed` if it does not."""
