"""Sends one message. Each call blocks, ten seconds a step at most; called in a thread.

What few need is imported where it is used: mail alone costs 2 MB.
"""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from cloud.control.errors import ControlError
from cloud.control.notices.message import Message, body, signature, subject, text
from cloud.tls import client_context

if TYPE_CHECKING:
    from http.client import HTTPConnection

_PATIENCE_S = 10.0
_LONGEST_S = 30.0


class NotSent(ControlError):
    """It was not taken; the message says why."""


def send(kind: str, settings: dict[str, Any], secret: str, message: Message) -> str:
    """Send it; return what the other side said. Raises NotSent."""
    return (_mail if kind == "email" else _post)(settings, secret, message)


def _mail(settings: dict[str, Any], secret: str, message: Message) -> str:
    import smtplib
    from email.message import EmailMessage

    mail = EmailMessage()
    mail["Subject"] = subject(message)
    mail["From"] = settings["sender"]
    mail["To"] = ", ".join(settings["to"])
    mail["Message-ID"] = f"<{message.id}@{settings['sender'].rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(text(message))
    host, port = settings["host"], settings["port"]
    context = client_context(cadata=settings.get("ca", ""))
    try:
        server: smtplib.SMTP
        if settings["security"] == "tls":
            server = smtplib.SMTP_SSL(host, port, timeout=_PATIENCE_S, context=context)
        else:
            server = smtplib.SMTP(host, port, timeout=_PATIENCE_S)
        with server:
            if settings["security"] == "starttls":
                server.starttls(context=context)
            if settings["username"]:
                server.login(settings["username"], secret)
            refused = server.send_message(mail)
    except ssl.SSLCertVerificationError as error:
        raise NotSent(f"{host}'s certificate is not believed: {error.verify_message}") from None
    except smtplib.SMTPAuthenticationError as error:
        raise NotSent(f"{host} refuses the login: {_said(error.smtp_error)}") from None
    except smtplib.SMTPResponseException as error:
        raise NotSent(f"{host} says {error.smtp_code} {_said(error.smtp_error)}") from None
    except (OSError, smtplib.SMTPException) as error:
        raise NotSent(f"{host}:{port} cannot be spoken to: {error}") from None
    if refused:
        raise NotSent(f"{host} took it, but not for {', '.join(sorted(refused))}")
    return f"{host} took it for {', '.join(settings['to'])}"


def _said(words: bytes | str) -> str:
    text_ = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    return " ".join(text_.split())[:200]


def _post(settings: dict[str, Any], secret: str, message: Message) -> str:
    import http.client
    from urllib.parse import urlsplit

    content = body(message)
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Fieldline",
        "Idempotency-Key": message.id,
    }
    if secret:
        headers["X-Fieldline-Signature"] = signature(content, secret)
    try:
        parts = urlsplit(settings["url"])
        host = parts.hostname or ""
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection: http.client.HTTPConnection
        if parts.scheme == "https":
            connection = http.client.HTTPSConnection(
                host,
                parts.port,
                timeout=_PATIENCE_S,
                context=client_context(cadata=settings.get("ca", "")),
            )
        else:
            connection = http.client.HTTPConnection(host, parts.port, timeout=_PATIENCE_S)
        try:
            with _cut_off(connection):
                connection.request("POST", path, content, headers)
                answer = connection.getresponse()
        finally:
            connection.close()
    except ssl.SSLCertVerificationError as error:
        raise NotSent(f"{host}'s certificate is not believed: {error.verify_message}") from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise NotSent(f"{settings['url']} cannot be reached: {error}") from None
    if 300 <= answer.status < 400:
        raise NotSent(f"{host} points elsewhere ({answer.status}), which is not followed")
    if answer.status >= 400:
        raise NotSent(f"{host} says {answer.status} {answer.reason[:100]}")
    return f"{host} says {answer.status} {answer.reason[:100]}"


@contextmanager
def _cut_off(connection: "HTTPConnection") -> Iterator[None]:
    """End what takes too long in all, as when each byte of an answer comes just in time.

    Raises TimeoutError: an answer of which a part is missing is none.
    """
    is_cut = threading.Event()

    def cut() -> None:
        is_cut.set()
        if connection.sock is not None:
            with suppress(OSError):
                connection.sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(_LONGEST_S, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    except Exception:  # the other side may have noticed before we did
        if not is_cut.is_set():
            raise
    finally:
        timer.cancel()
    if is_cut.is_set():
        raise TimeoutError(f"no whole answer within {_LONGEST_S:g} s")
