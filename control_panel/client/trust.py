"""Whom to believe: the server's private CA, by its fingerprint alone."""

import base64
import hashlib
import re
import ssl
from contextlib import closing

from control_panel.client.connections import Asked, Connections, Request
from control_panel.client.errors import NotTrusted

_PATH = "/v1/enrolment/ca"
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----\s+([A-Za-z0-9+/=\s]+?)-----END CERTIFICATE-----")


def fetch(url: str, fingerprint: str, within_s: float = 10) -> str:
    """Return the CA with that fingerprint, PEM. Raises NotReached, NotTrusted.

    It comes over a connection that is not verified; the fingerprint is what is believed.
    """
    blind = ssl.create_default_context()
    blind.check_hostname = False
    blind.verify_mode = ssl.CERT_NONE
    blind.minimum_version = ssl.TLSVersion.TLSv1_2
    with closing(Connections(url, blind)) as connections:
        found = certificates(_asked(connections, within_s))
    if not found:
        raise NotTrusted(f"{url} did not send its CA", "Is this the address of a Fieldline server?")
    if fingerprint not in found:
        raise NotTrusted(
            f"{url} has another CA than the link says: {next(iter(found))[:16]}…, not "
            f"{fingerprint[:16]}…",
            "Somebody may be in between; nothing was sent. Check the network, draw a new link",
        )
    return found[fingerprint]


def renewed(connections: Asked, within_s: float = 10) -> str:
    """Return all CAs that the server trusts now, PEM; asked over a connection that is believed.

    While a CA is rotated there are two. Raises ClientError.
    """
    found = certificates(_asked(connections, within_s))
    if not found:
        raise NotTrusted("the server did not send its CA", "Is it of another version?")
    return "".join(found.values())


def certificates(text: str) -> dict[str, str]:
    """Return the certificates of a PEM text by their SHA-256 fingerprints, in their order."""
    found = {}
    for match in _PEM.finditer(text):
        der = base64.b64decode(match[1])
        found[hashlib.sha256(der).hexdigest()] = match[0] + "\n"
    return found


def _asked(connections: Asked, within_s: float) -> str:
    answer = connections.ask(Request("GET", _PATH), within_s)
    return answer.body.decode("ascii", "replace") if answer.status == 200 else ""
