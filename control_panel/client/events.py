"""Listens to everything that changes at the server, for ever."""

import contextlib
import threading
from collections.abc import Iterator

import msgspec

from control_panel.client.api import Api, route
from control_panel.client.errors import ClientError, NotLoggedIn
from control_panel.client.inbox import Inbox, Link
from control_panel.model.things import Event

LINK = "events"
_SILENCE_S = 45.0  # the API says something every 15 s
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 15.0


class Events:
    """A thread that listens; each time it has been away it says that events were missed."""

    def __init__(self, api: Api, inbox: Inbox) -> None:
        self._api = api
        self._inbox = inbox
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="events", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End without waiting: the thread ends when the API's connections are closed."""
        self._stopped.set()

    def _run(self) -> None:
        pause, number = _FIRST_PAUSE_S, 0
        shut_out = False
        while not self._stopped.is_set():
            try:
                with self._api.lines(route("events"), silence_s=_SILENCE_S) as lines:
                    self._inbox.link(Link(LINK, up=True))
                    self._inbox.missed()
                    number = 0
                    for event in decoded(lines):
                        if self._stopped.is_set():
                            return
                        pause = _FIRST_PAUSE_S
                        if number and event.number != number + 1:
                            self._inbox.missed()
                        number = event.number
                        self._inbox.tell(event)
                said, fix = "the server has ended the connection", "It is tried again by itself"
                shut_out = False
            except ClientError as error:
                said, fix = error.said, error.fix
                shut_out = isinstance(error, NotLoggedIn)
                if shut_out:
                    pause = _LONGEST_PAUSE_S
            if self._stopped.is_set():
                return
            self._inbox.link(Link(LINK, False, said, fix, shut_out))
            self._stopped.wait(pause)
            pause = min(_LONGEST_PAUSE_S, pause * 2)


def decoded(lines: Iterator[bytes]) -> Iterator[Event]:
    """Decode server-sent events (HTML Standard, 9.2.6); what is no event of ours is passed over."""
    kind, data = "", b""
    for line in lines:
        text = line.rstrip(b"\r\n")
        if not text:
            if kind and data:
                with contextlib.suppress(msgspec.MsgspecError, UnicodeDecodeError):
                    told = msgspec.json.decode(data, type=dict[str, object])
                    yield msgspec.convert({**told, "kind": kind}, Event)
            kind, data = "", b""
            continue
        field, _, value = text.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"event":
            kind = value.decode("utf-8", "replace")
        elif field == b"data":
            data = value if not data else data + b"\n" + value
