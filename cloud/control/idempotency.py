"""`Idempotency-Key`: what was done is not done twice, and its answer is given again.

Holds for every POST of somebody who is logged in, by itself (draft-ietf-httpapi-idempotency-key-
header): a client that lost the answer sends the same request with the same key. Only successes are
kept, for a day; what was refused has changed nothing and may be tried again.

An answer may hold a secret, so it is kept encrypted with a key that only the header gives: the
header itself is not kept, not even as a plain hash. What is under way is known in memory: the API
is one process. Should it end between the act and the keeping of its answer, a repetition is done
anew, and then refused with 409 where a name is taken.
"""

import hmac
import logging
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from fastapi import Request, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cloud.control import access, problems
from cloud.control.database import Pool, connected
from cloud.control.problems import Problem

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
KEPT_FOR = timedelta(hours=24)
SHORTEST, LONGEST = 16, 255
_NONCE_BYTES = 12
# Of an answer's headers, those that belong to it and not to its way here.
_KEPT_HEADERS = frozenset({"content-type", "cache-control", "etag", "location"})

_FIND = "SELECT request, answer FROM control.idempotency WHERE name = %s AND kept > now() - %s"
_FORGET = "DELETE FROM control.idempotency WHERE kept <= now() - %s"
_KEEP = "INSERT INTO control.idempotency (name, request, answer) VALUES (%s, %s, %s)"

_log = logging.getLogger(__name__)


class Answer(msgspec.Struct, frozen=True, array_like=True):
    """What was answered."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


@dataclass(frozen=True)
class Sealed:
    """What a key and a person make of a request: its name, its print, and the answer's seal."""

    name: bytes
    request: bytes
    seal: bytes

    @classmethod
    def of(cls, key: str, person: str, request: tuple[str, str, str, str, bytes]) -> "Sealed":
        """Derive all three by HMAC-SHA256 with the key."""

        def derived(purpose: str, *said: object) -> bytes:
            return hmac.digest(key.encode(), msgspec.msgpack.encode((purpose, *said)), "sha256")

        return cls(derived("name", person), derived("request", request), derived("seal", person))

    def close(self, answer: Answer) -> bytes:
        """Encrypt an answer (AES-256-GCM, the nonce before it)."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + AESGCM(self.seal).encrypt(nonce, msgspec.msgpack.encode(answer), self.name)

    def open(self, sealed: bytes) -> Answer:
        """Decrypt it. Raises InvalidTag if it is damaged."""
        text = AESGCM(self.seal).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], self.name)
        return msgspec.msgpack.decode(text, type=Answer)


class Idempotency:
    """ASGI middleware; stands behind `Limits`, so a body is whole and of bounded size."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._under_way: dict[bytes, bytes] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer again, or let the request through and keep its answer."""
        given = _given(scope)
        if given is None:
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            person = (await access.who_asks(request)).user
            key = _checked(given)
        except Problem as problem:
            if problem.status == 401:
                await self._app(scope, receive, send)  # it says so itself, or needs no login
                return
            await problems.respond(request, problem)(scope, receive, send)
            return
        body = await request.body()
        sealed = Sealed.of(
            key, person,
            (request.method, request.url.path, request.url.query,
             request.headers.get("content-type", ""), body),
        )  # fmt: skip
        response = await self._answer(request, sealed, body)
        await response(scope, receive, send)

    async def _answer(self, request: Request, sealed: Sealed, body: bytes) -> Response:
        if (there := self._under_way.get(sealed.name)) is not None:
            busy = Problem(
                409, "under-way", "the request with this key is still being done",
                "send it again in a moment", headers={"Retry-After": "1"},
            )  # fmt: skip
            return problems.respond(request, busy if there == sealed.request else _other())
        self._under_way[sealed.name] = sealed.request
        try:
            pool: Pool = request.app.state.services.pool
            try:
                if (known := await _find(pool, sealed)) is not None:
                    return _again(known)
            except Problem as problem:
                return problems.respond(request, problem)
            answer = await self._do(request.scope, body)
            if 200 <= answer.status_code < 300:
                await _keep(pool, sealed, answer)
            return answer
        finally:
            del self._under_way[sealed.name]

    async def _do(self, scope: Scope, body: bytes) -> Response:
        """Have the request done, and hold its answer back until it is kept."""
        answer, given = Response(), False
        parts: list[bytes] = []

        async def receive() -> Message:
            nonlocal given
            if given:
                return {"type": "http.disconnect"}
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer.status_code, answer.raw_headers = message["status"], message["headers"]
            else:
                parts.append(message.get("body", b""))

        await self._app(scope, receive, send)
        answer.body = b"".join(parts)
        return answer


