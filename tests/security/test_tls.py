"""A server with a bad certificate is refused by each client of ours, with the reason."""

from __future__ import annotations

import asyncio
import gc
import ipaddress
import logging
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cloud.bridge import link as bridge
from cloud.bridge.settings import Mqtt as BridgeMqtt
from cloud.control import broker as control
from cloud.control.settings import Mqtt as ControlMqtt
from cloud.stack import plan, tls
from cloud.stack.client import ApiAway, Client
from edge_agent.enrolment import api as enrolment
from edge_agent.enrolment.errors import EnrolmentFailed
from edge_agent.sinks.mqtt.link import Link, LinkFailed, Waker
from edge_agent.sinks.mqtt.settings import Settings
from tests.cloud.control.api import Api
from tests.cloud.control.devices.certificates import Signer, of_files, other_signer, sign

OLD = "DEFAULT@SECLEVEL=0"
FAULTS = {
    "expired": "expired|not valid any more",
    "wrong name": "mismatch|not match|not valid for",
    "wrong CA": "unable to get local issuer|unable to verify|signature|failed",
    "self-signed": "self.signed",
    "TLS 1.1": "protocol|alert|version",
    "plain": "wrong.version|record layer|http_request|packet length|support SSL|closed|EOF",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tls.Files:
    """A CA of ours."""
    return tls.ensure(tmp_path_factory.mktemp("ca"))


def certificate(folder: Path, fault: str, signer: Signer) -> tuple[Path, Path]:
    """A server's certificate with one fault."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "impostor")])
    if fault == "self-signed":
        issuer, signing = name, key
    else:
        issuer, signing = signer.certificate.subject, signer.key
    names = [x509.DNSName("elsewhere.example")] if fault == "wrong name" else [
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")
    ]  # fmt: skip
    now = datetime.now(UTC)
    until = now - timedelta(hours=1) if fault == "expired" else now + timedelta(days=9)
    pem = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(issuer).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=9)).not_valid_after(until)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(signing, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )  # fmt: skip
    files = folder / "impostor.pem", folder / "impostor.key"
    files[0].write_bytes(pem)
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )  # fmt: skip
    return files


@contextmanager
def impostor(folder: Path, fault: str, ca: tls.Files) -> Iterator[tuple[int, list[bytes]]]:
    """A server with that fault; yields its port, and what it was told by whoever believed it."""
    signer = other_signer() if fault == "wrong CA" else of_files(ca.ca, ca.ca_key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate(folder, fault, signer))
    if fault == "TLS 1.1":
        context.set_ciphers(OLD)
        with pytest.deprecated_call():
            context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    told: list[bytes] = []
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                plain, _ = server.accept()
            except OSError:
                return
            with plain, suppress(OSError):
                plain.settimeout(5)
                if plain.recv(8, socket.MSG_PEEK)[:4] == b"\0\0\0\x08":  # PostgreSQL's SSLRequest
                    plain.recv(8)
                    plain.sendall(b"N" if fault == "plain" else b"S")
                if fault == "plain":
                    plain.recv(4096)
                    plain.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
                    continue
                with context.wrap_socket(plain, server_side=True) as secure:
                    told.append(secure.recv(4096))

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield server.getsockname()[1], told
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join()


def agent_sends(port: int, ca: Path, folder: Path) -> str:
    waker = Waker()
    try:
        with pytest.raises(LinkFailed) as failed:
            Link(Settings("127.0.0.1", port, ca=str(ca)), "pi-1", None, waker)
        return str(failed.value)
    finally:
        waker.close()


def agent_enrols(port: int, ca: Path, folder: Path) -> str:
    with pytest.raises(EnrolmentFailed) as failed:
        enrolment.enrol(f"https://127.0.0.1:{port}", ca.read_text(), "secret-token", "request")
    return str(failed.value)


def command_asks(port: int, ca: Path, folder: Path) -> str:
    (folder / "token").write_text("fl_secret-token")
    with pytest.raises(ApiAway) as failed:
        Client(plan.Api("127.0.0.1", port, str(ca), str(folder / "token"))).ask("GET", "/v1/x")
    return str(failed.value)


def bridge_connects(port: int, ca: Path, folder: Path) -> str:
    (folder / "password").write_text("secret-token")
    settings = BridgeMqtt("127.0.0.1", port, str(ca), "fieldline-bridge", str(folder / "password"))
    made = bridge.Link(settings, lambda *_: None)
    made.connect()
    assert made.failure is not None
    return str(made.failure)


def api_connects(port: int, ca: Path, folder: Path) -> str:
    (folder / "password").write_text("secret-token")
    settings = ControlMqtt("127.0.0.1", port, str(ca), "x", str(folder / "password"))
    said: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: said.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger(control.__name__)
    logger.addHandler(handler)

    async def connect() -> None:
        running = asyncio.create_task(control.Broker(settings).run())
        while not said:
            await asyncio.sleep(0.02)
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running

    try:
        asyncio.run(asyncio.wait_for(connect(), 20))
    finally:
        logger.removeHandler(handler)
    return said[0]


def stream_stores(port: int, ca: Path, folder: Path) -> str:
    """As bridge, stream and API reach a PostgreSQL that is not the stack's."""
    away = plan.Postgres("127.0.0.1", port, "x", "verify-full", str(folder), "", str(ca))
    with pytest.raises(psycopg.OperationalError) as failed:
        psycopg.connect(away.dsn("fieldline_stream"), password="secret-token", connect_timeout=30)
    return str(failed.value)


CLIENTS: dict[str, Callable[[int, Path, Path], str]] = {
    "the agent, sending": agent_sends,
    "the agent, enrolling": agent_enrols,
    "the command": command_asks,
    "the bridge": bridge_connects,
    "the API, to the broker": api_connects,
    "the stream, to PostgreSQL": stream_stores,
}


# paho leaves the socket of a handshake that failed to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("client", CLIENTS)
def test_a_server_that_is_not_to_be_trusted_is_refused_and_told_nothing(
    made: tls.Files, tmp_path: Path, client: str, fault: str
) -> None:
    with impostor(tmp_path, fault, made) as (port, told):
        said = CLIENTS[client](port, made.ca, tmp_path)
    # libpq, which speaks for the stream, does not say what a certificate lacks.
    libpq = "|certificate verify failed" if "PostgreSQL" in client else ""
    assert re.search(FAULTS[fault] + libpq, said, re.IGNORECASE), said
    assert not any(told), "it was told something"
    assert "secret-token" not in said
    gc.collect()


def shake(port: int, ca: Path, version: ssl.TLSVersion, pair: tuple[Path, Path]) -> str | None:
    context = ssl.create_default_context(cafile=str(ca))
    context.load_cert_chain(*pair)
    if version < ssl.TLSVersion.TLSv1_2:
        context.set_ciphers(OLD)
        with pytest.deprecated_call():
            context.minimum_version = context.maximum_version = version
    else:
        context.minimum_version = context.maximum_version = version
    with (
        socket.create_connection(("127.0.0.1", port), timeout=30) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as secure,
    ):
        return secure.version()


@pytest.mark.parametrize("which", ["api", "broker", "broker for devices"])
def test_a_server_of_ours_speaks_tls_1_2_and_later_alone(
    api: Api, which: str, tmp_path: Path
) -> None:
    files = api.certificates
    pair = sign(tmp_path, of_files(files.ca, files.ca_key), "sec-tls~1")
    port = {"api": api.port, "broker": api.broker.port}.get(which, api.broker.devices_port)
    ca = api.certificates.ca
    for old in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        with pytest.raises((ssl.SSLError, ConnectionError)):
            shake(port, ca, old, pair)
    for new, name in ((ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")):
        assert shake(port, ca, new, pair) == name
    hello = b"GET /v1/health HTTP/1.1\r\nHost: x\r\n\r\n" if which == "api" else (
        bytes.fromhex("101000044d5154540402003c0004") + b"test"
    )  # fmt: skip
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
        plain.sendall(hello)
        with suppress(ConnectionError):
            answer = plain.recv(100)
            assert not answer.startswith((b"HTTP", b"\x20"))


def test_a_device_without_a_certificate_is_told_why(api: Api) -> None:
    waker = Waker()
    settings = Settings("127.0.0.1", api.broker.devices_port, ca=api.broker.ca)
    try:
        with pytest.raises(LinkFailed) as failed:
            Link(settings, "pi-1", None, waker)
    finally:
        waker.close()
    assert "certificate" in str(failed.value)
