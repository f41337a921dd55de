"""Certificates are made once, and anew when they will not do."""

from __future__ import annotations

import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cloud.stack import tls


def handshake(files: tls.Files, ca: Path, name: str) -> None:
    """A server with these files, a client that trusts this CA and expects this name."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(files.certificate, files.key)
    ours, theirs = socket.socketpair()

    def serve() -> None:
        try:
            server.wrap_socket(theirs, server_side=True).close()
        except OSError:
            theirs.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        client = ssl.create_default_context(cafile=str(ca))
        client.wrap_socket(ours, server_hostname=name).close()
    finally:
        ours.close()
        thread.join()


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", socket.gethostname(), "server.lan"])
def test_a_client_that_trusts_the_ca_believes_the_certificate(tmp_path: Path, name: str) -> None:
    files = tls.ensure(tmp_path, ["server.lan"])
    handshake(files, files.ca, name)


def test_another_name_or_another_ca_is_not_believed(tmp_path: Path) -> None:
    files = tls.ensure(tmp_path / "one")
    other = tls.ensure(tmp_path / "other")
    with pytest.raises(ssl.SSLCertVerificationError, match=r"doesn't match|mismatch"):
        handshake(files, files.ca, "elsewhere.example")
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(files, other.ca, "localhost")


def test_nothing_changes_while_everything_will_do(tmp_path: Path) -> None:
    files = tls.ensure(tmp_path)
    before = files.certificate.read_bytes(), files.ca.read_bytes()
    tls.ensure(tmp_path)
    assert (files.certificate.read_bytes(), files.ca.read_bytes()) == before


@pytest.mark.parametrize("change", ["age", "name", "ca", "key", "damage"])
def test_a_certificate_that_will_not_do_is_made_anew(tmp_path: Path, change: str) -> None:
    files = tls.ensure(tmp_path)
    before, ca = files.certificate.read_bytes(), files.ca.read_bytes()
    now = datetime.now(UTC)
    if change == "age":
        tls.ensure(tmp_path, now=now + timedelta(days=360))
    elif change == "name":
        tls.ensure(tmp_path, ["new.lan"])
        handshake(files, files.ca, "new.lan")
    elif change == "key":  # killed between writing the key and the certificate
        files.key.write_bytes(tls.ensure(tmp_path / "other").key.read_bytes())
        tls.ensure(tmp_path)
        handshake(files, files.ca, "localhost")
    elif change == "damage":
        files.certificate.write_bytes(b"")
        tls.ensure(tmp_path)
        handshake(files, files.ca, "localhost")
    else:
        files.ca.unlink()
        tls.ensure(tmp_path)
    assert files.certificate.read_bytes() != before
    assert (files.ca.read_bytes() == ca) is (change != "ca")


def test_keys_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    files = tls.ensure(tmp_path)
    for key in (files.key, files.ca_key):
        assert key.stat().st_mode & 0o777 == 0o600
    assert files.ca.stat().st_mode & 0o777 == 0o644