def describe(page: dict[str, Any]) -> dict[str, Any]:
    """Add the header to every POST of an OpenAPI page that needs a login; return the page."""
    parameter = {
        "name": HEADER,
        "in": "header",
        "required": False,
        "description": "drawn by the client (a UUID): the same request sent again with it is not "
        "done again, and answered as before, for 24 hours",
        "schema": {
            "type": "string", "format": "uuid", "minLength": SHORTEST, "maxLength": LONGEST,
        },
    }  # fmt: skip
    for operations in page["paths"].values():
        operation = operations.get("post")
        if operation is not None and operation.get("security"):
            operation.setdefault("parameters", []).append(parameter)
            for status, answered in problems.answers(409, 422, 503).items():
                operation["responses"].setdefault(str(status), answered)
    return page


def _given(scope: Scope) -> str | None:
    if scope["type"] != "http" or scope["method"] != "POST":
        return None
    found = dict(scope["headers"]).get(HEADER.lower().encode())
    return None if found is None else str(found.decode("latin-1"))


def _checked(given: str) -> str:
    key = given.strip().strip('"')  # the draft has it as a string of structured fields
    if not (SHORTEST <= len(key) <= LONGEST and key.isascii() and key.isprintable()):
        raise Problem(
            422, "bad-idempotency-key",
            f"{HEADER} must be {SHORTEST} to {LONGEST} printable characters",
            "draw a UUID for each thing that is to be done once",
        )  # fmt: skip
    return key


async def _find(pool: Pool, sealed: Sealed) -> Answer | None:
    async with connected(pool) as connection:
        found = await connection.execute(_FIND, (sealed.name, KEPT_FOR))
        row = await found.fetchone()
    if row is None:
        return None
    if not hmac.compare_digest(bytes(row["request"]), sealed.request):
        raise _other()
    try:
        return sealed.open(bytes(row["answer"]))
    except (InvalidTag, msgspec.MsgspecError):
        raise Problem(
            409, "answer-lost", "this was done, and what was answered is damaged",
            "look whether it is there; for something else, use another key",
        ) from None  # fmt: skip


async def _keep(pool: Pool, sealed: Sealed, response: Response) -> None:
    headers = [(k, v) for k, v in response.headers.items() if k.lower() in _KEPT_HEADERS]
    answer = Answer(response.status_code, headers, bytes(response.body))
    try:
        async with connected(pool) as connection:
            await connection.execute(_FORGET, (KEPT_FOR,))
            await connection.execute(_KEEP, (sealed.name, sealed.request, sealed.close(answer)))
    except Problem as problem:  # it was done, and that is what is answered
        _log.warning("an answer is not kept for a repetition: %s", problem.detail)


def _again(answer: Answer) -> Response:
    headers = {**dict(answer.headers), REPLAYED: "true"}
    # 204 has no length.
    return Response(answer.body if answer.status != 204 else None, answer.status, headers)


def _other() -> Problem:
    return Problem(
        422, "key-used-otherwise", "this key was used for another request",
        "draw a new key for each thing that is to be done once",
    )  # fmt: skip
