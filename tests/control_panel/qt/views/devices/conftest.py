"""A panel that is connected to the real API, and takes in what comes as the window does it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, QTimer
from pytestqt.qtbot import QtBot

from control_panel.client import links
from control_panel.client.api import Api as Client
from control_panel.client.api import route
from control_panel.client.events import Events
from control_panel.client.inbox import Inbox
from control_panel.client.live import Live as Listening
from control_panel.model.actions import Registry
from control_panel.model.broadcast import Broadcast
from control_panel.model.fleet import Fleet
from control_panel.model.history import History
from control_panel.model.live import Live
from control_panel.model.places import Place
from control_panel.model.things import Device, Event, Invited, Registered
from control_panel.qt.dashboards import Dashboards
from control_panel.qt.door import Door
from control_panel.qt.panel import Panel
from tests.cloud.control.api import Api
from tests.cloud.control.devices.player import enrol
from tests.cloud.control.remote.conftest import SOURCES, login_of
from tests.control_panel.trading import let_in
from tests.edge_agent.process import AgentProcess

Make = Callable[..., Panel]


@pytest.fixture
def local(api: Api) -> Iterator[Client]:
    """This machine's own administrator."""
    client = Client(api.url, api.certificates.ca.read_text(), api.local_token)
    yield client
    client.close()


@pytest.fixture
def went() -> list[Place]:
    """Where the views have led."""
    return []


@pytest.fixture
def person(local: Client) -> Iterator[Client]:
    """Somebody's own login: only a person's panel hears devices."""
    name = f"panel-{uuid.uuid4().hex[:8]}"
    made = local.post(route("users"), Invited, {"username": name, "role": "admin"})
    server, session = let_in(links.read(made.invitation.link), "correct horse battery")
    client = Client(server.url, server.ca, session.token)
    yield client
    client.close()


@pytest.fixture
def make_panel(qtbot: QtBot, person: Client, went: list[Place]) -> Iterator[Make]:
    """Make a panel; what it hears comes in until the end."""
    owner = QObject()
    door = Door(owner)
    inbox = Inbox()
    events, listening = Events(person, inbox), Listening(person, inbox)
    timer = QTimer(owner, interval=20)
    broadcast = Broadcast()
    fleet = Fleet()

    def make(role: str = "admin") -> Panel:
        fleet.replace(person.every(route("devices"), Device))
        panel = Panel(
            api=person, live=Live(), fleet=fleet, events=broadcast, registry=Registry(role),
            history=History(), door=door, dashboards=Dashboards(person, door),
            clock=lambda: datetime.now(UTC), goto=went.append, role=role,
        )  # fmt: skip

        def take() -> None:
            taken = inbox.take()
            for message in taken.messages:
                panel.live.hear(*message)
            panel.live.tell()
            if taken.look_anew:
                broadcast.look_anew()
            for event in taken.events:
                broadcast.tell(event)
                if event.kind == "device" and event.subject:
                    # others may have removed it meanwhile
                    known = person.every(route("devices"), Device)
                    fleet.take([one for one in known if one.name == event.subject])

        came: list[Event] = []
        end = broadcast.listen((), came.append)
        timer.timeout.connect(take)
        timer.start()
        events.start()
        listening.start()
        qtbot.waitUntil(lambda: bool(came))  # from now on nothing is missed
        end()
        return panel

    yield make
    timer.stop()
    events.stop()
    listening.stop()
    assert door.close(5)
    owner.deleteLater()


@pytest.fixture
def registered(local: Client) -> Callable[..., str]:
    """Register a device; its name."""

    def register(kind: str = "foreign", **members: object) -> str:
        name = f"dev-{uuid.uuid4().hex[:8]}"
        local.post(route("devices"), Registered, {"name": name, "kind": kind, **members})
        return name

    return register


Agents = Callable[[str], AgentProcess]


@pytest.fixture
def agent(api: Api, tmp_path: Path) -> Iterator[Agents]:
    """Start a real agent that joins with a token; all are stopped in the end."""
    started: list[AgentProcess] = []

    def start(token: str) -> AgentProcess:
        with api.client(api.local_token) as client:
            identity = enrol(client, token, tmp_path)
        made = AgentProcess(
            tmp_path / identity.device, api.broker, identity.device, sources=SOURCES,
            login=login_of(identity),
        )  # fmt: skip
        made.start()
        started.append(made)
        return made

    yield start
    for one in started:
        if one.process is not None and one.process.poll() is None:
            assert one.stop() == 0
