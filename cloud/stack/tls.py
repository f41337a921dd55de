"""The private CA, and the certificate that it signs for broker and API; the rotation of both.

    ca.pem               whom broker, devices and panels trust; the first of it signs broker.pem
    ca.key               the key of the first
    next.pem, next.key   while the CA is rotated: the CA to come, trusted already, signs devices

A rotation is begun (the CA to come is made, and is the second in ca.pem), every device gets a
certificate of the CA to come and the list of both, and it is finished: the CA to come is the CA.
"""

import hashlib
import ipaddress
import os
import secrets
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cloud.stack import secret_files

_CA_DAYS = 3650
_SERVER_DAYS = 397  # what the strictest clients take
_RENEW_BEFORE = timedelta(days=60)
_SKEW = timedelta(days=1)  # a device whose clock is behind must still believe the certificate


@dataclass(frozen=True)
class Files:
    """Where the certificates are."""

    ca: Path
    ca_key: Path
    certificate: Path
    key: Path
    next_ca: Path
    next_key: Path

    @property
    def signer(self) -> tuple[Path, Path]:
        """What signs devices' certificates: a CA's certificate and its key."""
        return (self.next_ca, self.next_key) if rotating(self) else (self.ca, self.ca_key)

    @property
    def digest(self) -> str:
        """SHA-256 of what a server that uses them has read, hexadecimal."""
        read = self.ca.read_bytes() + self.certificate.read_bytes()
        return hashlib.sha256(read).hexdigest()


def files(folder: Path) -> Files:
    """Name the files in DATA/tls."""
    names = ("ca.pem", "ca.key", "broker.pem", "broker.key", "next.pem", "next.key")
    return Files(*(folder / name for name in names))


def trusted(found: Files) -> list[x509.Certificate]:
    """Return the CAs that are trusted; the first signs the server's certificate."""
    return x509.load_pem_x509_certificates(found.ca.read_bytes())


def rotating(found: Files) -> bool:
    """Whether a CA to come is trusted already."""
    return found.next_ca.exists() and _next(found) in trusted(found)


def begin_rotation(folder: Path, now: datetime | None = None) -> None:
    """Make the CA to come, and have it trusted. Does nothing while one is there already."""
    found = files(folder)
    if rotating(found):
        return
    _make_ca(found.next_ca, found.next_key, now or datetime.now(UTC))
    _write_public(found.ca, [trusted(found)[0], _next(found)])


def finish_rotation(folder: Path, now: datetime | None = None) -> None:
    """Have the CA to come take over, and trust the old one no more. Does nothing without one.

    Whatever is cut short, `ensure` goes on with.
    """
    found = files(folder)
    if not rotating(found):
        return
    _write_public(found.ca, [_next(found), trusted(found)[0]])
    ensure(folder, _named(found), now)


def renew_if_due(folder: Path, now: datetime | None = None) -> bool:
    """Make the server's certificate anew, with the same names, if it nears its end."""
    found, now = files(folder), now or datetime.now(UTC)
    if _will_do(found, _named(found), now):
        return False
    _make_certificate(found, _named(found), now)
    return True


def sound(found: Files, now: datetime | None = None) -> bool:
    """Whether a server can use the certificate: signed by the CA, not ended, the key its own.

    Raises OSError and ValueError if the CA cannot be read.
    """
    if not (found.certificate.exists() and found.key.exists()):
        return False
    ca = trusted(found)[0]
    try:
        certificate = x509.load_pem_x509_certificate(found.certificate.read_bytes())
        key = serialization.load_pem_private_key(found.key.read_bytes(), password=None)
    except ValueError:
        return False  # damaged, as a power cut leaves a file
    return (
        # They differ if whoever made them ended between the two files.
        certificate.public_key() == key.public_key()
        and certificate.issuer == ca.subject
        and _signed_by(certificate, ca)
        and (now or datetime.now(UTC)) < certificate.not_valid_after_utc
    )


def ensure(folder: Path, names: Iterable[str] = (), now: datetime | None = None) -> Files:
    """Make the CA if there is none, and the certificate if there is none that will do.

    A certificate is made anew when it nears its end, or does not name all of `names` (host names
    or addresses, besides this machine's own).
    """
    now = now or datetime.now(UTC)
    found = files(folder)
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)  # the CA is public; the keys have modes of their own
    if not (found.ca.exists() and found.ca_key.exists()):
        _make_ca(found.ca, found.ca_key, now)
    if found.next_ca.exists() and trusted(found)[0] == _next(found):
        _take_over(found)
    wanted = sorted({"localhost", "127.0.0.1", "::1", socket.gethostname(), *names})
    if not _will_do(found, wanted, now):
        _make_certificate(found, wanted, now)
    return found


def _take_over(found: Files) -> None:
    if found.next_key.exists():
        found.next_key.replace(found.ca_key)
    _write_public(found.ca, [_next(found)])
    found.next_ca.unlink()


def _next(found: Files) -> x509.Certificate:
    return x509.load_pem_x509_certificate(found.next_ca.read_bytes())


def _named(found: Files) -> list[str]:
    certificate = x509.load_pem_x509_certificate(found.certificate.read_bytes())
    named = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return [str(one.value) for one in named]


def _make_ca(file: Path, key_file: Path, now: datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    # No two have one name: a verifier looks for the issuer by it.
    words = f"Fieldline private CA {secrets.token_hex(4)}"
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, words)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(now + timedelta(days=_CA_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    _write_key(key_file, key)
    _write_public(file, [certificate])


def _make_certificate(found: Files, names: list[str], now: datetime) -> None:
    ca = x509.load_pem_x509_certificate(found.ca.read_bytes())
    ca_key = serialization.load_pem_private_key(found.ca_key.read_bytes(), password=None)
    assert isinstance(ca_key, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Fieldline broker")]))
        .issuer_name(ca.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(now + timedelta(days=_SERVER_DAYS))
        .add_extension(x509.SubjectAlternativeName([_san(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False
        )
        .sign(ca_key, hashes.SHA256())
    )
    _write_key(found.key, key)
    _write_public(found.certificate, [certificate])


def _will_do(found: Files, names: list[str], now: datetime) -> bool:
    if not sound(found, now + _RENEW_BEFORE):
        return False
    certificate = x509.load_pem_x509_certificate(found.certificate.read_bytes())
    named = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {_san(name) for name in names} <= set(named)


def _signed_by(certificate: x509.Certificate, ca: x509.Certificate) -> bool:
    key = ca.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    by = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    return by.key_identifier == key


def _san(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _write_key(file: Path, key: ec.EllipticCurvePrivateKey) -> None:
    text = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    secret_files.write(file, text.decode())


def _write_public(file: Path, certificates: Iterable[x509.Certificate]) -> None:
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    beside.write_bytes(
        b"".join(one.public_bytes(serialization.Encoding.PEM) for one in certificates)
    )
    beside.chmod(0o644)
    beside.replace(file)
