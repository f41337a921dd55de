"""What the API is asked, answered from the recording; nothing is sent anywhere."""

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from io import BytesIO
from urllib.parse import parse_qs, urlsplit

import msgspec

from control_panel.client.clock import Clock
from control_panel.client.connections import Answer, Long, Request
from control_panel.client.demo.answers import Answers, Declined

_SAYS_S = 15.0
"""So often a stream of events says that it is there."""
_EVENTS = "/v1/events"
_NEWS = b'event: device\ndata: {"subject": "", "what": "seen"}\n\n'


class RecordedServer:
    """Stands where connections to a server stand; may be used from many threads."""

    def __init__(self, answers: Answers, clock: Clock) -> None:
        self.clock = clock
        self._answers = answers
        self._closed = threading.Event()

    def ask(self, request: Request, within_s: float) -> Answer:
        """Return the recorded answer, or why there is none; needs no time."""
        del within_s
        asked = urlsplit(request.path)
        query = parse_qs(asked.query, keep_blank_values=True)
        is_json = request.headers.get("Content-Type") == "application/json"
        body = msgspec.json.decode(request.body) if request.body and is_json else request.body
        try:
            said = self._answers.answer(request.method, asked.path, query, body)
        except Declined as declined:
            return Answer(declined.status, self._headers(), msgspec.json.encode(declined.problem()))
        content = said.encode() if isinstance(said, str) else msgspec.json.encode(said)
        return Answer(200, self._headers(), content)

    @contextmanager
    def reading(self, path: str, headers: dict[str, str], within_s: float) -> Iterator[Long]:
        """Give events until it is closed, or an answer that is there already."""
        del headers
        if urlsplit(path).path == _EVENTS:
            yield _Events(self._headers(), self._closed)
        else:
            answer = self.ask(Request("GET", path), within_s)
            yield _There(answer)

    def trust(self, ca: str) -> None:
        """There is nobody to trust."""

    def close(self) -> None:
        """End the events."""
        self._closed.set()

    def _headers(self) -> http.client.HTTPMessage:
        headers = http.client.HTTPMessage()
        headers["Date"] = formatdate(self.clock.now_utc() / 1e6, usegmt=True)
        return headers


class _There:
    def __init__(self, answer: Answer) -> None:
        self.status, self.headers = answer.status, answer.headers
        self._body = BytesIO(answer.body)

    def read(self, amount: int = -1, /) -> bytes:
        return self._body.read(amount)

    def readline(self) -> bytes:
        return self._body.readline()


class _Events:
    """Says now and then that devices were seen, so that what is shown of them is asked anew."""

    status = 200

    def __init__(self, headers: http.client.HTTPMessage, closed: threading.Event) -> None:
        self.headers = headers
        self._closed = closed
        self._lines: list[bytes] = []

    def read(self, amount: int = -1, /) -> bytes:
        del amount
        return self.readline()

    def readline(self) -> bytes:
        if not self._lines:
            if self._closed.wait(_SAYS_S):
                return b""
            self._lines = _NEWS.splitlines(keepends=True)
        return self._lines.pop(0)
