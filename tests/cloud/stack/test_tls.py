"""Certificates are made once, and anew when they will not do."""

from __future__ import annotations

import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

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


def test_while_the_ca_is_rotated_both_are_trusted_and_the_new_one_signs(tmp_path: Path) -> None:
    files = tls.ensure(tmp_path, ["server.lan"])
    (old,), before = tls.trusted(files), files.digest
    assert files.signer == (files.ca, files.ca_key)
    tls.begin_rotation(tmp_path)
    assert tls.rotating(files)
    first, second = tls.trusted(files)
    assert (first, files.signer) == (old, (files.next_ca, files.next_key))
    assert second.subject != old.subject
    assert files.digest != before
    tls.begin_rotation(tmp_path)
    assert tls.trusted(files) == [first, second]
    handshake(files, files.ca, "server.lan")
    assert files.next_key.stat().st_mode & 0o777 == 0o600


def test_after_the_rotation_the_new_ca_alone_is_trusted_and_signs_the_server(
    tmp_path: Path,
) -> None:
    files = tls.ensure(tmp_path, ["server.lan"])
    old = tmp_path / "old.pem"
    old.write_bytes(files.ca.read_bytes())
    tls.finish_rotation(tmp_path)
    assert files.ca.read_bytes() == old.read_bytes()
    tls.begin_rotation(tmp_path)
    _, new = tls.trusted(files)
    tls.finish_rotation(tmp_path)
    assert (tls.trusted(files), tls.rotating(files)) == ([new], False)
    assert not files.next_ca.exists()
    assert not files.next_key.exists()
    handshake(files, files.ca, "server.lan")
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(files, old, "server.lan")


@pytest.mark.parametrize("steps", [0, 1, 2])
def test_a_change_of_ca_that_was_cut_short_is_gone_on_with(tmp_path: Path, steps: int) -> None:
    files = tls.ensure(tmp_path, ["server.lan"])
    tls.begin_rotation(tmp_path)
    old, new = tls.trusted(files)
    pem = {one: one.public_bytes(serialization.Encoding.PEM) for one in (old, new)}
    files.ca.write_bytes(pem[new] + pem[old])
    if steps > 0:
        files.next_key.replace(files.ca_key)
    if steps > 1:
        files.ca.write_bytes(pem[new])
    tls.ensure(tmp_path, ["server.lan"])
    assert (tls.trusted(files), tls.rotating(files)) == ([new], False)
    handshake(files, files.ca, "server.lan")


def test_a_certificate_that_nears_its_end_is_renewed_with_the_same_names(tmp_path: Path) -> None:
    files = tls.ensure(tmp_path, ["server.lan"], datetime.now(UTC) - timedelta(days=350))
    assert tls.renew_if_due(tmp_path)
    assert not tls.renew_if_due(tmp_path)
    handshake(files, files.ca, "server.lan")
    handshake(files, files.ca, "127.0.0.1")


def test_a_certificate_is_sound_until_its_end_and_only_with_its_own_key(tmp_path: Path) -> None:
    found = tls.ensure(tmp_path)
    assert tls.sound(found)
    assert not tls.sound(found, datetime.now(UTC) + timedelta(days=397))
    before = found.key.read_bytes()
    found.key.write_bytes(found.ca_key.read_bytes())
    assert not tls.sound(found)
    found.key.write_bytes(before)
    found.certificate.write_bytes(tls.ensure(tmp_path / "other").certificate.read_bytes())
    assert not tls.sound(found)
    found.certificate.write_text("nonsense")
    assert not tls.sound(found)
