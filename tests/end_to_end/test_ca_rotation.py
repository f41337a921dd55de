"""The CA is rotated while devices send; one is away meanwhile, one never comes back."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from cloud.stack import tls
from cloud.stack.ports import choose
from tests.servers import CHECKOUT
from tests.stack import Stack
from tests.waiting import eventually

pytestmark = pytest.mark.long

_SOURCE = """
[[source]]
kind = "simulated"
name = "sim"
rate_hz = 20.0
[[source.signals]]
channel = "temperature"
wave = "sine"
unit = "Cel"
"""


@contextmanager
def running(config: Path) -> Iterator[None]:
    with config.with_suffix(".log").open("ab") as log:
        agent = subprocess.Popen(
            [sys.executable, "-m", "edge_agent.cli", "run", "--config", str(config)],
            stdout=log, stderr=log, cwd=CHECKOUT,
        )  # fmt: skip
    try:
        yield
    finally:
        agent.terminate()
        assert agent.wait(30) == 0, config.with_suffix(".log").read_text()


def enrolled(stack: Stack, folder: Path, name: str) -> Path:
    config = folder / f"{name}.toml"
    stack.run("device", "add", name, "--out", str(config))
    config.write_text(config.read_text() + _SOURCE)
    return config


def identity(config: Path) -> Path:
    return config.with_name(f"{config.stem}.data") / "identity" / "current"


def trusts(config: Path) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates((identity(config) / "ca.pem").read_bytes())


def left(stack: Stack) -> dict[str, str]:
    ca: dict[str, Any] = stack.json("ca", "show")
    return {one["device"]: one["why"] for one in ca["left"]}


def test_the_ca_is_rotated_while_devices_send_and_none_is_left_behind(
    stack: Stack, tmp_path: Path
) -> None:
    files = tls.files(stack.folder.tls)
    (old,) = tls.trusted(files)
    here, away, lost = (enrolled(stack, tmp_path, f"ca-{one}") for one in ("here", "away", "lost"))
    before = stack.json("ca", "show")
    assert (before["rotating"], before["settled"], before["left"]) == (False, True, [])
    with ExitStack() as agents:
        agents.enter_context(running(here))
        eventually(lambda: stored(stack, "ca-here") > 0, 30, "its readings arrive")

        said = stack.json("ca", "rotate", "--yes", timeout=90)
        assert (said["rotating"], said["settled"]) == (True, True)
        _, new = tls.trusted(files)
        eventually(lambda: "ca-here" not in left(stack), 60, "who is there goes over")
        assert trusts(here) == [old, new]
        signed = x509.load_pem_x509_certificate((identity(here) / "certificate.pem").read_bytes())
        signed.verify_directly_issued_by(new)
        assert left(stack)["ca-away"] == "it is never seen: it has never connected"

        gone = set(left(stack)) - {"ca-away"}  # with the agents of tests before
        refused = stack.run("ca", "finish", "--yes", status=1).stderr
        assert f"{len(gone) + 1} devices do not have a certificate of the new CA yet" in refused
        agents.enter_context(running(away))
        eventually(lambda: set(left(stack)) == gone, 60, "who was away goes over")
        assert "already" in stack.run("ca", "rotate", "--yes", status=1).stderr

        named = [word for name in gone for word in ("--leave", name)]
        said = stack.json("ca", "finish", "--yes", *named, timeout=90)
        assert (said["rotating"], said["settled"]) == (False, True)
        assert tls.trusted(files) == [new]
        eventually(lambda: left(stack) == {}, 60, "nobody trusts the old one any more")
        assert trusts(here) == trusts(away) == [new]
        at = stored(stack, "ca-here"), stored(stack, "ca-away")
        eventually(
            lambda: stored(stack, "ca-here") > at[0] and stored(stack, "ca-away") > at[1], 60
        )

    assert stack.json("device", "show", "ca-lost")["state"] == "revoked"
    assert stack.json("device", "restore", "ca-lost")["state"] == "registered"
    with pytest.raises(ssl.SSLError, match="unknown ca"):
        log_in(stack, lost)
    done = [entry["action"] for entry in stack.json("audit", "--subject", "ca")]
    assert done == ["ca.finish", "ca.rotate"]
    eventually(lambda: holes(stack, "ca-here") + holes(stack, "ca-away") == 0, 60, "nothing lost")
    stack.run("verify")
    assert stack.run("status").returncode == 0


def stored(stack: Stack, device: str) -> int:
    ((number,),) = stack.query(
        "SELECT coalesce(sum(stored), 0)::int FROM fieldline.completeness WHERE device = %s", device
    )
    return int(number)


def holes(stack: Stack, device: str) -> int:
    ((number,),) = stack.query(
        "SELECT sum(missing + lost)::int FROM fieldline.completeness WHERE device = %s", device
    )
    return int(number)


def log_in(stack: Stack, config: Path) -> None:
    """Show the broker a device's certificate, and wait for what it says to that."""
    port = choose(stack.folder.data / "ports.json", ["mqtt_devices"])["mqtt_devices"]
    context = ssl.create_default_context(cafile=str(tls.files(stack.folder.tls).ca))
    context.load_cert_chain(identity(config) / "certificate.pem", identity(config) / "key.pem")
    with (
        socket.create_connection(("127.0.0.1", port), 10) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as secure,
    ):
        secure.recv(1)  # TLS 1.3 tells only now
