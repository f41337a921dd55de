"""The private CA, and the broker's certificate that it signs."""

import ipaddress
import os
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


def files(folder: Path) -> Files:
    """Name the files in DATA/tls."""
    return Files(folder / "ca.pem", folder / "ca.key", folder / "broker.pem", folder / "broker.key")


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
        _make_ca(found, now)
    wanted = sorted({"localhost", "127.0.0.1", "::1", socket.gethostname(), *names})
    if not _will_do(found, wanted, now):
        _make_certificate(found, wanted, now)
    return found


def _make_ca(found: Files, now: datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Fieldline private CA")])
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
    _write_key(found.ca_key, key)
    _write_public(found.ca, certificate)


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
    _write_public(found.certificate, certificate)


def _will_do(found: Files, names: list[str], now: datetime) -> bool:
    if not (found.certificate.exists() and found.key.exists()):
        return False
    ca = x509.load_pem_x509_certificate(found.ca.read_bytes())
    try:
        certificate = x509.load_pem_x509_certificate(found.certificate.read_bytes())
        key = serialization.load_pem_private_key(found.key.read_bytes(), password=None)
    except ValueError:
        return False  # damaged, as a power cut leaves a file
    if certificate.public_key() != key.public_key():
        return False  # whoever made them ended between the two files
    named = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return (
        certificate.issuer == ca.subject
        and _signed_by(certificate, ca)
        and now < certificate.not_valid_after_utc - _RENEW_BEFORE
        and {_san(name) for name in names} <= set(named)
    )


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


def _write_public(file: Path, certificate: x509.Certificate) -> None:
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    beside.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    beside.chmod(0o644)
    beside.replace(file)
