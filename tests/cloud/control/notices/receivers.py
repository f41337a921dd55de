"""A real mail server and a real web server that take notifications, and fail as told."""

from __future__ import annotations

import http.server
import json
import logging
import socket
import ssl
import threading
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from cloud.stack import tls


def _free_port() -> int:
    # The controller looks whether it listens, at the port that it was told.
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Mail:
    """An SMTP server with STARTTLS that lets one person in."""

    def __init__(self, folder: Path) -> None:
        # To it a client that does not believe its certificate is an error.
        logging.getLogger("mail.log").setLevel(logging.CRITICAL)
        made = tls.ensure(folder)
        self.ca = made.ca.read_text()
        self.taken: list[Any] = []
        self.refuses = 0
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(made.certificate, made.key)

        def log_in(_s: SMTP, _e: Any, _x: Any, _m: str, data: Any) -> AuthResult:
            good = isinstance(data, LoginPassword) and data.password == b"open sesame"
            return AuthResult(success=good, handled=False)

        self._controller = Controller(
            self, hostname="127.0.0.1", port=_free_port(), tls_context=context,
            require_starttls=True, authenticator=log_in, auth_required=True,
        )  # fmt: skip

    async def handle_DATA(self, _s: Any, _e: Any, envelope: Any) -> str:  # noqa: N802 -- aiosmtpd's name
        """Take a mail, or refuse it for now."""
        if self.refuses:
            self.refuses -= 1
            return "451 come again later"
        self.taken.append(envelope)
        return "250 taken"

    def start(self) -> None:
        self._controller.start()

    def stop(self) -> None:
        self._controller.stop(no_assert=True)

    @property
    def port(self) -> int:
        return int(self._controller.port)


class Web:
    """An HTTP server that keeps what is posted; `answers` are the next statuses, then 204."""

    def __init__(self) -> None:
        self.taken: list[tuple[dict[str, str], dict[str, Any]]] = []
        self.raw: list[bytes] = []
        self.answers: list[int] = []
        web = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                content = self.rfile.read(int(self.headers["Content-Length"]))
                status = web.answers.pop(0) if web.answers else 204
                if status < 300:
                    web.raw.append(content)
                    web.taken.append((dict(self.headers), json.loads(content)))
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("Location", "/elsewhere")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/hook?to=us"
