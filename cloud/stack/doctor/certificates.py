"""Checks of the private CA and of the certificate that it signed, as files."""

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from cloud.stack import settings as wanted
from cloud.stack import tls
from cloud.stack.doctor.checkup import Doubtful, Wrong
from cloud.stack.doctor.stack import Stack

_SOON = timedelta(days=30)
_CA_SOON = timedelta(days=365)  # every device has to come by before
_ANEW = "`fieldline down`, then `fieldline up` makes another; devices need nothing"
_RESTORE = "put back DATA/tls from a backup (`fieldline restore`); every device trusts this CA"


def certificates(stack: Stack) -> str:
    """See whether clients will believe the broker and the API."""
    if not stack.plan.mqtt.embedded:
        return "the broker is elsewhere, and its certificate with it"
    return judge(tls.files(stack.folder.tls), names(stack), datetime.now(UTC))


def names(stack: Stack) -> list[str]:
    """Return what the certificate must name, by the settings."""
    return [stack.plan.mqtt.host, *wanted.load(stack.folder.settings).broker.certified]


def judge(found: tls.Files, wanted_names: list[str], now: datetime) -> str:
    """Say how long they last. Raises Wrong or Doubtful."""
    for file in (found.ca, found.ca_key):
        if not file.exists():
            raise Wrong(f"{file} is missing", _RESTORE)
    for file in (found.certificate, found.key):
        if not file.exists():
            raise Wrong(f"{file} is missing", _ANEW)
    try:
        ca = x509.load_pem_x509_certificate(found.ca.read_bytes())
        ca_key = serialization.load_pem_private_key(found.ca_key.read_bytes(), None)
    except ValueError as error:
        raise Wrong(f"the CA in {found.ca.parent} is damaged: {error}", _RESTORE) from None
    if ca.public_key() != ca_key.public_key():
        raise Wrong(f"{found.ca_key} is not the key of {found.ca}", _RESTORE)
    try:
        certificate = x509.load_pem_x509_certificate(found.certificate.read_bytes())
        key = serialization.load_pem_private_key(found.key.read_bytes(), None)
    except ValueError as error:
        raise Wrong(f"{found.certificate} or its key is damaged: {error}", _ANEW) from None
    if certificate.public_key() != key.public_key():
        raise Wrong(f"{found.key} is not the key of {found.certificate}", _ANEW)
    _check_signature(certificate, ca)
    for one, what, fix in ((ca, "the CA", _RESTORE), (certificate, "the certificate", _ANEW)):
        if now >= one.not_valid_after_utc:
            raise Wrong(f"{what} has ended on {one.not_valid_after_utc:%Y-%m-%d}", fix)
        if now < one.not_valid_before_utc:
            raise Wrong(
                f"{what} is not valid before {one.not_valid_before_utc:%Y-%m-%d}, and it is "
                f"{now:%Y-%m-%d} here",
                "set this machine's clock",
            )
    named = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    held = {str(one.value) for one in named}
    if missing := [name for name in wanted_names if name not in held]:
        raise Wrong(f"the certificate does not name {', '.join(missing)}", _ANEW)
    if (left := certificate.not_valid_after_utc - now) < _SOON:
        raise Doubtful(f"the certificate ends in {left.days} days", _ANEW)
    if tls.rotating(found):
        return "the CA is being rotated; `fieldline ca show` says how far"
    if (lasts := ca.not_valid_after_utc - now) < _CA_SOON:
        raise Doubtful(f"the CA ends in {lasts.days} days", "`fieldline ca rotate` makes another")
    return f"the certificate names {', '.join(sorted(held))}, and lasts {left.days} days more"


def _check_signature(certificate: x509.Certificate, ca: x509.Certificate) -> None:
    key, how = ca.public_key(), certificate.signature_hash_algorithm
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert how is not None
    try:
        key.verify(certificate.signature, certificate.tbs_certificate_bytes, ec.ECDSA(how))
    except InvalidSignature:
        raise Wrong("the certificate was not signed by this CA", _ANEW) from None
