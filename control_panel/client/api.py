"""Asks the server's API; every question waits for its answer, so it is asked in a worker."""

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from types import MappingProxyType
from typing import Any, BinaryIO, NoReturn, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from control_panel.client.connections import Answer, Asked, Connections, Long, Request, trusting
from control_panel.client.errors import NotLoggedIn, Refused, StrangeAnswer
from control_panel.model.things import Page, ProblemDetails

WITHIN_S = 20.0
_DATABASE_AWAY = "database-away"
_PAGE = 500
_PIECE = 1 << 16
One = str | int | float | datetime
Query = Mapping[str, One | list[str] | tuple[str, ...] | None]
"""What follows the question mark; None is left out, a list is said again and again."""
NOTHING: Query = MappingProxyType({})
Value = TypeVar("Value")


def route(*parts: str | int) -> str:
    """Return the path of a thing, e.g. `route("devices", name, "commands")`; names are quoted."""
    return "/v1/" + "/".join(quote(str(part), safe="") for part in parts)


class Api:
    """One server, as one person; may be used from many threads.

    Every question raises ClientError: NotReached, NotTrusted, TooSlow, NotLoggedIn, Refused,
    StrangeAnswer. Answers are values of `control_panel.model.things`.
    """

    def __init__(
        self, url: str, ca: str, token: str = "", *, connections: Asked | None = None
    ) -> None:
        """`ca` is PEM. Raises NotTrusted if it is unusable. `connections`: who else answers."""
        self.url = url
        self.connections: Asked = connections or Connections(url, trusting(ca))
        self.trouble: Refused | None = None
        """Its database is away, as it said last; None once it has answered again."""
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def get(
        self,
        path: str,
        answer: type[Value],
        query: Query = NOTHING,
        *,
        within_s: float = WITHIN_S,
    ) -> Value:
        """Return what is there."""
        said = self._ask(Request("GET", _with(path, query)), within_s=within_s)
        return _decoded(said, answer)

    def every(self, path: str, item: type[Value], query: Query = NOTHING) -> list[Value]:
        """Return a whole list, page by page."""
        found: list[Value] = []
        cursor: str | None = None
        while True:
            asked = {**query, "limit": _PAGE, "cursor": cursor}
            page = self.get(path, Page[item], asked)  # type: ignore[valid-type]
            found += page.items
            cursor = page.next
            if cursor is None:
                return found

    def text(self, path: str, query: Query = NOTHING) -> str:
        """Return what is there as text, such as CSV."""
        return self._ask(Request("GET", _with(path, query))).decode()

    def save(self, path: str, file: BinaryIO, query: Query = NOTHING) -> int:
        """Write what is there to a file, however long it is; return its bytes."""
        written = 0
        with self._answering(path, query, WITHIN_S) as answer:
            while piece := answer.read(_PIECE):
                written += file.write(piece)
        return written

    @contextmanager
    def lines(
        self, path: str, query: Query = NOTHING, *, silence_s: float
    ) -> Iterator[Iterator[bytes]]:
        """Give the lines of an answer that may never end; a longer silence is TooSlow."""
        with self._answering(path, query, silence_s) as answer:
            yield iter(answer.readline, b"")

    def post(
        self,
        path: str,
        answer: type[Value],
        body: Any = None,
        *,
        query: Query = NOTHING,
        within_s: float = WITHIN_S,
    ) -> Value:
        """Have something made or done; `body` goes as JSON, text as CSV.

        It may be sent twice, and is done once.
        """
        headers = {}
        # A stage is started or stopped as well twice, and also while the database that would keep
        # the answer is what is stopped.
        if not path.startswith(route("pipeline") + "/"):
            headers["Idempotency-Key"] = str(uuid.uuid4())
        request = _sending("POST", _with(path, query), body, headers)
        return _decoded(self._ask(request, within_s=within_s), answer)

    def put(
        self, path: str, answer: type[Value], body: Any = None, *, seen: int | None = None
    ) -> Value:
        """Change what was `seen` at that version; Refused.changed_meanwhile if it is older."""
        return _decoded(self._ask(_sending("PUT", path, body, _seen(seen))), answer)

    def patch(self, path: str, answer: type[Value], body: Any, *, seen: int) -> Value:
        """Change some members of what was `seen` at that version."""
        return _decoded(self._ask(_sending("PATCH", path, body, _seen(seen))), answer)

    def delete(self, path: str, *, seen: int | None = None) -> None:
        """Have something taken away."""
        self._ask(Request("DELETE", path, None, _seen(seen)))

    def close(self) -> None:
        """Close what is idle."""
        self.connections.close()

    def _ask(self, request: Request, *, within_s: float = WITHIN_S) -> bytes:
        whole = request._replace(headers={**self._headers, **request.headers})
        answer = self.connections.ask(whole, within_s)
        if answer.status < 400:
            self.trouble = None
            return answer.body
        try:
            _raise(answer)
        except Refused as error:
            if error.kind == _DATABASE_AWAY:
                self.trouble = error
            raise

    @contextmanager
    def _answering(self, path: str, query: Query, within_s: float) -> Iterator[Long]:
        with self.connections.reading(_with(path, query), self._headers, within_s) as answer:
            if answer.status >= 400:
                _raise(Answer(answer.status, answer.headers, answer.read()))
            yield answer


def _sending(method: str, path: str, body: Any, headers: dict[str, str]) -> Request:
    if body is None:
        return Request(method, path, None, headers)
    if isinstance(body, str):
        return Request(method, path, body.encode(), {**headers, "Content-Type": "text/csv"})
    content = msgspec.json.encode(body)
    return Request(method, path, content, {**headers, "Content-Type": "application/json"})


def _with(path: str, query: Query) -> str:
    pairs = [
        (key, _word(one))
        for key, value in query.items()
        if value is not None
        for one in (value if isinstance(value, list | tuple) else [value])
    ]
    return f"{path}?{urlencode(pairs)}" if pairs else path


def _word(value: One) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _seen(version: int | None) -> dict[str, str]:
    return {} if version is None else {"If-Match": f'"{version}"'}


def _decoded(said: bytes, answer: type[Value]) -> Value:
    try:
        return msgspec.json.decode(said, type=answer)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise StrangeAnswer(
            f"the server's answer is not understood ({error})",
            "Are server and panel of the same version? Update the older one",
        ) from None


def _raise(answer: Answer) -> NoReturn:
    request = answer.headers.get("X-Request-Id", "")
    try:
        problem = msgspec.json.decode(answer.body, type=ProblemDetails)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise StrangeAnswer(
            f"the server refuses without words of its own (HTTP {answer.status})",
            "Is something between panel and server, such as a proxy?",
        ) from None
    if answer.status == 401:
        raise NotLoggedIn(problem.detail, problem.fix)
    kind = problem.type.rpartition(":")[2]
    raise Refused(answer.status, kind, problem.detail, problem.fix, request)
