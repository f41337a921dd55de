"""The control API, as a device that is not known yet sees it."""

import base64
import errno
import hashlib
import http.client
import json
import re
import socket
import ssl
import time
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import msgspec

from edge_agent.enrolment.errors import EnrolmentFailed
from edge_agent.tls import client_context

TIMEOUT_S = 20.0
MOST = 1_000_000
DRAW = "`fieldline device enrol NAME` on the server"
_NOT_YET_VALID, _EXPIRED = 9, 10  # openssl-verification-options(1)
_WRONG_NAMES = {62, 64}
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----\s+([A-Za-z0-9+/=\s]+?)-----END CERTIFICATE-----")


class Code(NamedTuple):
    """Where to enrol, the CA's SHA-256 (64 hexadecimal digits), and the one-time token."""

    url: str
    ca: str
    token: str


class Enrolled(msgspec.Struct, frozen=True):
    """What the API answers: who this device is, and by what it is known; PEM both."""

    device: str
    certificate: str
    ca: str
    host: str
    port: int


def code_of(text: str) -> Code:
    """Read the text of a pairing code; raises EnrolmentFailed."""
    parts = urlsplit(text.strip())
    given = {key: values[0] for key, values in parse_qs(parts.query).items()}
    if (parts.scheme, parts.path) != ("fieldline", "enrol") or set(given) != set(Code._fields):
        raise EnrolmentFailed(
            "the text is no enrolment code",
            "It begins with fieldline:enrol? and names url, ca and token; quote it in a shell",
        )
    return checked(Code(**given))


def checked(code: Code) -> Code:
    """Return the code in its plain form; raises EnrolmentFailed."""
    parts = urlsplit(code.url)
    if parts.scheme != "https" or not parts.hostname:
        raise EnrolmentFailed(
            f"{code.url!r} is no address of the API", "It is like https://server:8443"
        )
    ca = code.ca.replace(":", "").lower()
    if not re.fullmatch(r"[0-9a-f]{64}", ca):
        raise EnrolmentFailed(
            f"{code.ca!r} is no SHA-256 fingerprint",
            f"It is 64 hexadecimal digits; {DRAW} shows it",
        )
    if not code.token:
        raise EnrolmentFailed("the token is empty", f"Draw one: {DRAW} shows it")
    return Code(code.url.rstrip("/"), ca, code.token)


def fetch_ca(url: str, fingerprint: str) -> str:
    """Return the CA's certificate with that fingerprint, PEM; nothing else is believed yet.

    It comes over a connection that is not verified: its fingerprint is what is trusted.
    Raises EnrolmentFailed.
    """
    blind = client_context()
    blind.check_hostname = False
    blind.verify_mode = ssl.CERT_NONE
    status, body = _ask(url, "GET", "/v1/enrolment/ca", blind, None)
    found = []
    for match in _PEM.finditer(body.decode("ascii", "replace")):
        der = base64.b64decode(match[1])
        found.append(hashlib.sha256(der).hexdigest())
        if found[-1] == fingerprint:
            return match[0] + "\n"
    if not found:
        raise EnrolmentFailed(
            f"{url} did not send the certificate of a CA (HTTP {status})", "Check the URL"
        )
    raise EnrolmentFailed(
        f"{url} has another CA than it should: {found[0]}, not {fingerprint}",
        "Somebody may be in between; nothing was sent. Check the network and the code",
    )


def enrol(url: str, ca: str, token: str, request: str) -> Enrolled:
    """Trade the token for a certificate; raises EnrolmentFailed."""
    try:
        trusted = client_context(cadata=ca)
    except ssl.SSLError as error:
        raise EnrolmentFailed(f"the CA's certificate is unusable ({error})", "Report it") from None
    body = json.dumps({"token": token, "request": request}).encode()
    status, answer = _ask(url, "POST", "/v1/enrolment", trusted, body)
    if status not in {200, 201}:
        raise _refusal(url, status, answer)
    try:
        return msgspec.json.decode(answer, type=Enrolled)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise EnrolmentFailed(
            f"{url} answered something else than a certificate ({error})",
            "Are the agent and the server of the same version?",
        ) from None


