"""What the threads that listen have heard, until the window's thread takes it in."""

from collections import deque
from threading import Lock
from typing import NamedTuple

from control_panel.model.things import Event

MESSAGES = 20_000
MESSAGE_BYTES = 32 << 20
EVENTS = 5_000


class Heard(NamedTuple):
    """A message of a device; `received_utc` in microseconds."""

    device: str
    kind: str
    payload: bytes
    received_utc: int


class Link(NamedTuple):
    """How one of the connections is: `link` is `events` or `live`; `said` says why it is away.

    `shut_out`: the server does not let this panel in any more; trying again is no use.
    """

    link: str
    up: bool
    said: str = ""
    fix: str = ""
    shut_out: bool = False


class Taken(NamedTuple):
    """All that came since the last time, each in its order."""

    messages: list[Heard]
    events: list[Event]
    links: list[Link]
    dropped: int
    """Messages for which there was no room: what is newer is kept."""
    look_anew: bool
    """Events were lost: what the server knows must be asked again."""


class Inbox:
    """Bounded; may be filled from any thread, and never makes one wait."""

    def __init__(self, messages: int = MESSAGES, octets: int = MESSAGE_BYTES) -> None:
        self._lock = Lock()
        self._messages: deque[Heard] = deque()
        self._most = messages
        self._most_bytes = octets
        self._bytes = 0
        self._dropped = 0
        self._events: list[Event] = []
        self._links: dict[str, Link] = {}
        self._look_anew = False

    def hear(self, message: Heard) -> None:
        """Take a device's message."""
        with self._lock:
            self._messages.append(message)
            self._bytes += len(message.payload)
            while len(self._messages) > self._most or self._bytes > self._most_bytes:
                self._bytes -= len(self._messages.popleft().payload)
                self._dropped += 1

    def tell(self, event: Event) -> None:
        """Take an event."""
        with self._lock:
            if len(self._events) < EVENTS:
                self._events.append(event)
            else:
                self._look_anew = True

    def missed(self) -> None:
        """Events may have been lost."""
        with self._lock:
            self._look_anew = True

    def link(self, state: Link) -> None:
        """Say how a connection is now; only the last word of each is kept."""
        with self._lock:
            self._links[state.link] = state

    def take(self, *, messages: bool = True) -> Taken:
        """Return all and forget it; without `messages` those stay, still bounded."""
        with self._lock:
            taken = Taken(
                list(self._messages) if messages else [],
                self._events,
                list(self._links.values()),
                self._dropped,
                self._look_anew,
            )
            if messages:
                self._messages.clear()
                self._bytes = 0
            self._events = []
            self._links = {}
            self._dropped = 0
            self._look_anew = False
        return taken
