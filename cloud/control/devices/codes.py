"""The text by which a device is brought to enrol, and its QR code."""

import io
from urllib.parse import urlencode

import segno


def enrolment_text(url: str, ca_fingerprint: str, token: str) -> str:
    """Return what the QR code says: where, whom to trust (SHA-256, hex), and the one-time token."""
    return "fieldline:enrol?" + urlencode({"url": url, "ca": ca_fingerprint, "token": token})


def svg(text: str) -> str:
    """Draw a QR code, error correction M, with its quiet zone, as an SVG document."""
    drawn = io.BytesIO()
    segno.make(text, error="m", micro=False).save(
        drawn, kind="svg", border=4, dark="#000", light="#fff", omitsize=True
    )
    return drawn.getvalue().decode()
