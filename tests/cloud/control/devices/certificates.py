"""Certificates that should not open a door, and whether they do."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


@dataclass(frozen=True)
class Signer:
    """Whoever signs."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def of_files(certificate: Path, key: Path) -> Signer:
    """The signer of the stack."""
    loaded = serialization.load_pem_private_key(key.read_bytes(), None)
    assert isinstance(loaded, ec.EllipticCurvePrivateKey)
    return Signer(x509.load_pem_x509_certificate(certificate.read_bytes()), loaded)


def other_signer() -> Signer:
    """A CA of the same name as the stack's, which it is not."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Fieldline private CA")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=9))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    return Signer(made, key)


def sign(
    folder: Path, signer: Signer, username: str, *, days: int = 9, for_servers: bool = False
) -> tuple[Path, Path]:
    """Make a certificate of a user name; `days` below 0: expired since."""
    key = ec.generate_private_key(ec.SECP256R1())
    usage = ExtendedKeyUsageOID.SERVER_AUTH if for_servers else ExtendedKeyUsageOID.CLIENT_AUTH
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, username)]))
        .issuer_name(signer.certificate.subject).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=9 + abs(days)))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        .sign(signer.key, hashes.SHA256())
    )  # fmt: skip
    certificate, private = (
        folder / f"{made.serial_number}.pem",
        folder / f"{made.serial_number}.key",
    )
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return certificate, private


def refused(port: int, ca: Path, pair: tuple[Path, Path] | None) -> bool:
    """Whether the broker ends the connection before MQTT begins."""
    context = ssl.create_default_context(cafile=str(ca))
    if pair is not None:
        context.load_cert_chain(*pair)
    try:
        with (
            socket.create_connection(("127.0.0.1", port), timeout=30) as plain,
            context.wrap_socket(plain, server_hostname="127.0.0.1") as secure,
        ):
            # In TLS 1.3 the server refuses after the client believes to be done: ask for something.
            secure.sendall(bytes.fromhex("101000044d5154540402003c0004") + b"test")
            return secure.recv(1) != b"\x20"
    except (ssl.SSLError, ConnectionError):
        return True
