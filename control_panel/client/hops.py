"""Tests the way from this panel to the newest row, hop by hop."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
from paho.mqtt.reasoncodes import ReasonCode

from control_panel.client.api import Api, route
from control_panel.client.connections import trusting
from control_panel.client.errors import ClientError, NotReached, TooSlow
from control_panel.client.live import connecting
from control_panel.client.servers import Server
from control_panel.model.things import LiveLogin, Pipeline, ServerTold, Whoever

NAMES = ("name", "connection", "certificate", "login", "clock", "broker", "newest row")
_WITHIN_S = 10.0
_CLOCK = timedelta(seconds=5)


class Hop(NamedTuple):
    """One of NAMES; `said` is what was found, `fix` what to do where it is not `good`."""

    name: str
    good: bool
    said: str
    fix: str = ""


def walk(server: Server, token: str) -> Iterator[Hop]:
    """Give each hop as it has been tested, in the order of NAMES; ends with the first that fails.

    A clock that differs and a database without a row are told and do not end it.
    """
    steps: dict[str, Callable[[_Walk], str | Hop]] = {
        "name": _name, "connection": _connection, "certificate": _certificate, "login": _login,
        "clock": _clock, "broker": _broker, "newest row": _newest,
    }  # fmt: skip
    with closing(Api(server.url, server.ca, token)) as api:
        state = _Walk(server, api)
        for name in NAMES:
            try:
                found = steps[name](state)
            except ClientError as error:
                yield Hop(name, False, error.said, error.fix)
                return
            yield found if isinstance(found, Hop) else Hop(name, True, found)


class _Walk:
    def __init__(self, server: Server, api: Api) -> None:
        parts = urlsplit(server.url)
        self.host = parts.hostname or ""
        self.port = parts.port or 443
        self.ca = server.ca
        self.api = api


def _name(state: _Walk) -> str:
    try:
        found = socket.getaddrinfo(state.host, state.port, type=socket.SOCK_STREAM)
    except OSError:
        raise NotReached(
            f"the name {state.host} is not known in this network",
            "Check the name; is this computer in the server's network?",
        ) from None
    return f"{state.host} is {found[0][4][0]}"


def _connection(state: _Walk) -> str:
    try:
        socket.create_connection((state.host, state.port), _WITHIN_S).close()
    except OSError as error:
        raise NotReached(
            f"nobody answers at {state.host}:{state.port} ({error})",
            "Is the server running (`fieldline status` there), and its port open to you?",
        ) from None
    return f"port {state.port} answers"


def _certificate(state: _Walk) -> str:
    state.api.get(route("health"), dict[str, str], within_s=_WITHIN_S)
    with (
        socket.create_connection((state.host, state.port), _WITHIN_S) as plain,
        trusting(state.ca).wrap_socket(plain, server_hostname=state.host) as wrapped,
    ):
        certificate: Any = wrapped.getpeercert()
        ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(certificate["notAfter"]), UTC)
        return f"it is the server that was paired; {wrapped.version()}, valid until {ends:%Y-%m-%d}"


def _login(state: _Walk) -> str:
    who = state.api.get(route("sessions", "current"), Whoever)
    return f"logged in as {who.username} ({who.role})"


def _clock(state: _Walk) -> str | Hop:
    before = datetime.now(UTC)
    told = state.api.get(route("server"), ServerTold)
    here = before + (datetime.now(UTC) - before) / 2
    apart = here - told.time
    if abs(apart) <= _CLOCK:
        return (
            f"this computer's clock agrees with the server's ({abs(apart).total_seconds():.1f} s)"
        )
    word = "ahead of" if apart > timedelta() else "behind"
    return Hop(
        "clock",
        False,
        f"this computer's clock is {abs(apart).total_seconds():.0f} s {word} the server's",
        "Readings keep their own times; ages that are shown here are wrong until it is set",
    )


def _broker(state: _Walk) -> str:
    login = state.api.post(route("live"), LiveLogin)
    where = f"{login.host}:{login.port}"
    done = threading.Event()
    refused: list[str] = []

    def connected(client: mqtt.Client, _: Any, __: Any, reason: ReasonCode, ___: Any) -> None:
        if reason.is_failure:
            refused.append(str(reason))
            done.set()
        else:
            client.subscribe([(topic, 0) for topic in login.topics])

    def subscribed(*args: Any) -> None:
        refused.extend(str(code) for code in args[3] if code.is_failure)
        done.set()

    client = connecting(login)
    client.on_connect, client.on_subscribe = connected, subscribed
    try:
        client.connect(login.host, login.port, keepalive=20)
    except (OSError, ssl.SSLError) as error:
        raise NotReached(
            f"the broker at {where} cannot be reached ({error})",
            "Is the port open between here and the server? Devices need it, too",
        ) from None
    client.loop_start()
    try:
        if not done.wait(_WITHIN_S):
            raise TooSlow(f"the broker at {where} does not answer", "`fieldline doctor` says why")
    finally:
        client.disconnect()
        client.loop_stop()
    if refused:
        raise NotReached(
            f"the broker at {where} does not let this panel in ({refused[0]})",
            "`fieldline doctor` on the server looks at the broker's rules",
        )
    return f"{where} lets this panel hear the devices"


def _newest(state: _Walk) -> str | Hop:
    stages = state.api.get(route("pipeline"), Pipeline).stages
    newest = max((stage.newest for stage in stages if stage.newest), default=None)
    if newest is None:
        return Hop(
            "newest row",
            False,
            "the database has no row yet",
            "Register a device, and its first readings arrive here",
        )
    age = (datetime.now(UTC) - newest).total_seconds()
    return f"the newest row is {max(0.0, age):.0f} s old"
