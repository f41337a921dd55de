"""Looks at every step between a sensor's reading and the cloud's receipt, in that order.

All is done beside the running agent, and nothing is changed. A device's certificate is good for one
connection at a time: a second one would end the first. So if the agent runs and has one, what it
says of that is believed.
"""

import os
import shutil
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from edge_agent.clock import Clock
from edge_agent.settings import Settings
from edge_agent.sinks.mqtt.link import Acknowledged, Link, LinkFailed, Received, Subscribed, Waker
from edge_agent.tls import client_context
from wire import topics
from wire.command import Reply, encode_reply
from wire.reading import TimeQuality

FREE_LEAST = 50_000_000
ANSWER_S = 5.0
NO_SUBSCRIBERS = 16


class Check(msgspec.Struct, frozen=True):
    """One step: what was seen, and what to do if it is not `ok`."""

    name: str
    ok: bool
    seen: str
    fix: str = ""


def as_json(checks: list[Check]) -> list[dict[str, Any]]:
    """Return what `fieldline-agent doctor --json` says under `checks`."""
    return [msgspec.to_builtins(check) for check in checks]


def examine(
    settings: Settings,
    *,
    quality: Callable[[], TimeQuality] | None = None,
    tell: Callable[[Check], None] = lambda _: None,
    connection: str = "",
) -> list[Check]:
    """Take all steps; of those to the broker none after the first that fails.

    `quality` is that of the clock; `tell` is called with each step as it is done; `connection` is
    what an agent that runs with these settings says of its own: `connected`, or why not.
    """
    checks = []
    for check in _steps(settings, quality or Clock().quality, connection):
        checks.append(check)
        tell(check)
    return checks


def _steps(
    settings: Settings, quality: Callable[[], TimeQuality], connection: str
) -> Iterator[Check]:
    yield _sources(settings)
    yield _data(Path(settings.agent.data))
    yield _clock(quality())
    for step in (_name, _tcp, _tls):
        check = step(settings)
        yield check
        if not check.ok:
            return
    if connection and settings.mqtt.certificate:
        yield _agents(connection)
    else:
        yield from _session(settings)


def _sources(settings: Settings) -> Check:
    names = ", ".join(f"{s.name} ({s.__struct_config__.tag})" for s in settings.source)
    if not names:
        fix = "add a [[source]] to agent.toml; docs/agent.md lists the kinds"
        return Check("configuration", ok=False, seen="it is sound, but names no source", fix=fix)
    return Check("configuration", ok=True, seen=names)


def _data(folder: Path) -> Check:
    probe = folder / f".doctor-{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"x")
        probe.unlink()
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return Check(
            "data folder", ok=False, seen=f"{folder}: {error.strerror}",
            fix="run this as the agent's user, or give the folder to it; check the disk (dmesg)",
        )  # fmt: skip
    seen = f"{folder} is writable, {free / 1e6:,.0f} MB free"
    fix = "" if free >= FREE_LEAST else "make room: readings soon have none"
    return Check("data folder", ok=not fix, seen=seen, fix=fix)


def _clock(quality: TimeQuality) -> Check:
    now = time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime())
    if quality is TimeQuality.SYNCED:
        return Check("clock", ok=True, seen=f"{now}, kept right")
    return Check(
        "clock", ok=False, seen=f"{now}, and nothing keeps it right: readings are `{quality}`",
        fix="`timedatectl set-ntp true`, or install chrony; UDP port 123 must be open",
    )  # fmt: skip


def _name(settings: Settings) -> Check:
    host = settings.mqtt.host
    if not host:
        return Check(
            "name", ok=False, seen="agent.toml names no broker: this device is not enrolled yet",
            fix="run `fieldline-agent enrol` with the code that `fieldline device enrol NAME`"
            " shows on the server",
        )  # fmt: skip
    try:
        found = socket.getaddrinfo(host, settings.mqtt.port, type=socket.SOCK_STREAM)
    except OSError as error:
        return Check(
            "name", ok=False, seen=f"{host!r} cannot be resolved: {error.strerror}",
            fix="check [mqtt] host in agent.toml, and the network's name server",
        )  # fmt: skip
    addresses = ", ".join(sorted({str(each[4][0]) for each in found}))
    return Check("name", ok=True, seen=f"{host} is {addresses}")


