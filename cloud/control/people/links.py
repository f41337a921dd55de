"""One line of text, or a QR code, that says where the API is, whom to trust, and a code.

`ca` is the SHA-256 of the CA's certificate in hex; `code` works once.
"""

from urllib.parse import urlencode


def invitation(url: str, ca_fingerprint: str, code: str) -> str:
    """Return the link by which somebody sets their password."""
    return "fieldline:invite?" + urlencode({"url": url, "ca": ca_fingerprint, "code": code})


def pairing(url: str, ca_fingerprint: str, code: str) -> str:
    """Return the link by which a panel finds the API and logs in."""
    return "fieldline:pair?" + urlencode({"url": url, "ca": ca_fingerprint, "code": code})
