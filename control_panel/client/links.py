"""The links by which a server is met: `fieldline:pair?…` and `fieldline:invite?…`."""

import re
from urllib.parse import parse_qs, urlsplit

import msgspec

from control_panel.client.errors import LinkRefused

_ACTS = {"pair", "invite"}
_FINGERPRINT = re.compile(r"[0-9a-f]{64}")
_LONGEST = 4000
_DRAW = "On the server `fieldline pair NAME` prints one; an administrator's invitation is one, too"


class Link(msgspec.Struct, frozen=True):
    """Where a server is, the SHA-256 of its CA (64 hexadecimal digits), and a one-time code."""

    act: str
    """`pair`: the code logs in; `invite`: it lets one choose a password."""
    url: str
    ca: str
    code: str


def read(text: str) -> Link:
    """Read a link out of what somebody pasted, or out of a file. Raises LinkRefused."""
    if len(text) > _LONGEST:
        raise LinkRefused("this is too long for a link", _DRAW)
    found = re.search(r"fieldline:[^\s'\"<>]+", text)
    if not found:
        raise LinkRefused("there is no link in it: one begins with fieldline:", _DRAW)
    parts = urlsplit(found[0])
    if parts.path == "enrol":
        raise LinkRefused(
            "this link is for a device, not for the panel",
            "Use it on the device: fieldline-agent enrol. " + _DRAW,
        )
    given = {key: values[0] for key, values in parse_qs(parts.query).items()}
    missing = [name for name in ("url", "ca", "code") if not given.get(name)]
    if parts.path not in _ACTS or missing:
        what = f"it lacks {', '.join(missing)}" if parts.path in _ACTS else "it is of another kind"
        raise LinkRefused(f"the link is not whole: {what}", "Copy all of it. " + _DRAW)
    return Link(
        parts.path, checked_url(given["url"]), checked_fingerprint(given["ca"]), given["code"]
    )


def checked_url(text: str) -> str:
    """Return the address of an API in its plain form. Raises LinkRefused."""
    text = text.strip()
    parts = urlsplit(text if "://" in text else f"https://{text}")
    try:
        port = parts.port
    except ValueError:
        port = -1
    if parts.scheme != "https" or not parts.hostname or port == -1:
        raise LinkRefused(
            f"{text[:80]!r} is no address of a server", "It is like https://server:8443"
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"https://{host}:{port or 443}"


def checked_fingerprint(text: str) -> str:
    """Return a SHA-256 fingerprint as 64 small hexadecimal digits. Raises LinkRefused."""
    plain = re.sub(r"[:\s]", "", text).lower()
    if not _FINGERPRINT.fullmatch(plain):
        raise LinkRefused(
            "the CA's fingerprint is not whole: it has 64 hexadecimal digits",
            "`fieldline ca show` on the server prints it",
        )
    return plain