def _tcp(settings: Settings) -> Check:
    where = f"{settings.mqtt.host}:{settings.mqtt.port}"
    try:
        socket.create_connection((settings.mqtt.host, settings.mqtt.port), ANSWER_S).close()
    except OSError as error:
        return Check(
            "tcp", ok=False, seen=f"{where} cannot be reached: {error.strerror or error}",
            fix="check that the broker runs (`fieldline status` on the server), [mqtt] port, and"
            " firewalls between",
        )  # fmt: skip
    return Check("tcp", ok=True, seen=f"{where} answers")


def _tls(settings: Settings) -> Check:
    mqtt = settings.mqtt
    if not mqtt.tls:
        return Check("tls", ok=True, seen="not asked for: passwords and readings travel in clear")
    try:
        context = client_context(mqtt.ca)
        if mqtt.certificate:
            context.load_cert_chain(mqtt.certificate, mqtt.key)
        with (
            socket.create_connection((mqtt.host, mqtt.port), ANSWER_S) as plain,
            context.wrap_socket(plain, server_hostname=mqtt.host) as secured,
        ):
            seen = f"{secured.version()}, the certificate is trusted"
    except ssl.SSLCertVerificationError as error:
        return Check(
            "tls", ok=False, seen=f"the broker's certificate is not: {error.verify_message}",
            fix="check [mqtt] ca and host, and this machine's clock; enrol again if the CA is new",
        )  # fmt: skip
    except OSError as error:
        return Check(
            "tls", ok=False, seen=f"no TLS: {error.strerror or error}",
            fix="check [mqtt] ca, certificate, key, and that [mqtt] port is the broker's TLS port",
        )  # fmt: skip
    return Check("tls", ok=True, seen=seen)


def _agents(connection: str) -> Check:
    if connection == "connected":
        return Check("login", ok=True, seen="the running agent is connected, its packs are taken")
    return Check(
        "login", ok=False, seen=f"the running agent says: {connection}",
        fix="`fieldline device show` on the server says what it knows of this device, and"
        " `fieldline status` whether all stages run",
    )  # fmt: skip


def _session(settings: Settings) -> Iterator[Check]:
    waker = Waker()
    try:
        try:
            link = Link(settings.mqtt, settings.agent.device, None, waker, probe="doctor")
        except LinkFailed as error:
            yield Check(
                "login", ok=False, seen=str(error),
                fix="`fieldline device show` on the server says what it knows of this device",
            )  # fmt: skip
            return
        yield Check("login", ok=True, seen=f"as {settings.agent.device}")
        yield from _exchange(link, settings.agent.device)
        link.close()
    finally:
        waker.close()


def _exchange(link: Link, device: str) -> Iterator[Check]:
    """Publish an answer that nobody waits for, and wait for the receipt that the broker keeps."""
    rights = "the broker's rules for this device are wrong: revoke and enrol it again"
    answer, refused, receipt = None, "", False
    try:
        link.subscribe(topics.receipt(device))
        probe = Reply("doctor", ok=True, at=time.time(), result={})
        link.publish(topics.cmd_reply(device), encode_reply(probe))
        deadline = time.monotonic() + ANSWER_S
        while time.monotonic() < deadline and not (receipt and answer):
            for event in link.poll(0.2):
                match event:
                    case Acknowledged():
                        answer = event
                    case Received():
                        receipt = True
                    case Subscribed(refusals):
                        refused = "; ".join(refusals.values())
            if refused and answer:
                break
    except LinkFailed as error:
        refused = refused or str(error)
    if answer is None or answer.code not in {0, NO_SUBSCRIBERS}:
        seen = f"refused: {answer.name}" if answer else f"no answer: {refused or 'silence'}"
        yield Check("publish", ok=False, seen=seen, fix=rights)
        return
    yield Check("publish", ok=True, seen="allowed")
    if receipt:
        yield Check("receipt", ok=True, seen="the cloud has receipted this device's packs")
    else:
        yield Check(
            "receipt", ok=False,
            seen=f"refused: {refused}" if refused else "the cloud has never receipted a pack",
            fix=rights if refused else "is the agent running, and the bridge (`fieldline status`"
            " on the server)? A first receipt takes some seconds",
        )  # fmt: skip
