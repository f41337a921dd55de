"""One id a request, in every log line, in the audit and in the answer."""

import contextvars
import logging
import secrets
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = b"x-request-id"
_current: contextvars.ContextVar[str] = contextvars.ContextVar("request_id", default="")

_log = logging.getLogger("cloud.control.access")


class Tracing:
    """ASGI middleware: gives the id, and writes one line a request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take the caller's id if it has a sound form, else draw one."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = dict(scope["headers"]).get(HEADER, b"").decode("ascii", "replace")
        sound = 8 <= len(given) <= 64 and given.replace("-", "").isalnum() and given.isascii()
        identity = given if sound else secrets.token_hex(8)
        scope["request_id"] = identity
        token = _current.set(identity)
        began, status = time.perf_counter(), 0

        async def traced(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", []), (HEADER, identity.encode())]
            await send(message)

        try:
            await self._app(scope, receive, traced)
        finally:
            # Whoever watches the API asks for its health all the time.
            level = (
                logging.DEBUG if scope["path"] == "/v1/health" and status == 200 else logging.INFO
            )
            _log.log(
                level,
                "%s %s %d %.1f ms",
                scope["method"], _clean(scope["path"]), status,
                (time.perf_counter() - began) * 1000,
            )  # fmt: skip
            _current.reset(token)


def current() -> str:
    """Return the id of the request that is at work; empty where there is none."""
    return _current.get()


def _clean(path: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in path)[:200]
