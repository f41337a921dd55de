"""What a message says, by mail and by webhook. Pure."""

import hashlib
import hmac
from collections.abc import Sequence
from typing import Any

import msgspec

NAMED = 5
"""So many alerts a message names; a notice of PostgreSQL has room for no more long names."""


class Alert(msgspec.Struct, frozen=True):
    """One of those that a message tells of."""

    device: str
    channel: str
    site: str | None
    value: float | None
    worst: float | None = None
    began: str | None = None
    ended: str | None = None


class Message(msgspec.Struct, frozen=True):
    """One message; `id` is the same when it is sent again, `more` counts those held back before.

    It tells of `count` alerts of one rule, and names the first of them; what is said of one is that
    of the first. Times are RFC 3339, as PostgreSQL writes them into JSON; null where there is none.
    """

    id: str
    what: str
    rule: str
    severity: str
    device: str
    channel: str
    site: str | None
    value: float | None
    worst: float | None = None
    began: str | None = None
    ended: str | None = None
    more: int = 0
    count: int = 1
    alerts: list[Alert] = []


def of(number: int, what: str, said: Sequence[dict[str, Any]], more: int) -> Message:
    """Make the message of rows of control.notification, all of the same rule."""
    made = {
        "id": f"fieldline-{number}",
        "what": what,
        "more": more,
        "count": len(said),
        "alerts": said[:NAMED],
    }
    return msgspec.convert({**said[0], **made}, Message)


def test(target: str) -> Message:
    """Make what the test button sends."""
    return Message("fieldline-test", "test", f"a test of {target}", "info", "-", "-", None, None)


def subject(message: Message) -> str:
    """Return one line that says it all; nothing in it can break a line."""
    if message.what == "test":
        line = f"[Fieldline] {message.rule}"
    else:
        value = "" if message.value is None else f" ({message.value:g})"
        first = f"{message.device} {message.channel}"
        line = f"[{message.severity}] {message.rule}: " + (
            f"{first} {message.what}{value}"
            if message.count == 1
            else f"{message.count:,} {message.what}, {first} and others"
        )
    return "".join(letter if letter.isprintable() else " " for letter in line)[:200]


def text(message: Message) -> str:
    """Return the body of a mail."""
    if message.what == "test":
        return "This is a test from Fieldline. Alerts reach you here.\n"
    head = {"rule": message.rule, "severity": message.severity}
    if message.count == 1:
        lines = _rows({**head, **_about(message)})
    else:
        lines = _rows({**head, message.what: f"{message.count:,}, the first of them:"})
        for alert in message.alerts:
            lines += ["", *_rows(_about(alert))]
        if message.count > len(message.alerts):
            lines += ["", f"and {message.count - len(message.alerts):,} others"]
    if message.more:
        lines += ["", f"{message.more} more were not sent: there were too many within an hour."]
    return "\n".join(lines) + "\n"


def _about(alert: Alert | Message) -> dict[str, object]:
    return {
        "device": alert.device + (f" ({alert.site})" if alert.site else ""),
        "channel": alert.channel,
        "value": alert.value,
        "worst": alert.worst,
        "began": alert.began,
        "ended": alert.ended,
    }


def _rows(said: dict[str, object]) -> list[str]:
    return [f"{name:<9} {value}" for name, value in said.items() if value is not None]


def body(message: Message) -> bytes:
    """Return the body of a webhook's POST."""
    return msgspec.json.encode(message)


def signature(content: bytes, secret: str) -> str:
    """Return the header by which a receiver knows that we sent it."""
    return "sha256=" + hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()
