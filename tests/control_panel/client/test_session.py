"""What a panel hears: events of the real API, devices at the real broker."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from cloud.stack import tls
from control_panel.client import hops
from control_panel.client.api import Api as Client
from control_panel.client.api import route
from control_panel.client.errors import NotTrusted
from control_panel.client.events import decoded
from control_panel.client.inbox import Heard, Inbox, Link
from control_panel.client.servers import Server, Servers
from control_panel.client.session import Session
from control_panel.model.things import Event, Registered
from tests.cloud.control.api import Api
from tests.control_panel.client.conftest import LoggedIn
from tests.servers import Broker
from tests.waiting import eventually

LogIn = Callable[[str], LoggedIn]


class Window:
    """Takes in what came, as the window does it, and keeps all of it."""

    def __init__(self, inbox: Inbox) -> None:
        self.inbox = inbox
        self.messages: list[Heard] = []
        self.events: list[Event] = []
        self.links: list[Link] = []
        self.looked_anew = 0

    def take(self) -> None:
        taken = self.inbox.take()
        self.messages += taken.messages
        self.events += taken.events
        self.links += taken.links
        self.looked_anew += taken.look_anew

    def is_up(self, *names: str) -> bool:
        self.take()
        last = {link.link: link.up for link in self.links}
        return all(last.get(name) for name in names)

    def is_down(self, *names: str) -> bool:
        self.take()
        last = {link.link: link.up for link in self.links}
        return all(last.get(name) is False for name in names)


@pytest.fixture
def session(logged_in: LogIn) -> Iterator[Session]:
    """A panel's, of a viewer."""
    opened = Session(*logged_in("viewer"))
    opened.open()
    yield opened
    opened.close()


def test_changes_and_devices_are_heard(
    session: Session, local: Client, broker: Broker, api: Api
) -> None:
    window = Window(session.inbox)
    eventually(lambda: window.is_up("events", "live"), what="both connections")
    assert window.looked_anew >= 1
    name = f"dev-{uuid.uuid4().hex[:8]}"
    made = local.post(route("devices"), Registered, {"name": name, "kind": "foreign"})
    assert made.login is not None

    def told() -> bool:
        window.take()
        return any((e.kind, e.subject, e.what) == ("device", name, "registered")
                   for e in window.events)  # fmt: skip

    eventually(told)
    login = made.login
    device = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=login.username)
    device.username_pw_set(login.username, login.password)
    device.tls_set(broker.ca)
    device.connect(login.host, login.port)
    device.loop_start()
    device.publish(f"fieldline/v1/{name}/data", b'[{"n":"t","v":20.5}]', qos=1).wait_for_publish(10)

    def heard() -> bool:
        window.take()
        return any(message.device == name for message in window.messages)

    eventually(heard)
    message = next(one for one in window.messages if one.device == name)
    assert (message.kind, message.payload) == ("data", b'[{"n":"t","v":20.5}]')
    device.disconnect()
    device.loop_stop()


def test_it_connects_again_by_itself_and_says_that_it_was_away(
    session: Session, api: Api, broker: Broker
) -> None:
    window = Window(session.inbox)
    eventually(lambda: window.is_up("events", "live"))
    before = window.looked_anew
    broker.stop()
    eventually(lambda: window.is_down("live"))
    why = next(link for link in reversed(window.links) if not link.up)
    assert why.said
    assert why.fix
    broker.start()
    eventually(lambda: window.is_up("live"))
    api.stop()
    eventually(lambda: window.is_down("events"))
    api.start()
    eventually(lambda: window.is_up("events"))
    assert window.looked_anew > before


def test_every_hop_to_the_newest_row_is_told(logged_in: LogIn) -> None:
    walked = list(hops.walk(*logged_in("viewer")))
    assert [hop.name for hop in walked][:6] == list(hops.NAMES[:6])
    assert all(hop.good for hop in walked[:6]), walked
    assert "viewer" in walked[3].said


@pytest.mark.parametrize(
    ("change", "name", "said"),
    [
        ({"url": "https://nowhere.invalid:1"}, "name", "not known"),
        ({"url": "https://127.0.0.1:1"}, "connection", "nobody answers"),
        ({"ca": "another"}, "certificate", "not the server"),
    ],
    ids=["name", "connection", "certificate"],
)
def test_the_hop_that_fails_is_the_last_and_says_why(
    logged_in: LogIn, tmp_path: Path, change: dict[str, str], name: str, said: str
) -> None:
    server, token = logged_in("viewer")
    if "ca" in change:
        change = {"ca": tls.ensure(tmp_path).ca.read_text()}
    walked = list(hops.walk(msgspec.structs.replace(server, **change), token))
    assert (walked[-1].name, walked[-1].good) == (name, False)
    assert said in walked[-1].said
    assert walked[-1].fix
    assert all(hop.good for hop in walked[:-1])


def test_a_token_that_was_revoked_fails_at_the_login(logged_in: LogIn) -> None:
    server, token = logged_in("viewer")
    with closing(Client(server.url, server.ca, token)) as client:
        client.delete(route("sessions", "current"))
    walked = list(hops.walk(server, token))
    assert (walked[-1].name, walked[-1].good) == ("login", False)


def test_whom_the_server_trusts_now_is_kept(session: Session, api: Api, tmp_path: Path) -> None:
    servers = Servers(tmp_path)
    session.keep_trust(servers)
    assert servers.known() == []
    old, new = api.certificates.ca.read_text(), tls.ensure(tmp_path / "new").ca.read_text()
    api.stop()
    api.certificates.ca.write_text(old + new)
    api.start()
    try:
        session.keep_trust(servers)
        assert [server.ca for server in servers.known()] == [old + new]
        assert session.api.get(route("health"), dict[str, str]) == {"status": "ok"}
    finally:
        api.stop()
        api.certificates.ca.write_text(old)
        api.start()


@pytest.mark.parametrize(
    ("lines", "events"),
    [
        ([b'event: device\r\n', b'data: {"number":3,"subject":"pi"}\n', b"\n"],
         [Event(kind="device", subject="pi", number=3)]),
        ([b": ping\n", b"\n", b"event: x\n", b"data: nonsense\n", b"\n"], []),
        ([b"event: x\n", b'data: {"number":\n', b"data: 4}\n", b"\n"],
         [Event(kind="x", number=4)]),
        ([b"event: x\n", b'data: {"number":1}\n'], []),
    ],
)  # fmt: skip
def test_an_event_stream_is_decoded(lines: list[bytes], events: list[Event]) -> None:
    assert list(decoded(iter(lines))) == events


def test_a_server_whose_ca_is_unusable_is_refused() -> None:
    with pytest.raises(NotTrusted):
        Session(Server("https://a:1", "nonsense", "ada"), "t")
