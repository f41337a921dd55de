"""What the other side may do to a message, and what a message may do to it."""

from __future__ import annotations

import email
import socket
import threading
import time
from collections.abc import Iterator
from email.policy import default
from pathlib import Path

import pytest

from cloud.control.notices import senders
from cloud.control.notices.message import Message
from tests.cloud.control.notices.receivers import Mail

MESSAGE = Message("fieldline-7", "firing", "gas", "critical", "kiln-1", "gas/co", None, 86.8)


class Slow:
    """Takes connections; says nothing, or a header without end, a letter at a time."""

    def __init__(self, *, drips: bool) -> None:
        self._drips = drips
        self._ended = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        self.port: int = self._socket.getsockname()[1]

    def _serve(self) -> None:
        with self._socket:
            taken, _ = self._socket.accept()
            with taken:
                taken.recv(65_536)
                try:
                    if self._drips:
                        taken.sendall(b"HTTP/1.1 204 No Content\r\nX-Drip: ")
                    while not self._ended.wait(0.05):
                        if self._drips:
                            taken.sendall(b".")
                except OSError:
                    return

    def close(self) -> None:
        self._ended.set()
        self._thread.join(10)


@pytest.fixture(params=["silent", "drips"])
def slow(request: pytest.FixtureRequest) -> Iterator[Slow]:
    made = Slow(drips=request.param == "drips")
    yield made
    made.close()


def test_who_answers_nothing_or_without_end_is_left(
    slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(senders, "_PATIENCE_S", 0.5)
    monkeypatch.setattr(senders, "_LONGEST_S", 1.0)
    began = time.monotonic()
    with pytest.raises(
        senders.NotSent, match=r"cannot be reached: (timed out|no whole answer within 1 s)"
    ):
        senders.send("webhook", {"url": f"http://127.0.0.1:{slow.port}/"}, "", MESSAGE)
    assert time.monotonic() - began < 5


def test_a_mail_server_that_says_nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(senders, "_PATIENCE_S", 0.5)
    settings = {"host": "127.0.0.1", "security": "none", "username": "",
                "sender": "a@example.org", "to": ["b@example.org"]}  # fmt: skip
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings["port"] = silent.getsockname()[1]
        with pytest.raises(senders.NotSent, match=r"cannot be spoken to: .*timed out"):
            senders.send("email", settings, "", MESSAGE)


def test_a_line_break_in_a_name_makes_no_header(tmp_path: Path) -> None:
    server = Mail(tmp_path / "tls")
    server.start()
    try:
        evil = Message(
            "fieldline-8", "firing", "gas\r\nBcc: eve@example.org", "critical", "kiln\n\nbody",
            "co\u2028x", None, 1.0,
        )  # fmt: skip
        senders.send(
            "email",
            {"host": "localhost", "port": server.port, "security": "starttls",
             "username": "fieldline", "sender": "a@example.org", "to": ["b@example.org"],
             "ca": server.ca},
            "open sesame",
            evil,
        )  # fmt: skip
    finally:
        server.stop()
    (taken,) = server.taken
    assert taken.rcpt_tos == ["b@example.org"]
    got = email.message_from_bytes(taken.content, policy=default)
    assert got["Bcc"] is None
    assert got["Subject"] == "[critical] gas  Bcc: eve@example.org: kiln  body co x firing (1)"
