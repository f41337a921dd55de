"""Signs devices' certificates with the stack's CA.

A certificate lasts as long as the CA: what ends a device's access is that the broker no longer
knows its credential, at once, and not a date. The name in it is ours, never that of the request:
`<device>~<drawn>`. So each credential is a user name of its own at the broker, two of one device
can be told apart, and none can be that of another account (no name of those holds a `~`).
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cloud.control.errors import ControlError, SettingsUnusable
from cloud.stack import tls

_SKEW = timedelta(days=1)  # a broker whose clock is behind must still believe it
_NAME_LENGTH = 64  # RFC 5280, ub-common-name
_DRAWN_BYTES = 6


class RequestRefused(ControlError):
    """A certificate request cannot be signed; the message says why."""


@dataclass(frozen=True)
class Request:
    """A sound request: its key is EC P-256, and whoever sent it has the private part."""

    key: ec.EllipticCurvePublicKey

    @property
    def fingerprint(self) -> bytes:
        """SHA-256 of the key's SubjectPublicKeyInfo."""
        return hashlib.sha256(
            self.key.public_bytes(
                serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        ).digest()


def read_request(pem: str) -> Request:
    """Read and check a PKCS#10 request. Raises RequestRefused."""
    try:
        request = x509.load_pem_x509_csr(pem.encode())
        key = request.public_key()
        sound = request.is_signature_valid
    except (ValueError, TypeError, UnsupportedAlgorithm, InvalidSignature) as error:
        raise RequestRefused(f"it is no certificate request in PEM: {error}") from None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise RequestRefused("its key must be EC P-256 (prime256v1)")
    if not sound:
        raise RequestRefused("its signature is wrong: it was not made with the key that it names")
    return Request(key)


class Authority:
    """What signs devices' certificates, and whom devices are told to trust."""

    def __init__(self, files: tls.Files) -> None:
        """Read the files. Raises OSError or SettingsUnusable."""
        certificate, key = files.signer
        try:
            self.pem = files.ca.read_text("ascii")
            trusted = tls.trusted(files)
            self._certificate = x509.load_pem_x509_certificate(certificate.read_bytes())
            loaded = serialization.load_pem_private_key(key.read_bytes(), password=None)
        except ValueError as error:
            raise SettingsUnusable(
                f"{files.ca}, {certificate} or {key} is damaged ({error}); restore them from a "
                "backup"
            ) from None
        if not isinstance(loaded, ec.EllipticCurvePrivateKey):
            raise SettingsUnusable(f"{key} is no EC key; restore it from a backup")
        self._key = loaded
        self.fingerprint = fingerprint(trusted[0])
        """Of the CA that the server's certificate is of: by it a code's holder knows the server."""
        said = [fingerprint(self._certificate), *sorted(map(fingerprint, trusted))]
        self.edition = hashlib.sha256(" ".join(said).encode()).hexdigest()[:16]
        """Names the signer and the list together: a device is as it should be if its certificate
        came with this edition."""

    def sign(self, request: Request, username: str, now: datetime | None = None) -> str:
        """Return a certificate for client authentication, PEM, that names a user."""
        certificate = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, username)]))
            .issuer_name(self._certificate.subject)
            .public_key(request.key)
            .serial_number(x509.random_serial_number())
            .not_valid_before((now or datetime.now(UTC)) - _SKEW)
            .not_valid_after(self._certificate.not_valid_after_utc)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_SIGNS, critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=True)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                critical=False,
            )
            .sign(self._key, hashes.SHA256())
        )
        return certificate.public_bytes(serialization.Encoding.PEM).decode()


def fingerprint(certificate: x509.Certificate) -> str:
    """Return SHA-256 of a certificate, hexadecimal."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def draw_username(device: str) -> str:
    """Draw the user name of a new certificate. A long device name is cut: it is only to be read."""
    drawn = secrets.token_hex(_DRAWN_BYTES)
    return f"{device[: _NAME_LENGTH - len(drawn) - 1]}~{drawn}"


_SIGNS = x509.KeyUsage(
    digital_signature=True,
    key_cert_sign=False,
    crl_sign=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    encipher_only=False,
    decipher_only=False,
)
