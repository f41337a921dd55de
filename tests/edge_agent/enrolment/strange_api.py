"""An API whose certificate is not valid now, or bears another name: what a device may meet."""

from __future__ import annotations

import hashlib
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Serving(NamedTuple):
    """Where it is, the fingerprint of its CA, and what it was asked."""

    url: str
    fingerprint: str
    asked: list[str]


@contextmanager
def serving(
    folder: Path, *, valid_from: timedelta, address: str = "127.0.0.1"
) -> Iterator[Serving]:
    """Serve `GET /v1/enrolment/ca` with a certificate that is valid for a year from then on."""
    key, ca = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    begin = datetime.now(UTC) + valid_from
    ca_pem = _certificate("CA", ca, ca, begin, x509.BasicConstraints(ca=True, path_length=0))
    san = x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))])
    own = _certificate("API", key, ca, begin, san)
    pair = folder / "server.pem"
    pair.write_bytes(
        own
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(f"GET {self.path}")
            self.send_response(200)
            self.end_headers()
            self.wfile.write(ca_pem)

        def do_POST(self) -> None:
            asked.append(f"POST {self.path}")

        def log_message(self, *_: object) -> None: ...

    server = _Quiet(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(ca_pem.decode())).hexdigest()
        yield Serving(f"https://127.0.0.1:{server.server_port}", digest, asked)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Quiet(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """A client that does not trust us hangs up: nothing to tell."""


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    begin: datetime,
    extension: x509.ExtensionType,
) -> bytes:
    builder = (
        x509.CertificateBuilder()
        .subject_name(_named(name))
        .issuer_name(_named("CA"))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=365))
        .add_extension(extension, critical=False)
    )
    return builder.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
