"""What a browser is told with every answer: to show none of it as a page, and to keep none.

No Strict-Transport-Security: it holds for a whole host, and Grafana there may speak HTTP.
No CORS headers: no page of another origin may read an answer.
"""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
)
_STORED = b"cache-control"


class Browsers:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add the headers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", []))
                if not any(name.lower() == _STORED for name, _ in headers):
                    headers.append((_STORED, b"no-store"))
                message["headers"] = [*headers, *_ALWAYS]
            await send(message)

        await self._app(scope, receive, told)