def _ask(
    url: str, method: str, path: str, context: ssl.SSLContext, body: bytes | None
) -> tuple[int, bytes]:
    parts = urlsplit(url)
    connection = http.client.HTTPSConnection(
        parts.hostname or "", parts.port or 443, timeout=TIMEOUT_S, context=context
    )
    try:
        headers = {"Content-Type": "application/json"} if body else {}
        connection.request(method, parts.path + path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read(MOST)
    except ssl.SSLCertVerificationError as error:
        raise _untrusted(url, error) from None
    except (OSError, http.client.HTTPException) as error:
        raise _unreachable(url, parts.hostname or "", error) from None
    finally:
        connection.close()


def _untrusted(url: str, error: ssl.SSLCertVerificationError) -> EnrolmentFailed:
    if error.verify_code in {_NOT_YET_VALID, _EXPIRED}:
        here = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
        when = "not valid yet" if error.verify_code == _NOT_YET_VALID else "not valid any more"
        return EnrolmentFailed(
            f"the certificate of {url} is {when} at {here}, which is what the clock here says",
            "If that is not the time, set it (`timedatectl set-ntp true`, or `date -s`) and run"
            " this again; nothing was sent",
        )
    if error.verify_code in _WRONG_NAMES:
        return EnrolmentFailed(
            f"the certificate of {url} does not bear that name ({error.verify_message})",
            "Use a name that it bears, or give it this one: `names` in [mqtt] of the server's"
            " fieldline.toml",
        )
    return EnrolmentFailed(
        f"{url} has a certificate that is not to be trusted ({error.verify_message})",
        f"Somebody may be in between; the token was not sent. Draw a new code: {DRAW}",
    )


def _unreachable(url: str, host: str, error: Exception) -> EnrolmentFailed:
    why = getattr(error, "strerror", None) or str(error) or type(error).__name__
    advice = "Check the URL and the network, and that the server is up (`fieldline status` there)"
    if isinstance(error, socket.gaierror):
        advice = f"Is the network up here, and does it know the name {host}? `getent hosts {host}`"
    elif isinstance(error, ConnectionRefusedError) and _is_here(host):
        advice = (
            f"{host} is this device itself. Say in the server's fieldline.toml that it listens to"
            f" others (`bind` in [mqtt]), then draw a new code: {DRAW}"
        )
    elif isinstance(error, ConnectionRefusedError):
        advice = "Nothing listens at that port: is the server up (`fieldline status` there)?"
    elif isinstance(error, TimeoutError):
        advice = "Is the address right, and does a firewall in between let that port pass?"
    elif isinstance(error, ssl.SSLError | http.client.HTTPException):
        why, advice = f"no HTTPS there: {why}", "Check the port in the URL: it is the API's"
    elif isinstance(error, OSError) and error.errno in {errno.ENETUNREACH, errno.EHOSTUNREACH}:
        advice = "Is this device in the network? `ip route` names a way to the server if it is"
    return EnrolmentFailed(f"{url} cannot be reached ({why})", advice)


def _is_here(host: str) -> bool:
    return host == "localhost" or host.startswith("127.") or host == "::1"


def _refusal(url: str, status: int, answer: bytes) -> EnrolmentFailed:
    """Tell an RFC 9457 problem on as it is."""
    try:
        problem: Any = json.loads(answer)
        detail, fix = str(problem["detail"]), str(problem.get("fix", ""))
    except (ValueError, KeyError, TypeError):
        detail, fix = f"HTTP {status}", "see the log of the API"
    return EnrolmentFailed(f"{url} refuses: {detail}", fix[:1].upper() + fix[1:])
