"""The broker as the stack runs it: who may do what, and what outlives what."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.subscribeoptions import SubscribeOptions

from cloud.stack import accounts
from cloud.stack.accounts import Kind
from cloud.stack.folder import Folder
from tests.servers import Broker
from tests.waiting import eventually
from wire import topics

NOT_AUTHORISED = 135


class Session:
    """A logged-in client that keeps what it is told."""

    def __init__(self, broker: Broker, username: str, password: str, protocol: int) -> None:
        self.messages: list[str] = []
        self.code: Any = None
        self._quality: dict[str, Any] = (
            {"options": SubscribeOptions(qos=1)} if protocol == paho.MQTTv5 else {"qos": 1}
        )
        self._done: dict[int, Any] = {}
        self._connected = threading.Event()
        self.gone = threading.Event()
        client = self.client = paho.Client(
            CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion(protocol)
        )
        client.tls_set_context(ssl.create_default_context(cafile=broker.ca))
        client.username_pw_set(username, password)
        client.reconnect_delay_set(0.01, 0.01)  # type: ignore[arg-type]  # seconds, and it waits so long
        client.on_connect = self._on_connect
        client.on_publish = lambda _c, _u, mid, code, _p: self._done.__setitem__(mid, code.value)
        client.on_subscribe = lambda _c, _u, mid, codes, _p: self._done.__setitem__(
            mid, codes[0].value
        )
        client.on_message = lambda _c, _u, message: self.messages.append(message.topic)
        client.on_disconnect = lambda *_: self.gone.set()
        client.connect(broker.host, broker.port)
        client.loop_start()
        assert self._connected.wait(60)

    def publish(self, topic: str, *, retain: bool = False) -> int:
        mid = self.client.publish(topic, b"x", qos=1, retain=retain).mid
        return int(eventually(lambda: self._done.get(mid, -1) + 1, what=topic)) - 1

    def subscribe(self, topic: str) -> int:
        # After a refusal the client connects anew, and has nowhere to ask meanwhile.
        mid = eventually(lambda: self.client.subscribe(topic, **self._quality)[1])
        assert mid is not None
        return int(eventually(lambda: self._done.get(mid, -1) + 1, what=topic)) - 1

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def _on_connect(self, _c: Any, _u: Any, _f: Any, code: Any, _p: Any) -> None:
        self.code = code
        self._connected.set()


@pytest.fixture
def login(broker: Broker) -> Iterator[Any]:
    made: list[Session] = []

    def open_session(username: str, protocol: int = paho.MQTTv5) -> Session:
        session = Session(broker, username, broker.password_of(username), protocol)
        assert not session.code.is_failure, session.code
        made.append(session)
        return session

    yield open_session
    for session in made:
        session.close()


@pytest.fixture(scope="session")
def people(broker: Broker) -> list[str]:
    broker.add("pi-1")
    broker.add("pi-2")
    broker.add("plug-1", Kind.FOREIGN)
    return ["pi-1", "pi-2", "plug-1"]


def test_a_wrong_password_is_refused(broker: Broker, people: list[str]) -> None:
    session = Session(broker, "pi-1", "guess", paho.MQTTv5)
    session.close()
    assert session.code.is_failure


def test_a_device_publishes_below_its_own_prefix_and_nowhere_else(
    login: Any, people: list[str]
) -> None:
    bridge, device = login(accounts.BRIDGE), login("pi-1")
    for kind in ("data", "backfill"):
        assert bridge.subscribe(topics.shared("bridge", topics.all_devices(kind))) == 1
        # Of a share other members of the group would get their part.
        assert bridge.subscribe(topics.all_devices(kind)) == 1
    own = ["data", "backfill", "status", "meta", "cmd/reply", "config/reported"]
    assert {device.publish(f"fieldline/v1/pi-1/{kind}") for kind in own} <= {0, 16}
    forbidden = [
        *(f"fieldline/v1/pi-2/{kind}" for kind in own),
        "fieldline/v1/pi-1/receipt", "fieldline/v1/pi-1/cmd", "fieldline/v1/pi-1/config/desired",
        "fieldline/v1/pi-1", "fieldline/v1/data", "else", "$CONTROL/dynamic-security/v1",
    ]  # fmt: skip
    assert {device.publish(topic) for topic in forbidden} == {NOT_AUTHORISED}
    assert device.publish("fieldline/v1/pi-2/data", retain=True) == NOT_AUTHORISED
    allowed = {topics.data("pi-1"), topics.backfill("pi-1")}
    eventually(lambda: set(bridge.messages) >= allowed, what="the bridge has two packs")
    assert set(bridge.messages) == allowed


@pytest.mark.parametrize("protocol", [paho.MQTTv5, paho.MQTTv311])
def test_a_device_subscribes_to_what_it_is_told_and_to_nothing_else(
    login: Any, people: list[str], protocol: int
) -> None:
    device = login("pi-1", protocol)
    for kind in ("receipt", "cmd", "config/desired"):
        assert device.subscribe(f"fieldline/v1/pi-1/{kind}") == 1, kind
    for topic in (
        "#", "fieldline/#", "fieldline/v1/+/receipt", "fieldline/v1/pi-2/receipt",
        "fieldline/v1/pi-2/data", "$SYS/#", "$CONTROL/#", "$share/bridge/fieldline/v1/+/data",
        "$share/x/fieldline/v1/pi-2/data",
    ):  # fmt: skip
        assert device.subscribe(topic) >= 128, topic


def test_a_foreign_client_may_publish_data_and_hear_nothing(login: Any, people: list[str]) -> None:
    client = login("plug-1")
    assert client.publish("fieldline/v1/plug-1/data") in {0, 16}
    for topic in ("fieldline/v1/plug-1/status", "fieldline/v1/pi-1/data", "cmnd/plug-1/power"):
        assert client.publish(topic) == NOT_AUTHORISED, topic
    for topic in ("fieldline/v1/plug-1/receipt", "fieldline/v1/plug-1/data", "#"):
        assert client.subscribe(topic) >= 128, topic


def test_the_watcher_hears_and_says_nothing(login: Any, people: list[str]) -> None:
    watcher, device = login(accounts.WATCHER), login("pi-1")
    assert watcher.subscribe("fieldline/v1/#") == 1
    device.publish("fieldline/v1/pi-1/status")
    eventually(lambda: "fieldline/v1/pi-1/status" in watcher.messages)
    assert watcher.publish("fieldline/v1/pi-1/data") == NOT_AUTHORISED


def test_an_account_taken_away_is_disconnected_at_once(broker: Broker, login: Any) -> None:
    broker.add("pi-gone")
    device = login("pi-gone")
    broker.tell(accounts.removal("pi-gone"))
    assert device.gone.wait(2)


def test_accounts_outlive_a_deleted_folder_and_a_kill(tmp_path: Path) -> None:
    broker = Broker(Folder(tmp_path))
    broker.start()
    try:
        password = broker.add("pi-1")
        broker.kill()
        broker.wipe()
        broker.start()
        session = Session(broker, "pi-1", password, paho.MQTTv5)
        session.close()
        assert not session.code.is_failure
    finally:
        broker.kill()


@pytest.mark.parametrize("damage", ["garbage", "cut short", "none"])
def test_a_damaged_database_is_set_aside_and_the_broker_starts(tmp_path: Path, damage: str) -> None:
    broker = Broker(Folder(tmp_path))
    broker.start()
    broker.add("pi-1")  # it listens before it heeds signals, so let it do something
    database, aside = broker.own / "mosquitto.db", broker.own / "mosquitto.db.damaged"
    broker.stop()
    before = database.read_bytes()
    database.write_bytes({"garbage": b"x" * 99, "cut short": before[:-3], "none": before}[damage])
    broker.start()
    broker.kill()
    assert aside.exists() is (damage != "none")


def test_no_secret_is_readable_by_others_or_stands_in_an_argument(broker: Broker) -> None:
    secrets = [
        file.read_text().strip()
        for file in broker.folder.secrets.iterdir()
        if file.name != "accounts.json"
    ]
    assert len(secrets) >= 3
    arguments = Path(f"/proc/{broker.pid}/cmdline").read_text()
    for file in broker.folder.data.rglob("*"):
        if not file.is_file() or file == broker.log:
            continue
        text = file.read_text(errors="replace")
        if any(secret in text for secret in secrets) or "PRIVATE KEY" in text:
            assert file.stat().st_mode & 0o077 == 0, file
    assert not any(secret in arguments for secret in secrets)
    assert not any(secret in broker.log.read_text() for secret in secrets)
