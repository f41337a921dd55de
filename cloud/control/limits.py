"""What a client may cost: refuses bodies that are too large or come too slowly."""

import asyncio

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cloud.control.problems import Problem, respond

BODY_BYTES = 4 * 1024 * 1024
BODY_SECONDS = 30.0


class Limits:
    """ASGI middleware."""

    def __init__(
        self, app: ASGIApp, body_bytes: int = BODY_BYTES, body_seconds: float = BODY_SECONDS
    ) -> None:
        self._app = app
        self._bytes = body_bytes
        self._seconds = body_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the whole body first, so that a route never waits for a slow client."""
        if scope["type"] != "http" or scope["method"] in {"GET", "HEAD", "OPTIONS"}:
            await self._app(scope, receive, send)
            return
        try:
            body = await asyncio.wait_for(self._read(scope, receive), self._seconds)
        except TimeoutError:
            problem = Problem(
                408, "too-slow", f"the body did not come within {self._seconds:.0f} s",
                "send it again", headers={"Connection": "close"},
            )  # fmt: skip
            await respond(Request(scope), problem)(scope, receive, send)
            return
        except Problem as problem:
            await respond(Request(scope), problem)(scope, receive, send)
            return
        if body is None:
            return  # the client has gone
        given = False

        async def whole() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope, whole, send)

    async def _read(self, scope: Scope, receive: Receive) -> bytes | None:
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if announced.isdigit() and int(announced) > self._bytes:
            raise self._too_large()
        parts, size = [], 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            part = message.get("body", b"")
            size += len(part)
            if size > self._bytes:
                raise self._too_large()
            parts.append(part)
            if not message.get("more_body", False):
                return b"".join(parts)

    def _too_large(self) -> Problem:
        return Problem(
            413,
            "too-large",
            f"a body holds at most {self._bytes // 1024} KiB",
            "send less at a time",
            headers={"Connection": "close"},
        )
