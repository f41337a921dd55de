"""What goes wrong while the panel runs: the window never freezes, says what is, and mends itself.

The panel's API, broker and PostgreSQL are of this module's own: they are killed.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import keyring
import msgspec
import paho.mqtt.client as mqtt
import psycopg
import pytest
from keyring.errors import KeyringLocked
from paho.mqtt.enums import CallbackAPIVersion
from PySide6.QtWidgets import QTableView
from pytestqt.qtbot import QtBot

from cloud.stack import tls
from cloud.stack.folder import Folder
from control_panel.client.api import Api as Client
from control_panel.client.api import route
from control_panel.client.secrets import Secrets
from control_panel.client.servers import Servers
from control_panel.model.layouts import ChartLayout, Curve, Layout
from control_panel.model.messages import ROW_BYTES
from control_panel.model.places import Place
from control_panel.model.things import Registered, Token, User
from control_panel.qt.application import Panels
from control_panel.qt.single import Single
from control_panel.qt.views.devices.view import DevicesView
from control_panel.qt.views.first_run.view import FirstRun
from control_panel.qt.views.live.view import LiveView
from tests.cloud.control.alone import alone_api
from tests.cloud.control.api import Api
from tests.control_panel.client.test_kept import Ring
from tests.control_panel.qt.beat import Beat
from tests.control_panel.qt.whole import Opened, button, known, person, said
from tests.servers import CHECKOUT, Postgres
from tests.waiting import eventually

LONGEST_MS = 3000.0
"""What waits in the window's thread waits for longer than that here; shorter pauses are measured by
`benchmarks.panel_soak`, on a machine that has nothing else to do."""
VIEWS = ("overview", "devices", "live", "pipeline", "alerts", "completeness", "boards")


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL that may be killed."""
    parent = Path(tempfile.mkdtemp(prefix="fieldline-faults-"))
    parent.chmod(0o755)
    own = Postgres(Folder(parent))
    own.start()
    try:
        yield own
    finally:
        if own.running:
            own.kill()
        shutil.rmtree(parent, ignore_errors=True)


@pytest.fixture(scope="module")
def api(postgres: Postgres) -> Iterator[Api]:
    """An API with a broker that may be killed."""
    with alone_api(postgres, "faults") as running:
        yield running


@pytest.fixture
def beat(qtbot: QtBot) -> Iterator[Beat]:
    """Fails the test if the window froze, or if a modal window came up."""
    beating = Beat(qtbot)
    yield beating
    beating.stop()
    assert beating.longest_ms <= LONGEST_MS
    assert beating.modal == ""


@pytest.fixture
def panels(opened: Opened, local: Client, beat: Beat, tmp_path: Path) -> Panels:
    """A panel that is connected, of an operator."""
    known(local, tmp_path)
    running = opened(tmp_path)
    beat.until(lambda: said(running) == "Connected")
    beat.until(lambda: running.window.stack.count() == len(VIEWS))
    beat.begin()  # that it starts, and how fast, is another matter
    return running


class Sender:
    """A device with readings of now, ten times a second."""

    def __init__(self, name: str, login: Any, ca: str) -> None:
        self.name = name
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=login.username)
        self._client.username_pw_set(login.username, login.password)
        self._client.tls_set(ca)
        self._client.connect(login.host, login.port)
        self._client.reconnect_delay_set(1, 1)
        self._client.loop_start()
        self._end = threading.Event()
        self._now = time.time  # a test may have this computer's clock jump; not the device's
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def close(self) -> None:
        self._end.set()
        self._thread.join()
        self._client.disconnect()
        self._client.loop_stop()

    def _run(self) -> None:
        while not self._end.wait(0.1):
            record = {"n": "t", "u": "Cel", "t": self._now(), "v": 20.5}
            self._client.publish(f"fieldline/v1/{self.name}/data", msgspec.json.encode([record]))


@pytest.fixture
def sender(api: Api, local: Client) -> Iterator[Sender]:
    name = f"dev-{uuid.uuid4().hex[:8]}"
    made = local.post(route("devices"), Registered, {"name": name, "kind": "foreign"})
    with closing(Sender(name, made.login, str(api.certificates.ca))) as sending:
        yield sending


def heard(panels: Panels, device: str) -> int:
    """Return how many readings of a device are in memory."""
    assert panels.connected is not None
    series = panels.connected.panel.live.series(device, "t")
    return 0 if series is None else series.taken


def chart(panels: Panels, device: str) -> LiveView:
    """Show a chart of the device's temperature."""
    panels.window.goto(Place("live"))
    view = panels.window.stack.currentWidget()
    assert isinstance(view, LiveView)
    view.charts.show_layout(Layout("", (ChartLayout((Curve(device, "t"),), span_s=60),)))
    return view


def is_grey(panels: Panels) -> bool:
    """Whether what is written is greyed."""
    view = panels.window.stack.currentWidget()
    assert view is not None
    grey = view.palette().windowText().color()
    for one in view.findChildren(QTableView):
        assert one.palette().text().color() == grey
    return grey != panels.window.palette().windowText().color()


def test_an_api_that_is_killed_and_comes_back(
    panels: Panels, api: Api, local: Client, beat: Beat
) -> None:
    beat.meanwhile(api.kill)
    beat.until(lambda: "No connection to the server" in said(panels))
    for name in VIEWS:
        panels.window.goto(Place(name))
        beat.until(lambda name=name: panels.window.view == name and is_grey(panels))  # type: ignore[misc]
    beat.meanwhile(api.start)
    name = f"dev-{uuid.uuid4().hex[:8]}"
    beat.meanwhile(lambda: local.post(route("devices"), Registered, {"name": name}))
    beat.until(lambda: said(panels) == "Connected", 30)
    beat.until(lambda: not is_grey(panels))
    assert panels.connected is not None
    fleet = panels.connected.panel.fleet
    beat.until(lambda: name in fleet.devices)


def test_a_broker_that_is_killed_and_comes_back(
    panels: Panels, api: Api, sender: Sender, beat: Beat
) -> None:
    chart(panels, sender.name)
    beat.until(lambda: heard(panels, sender.name) > 5)
    beat.meanwhile(api.broker.kill)
    beat.until(lambda: "No connection to the live readings" in said(panels))
    beat.until(lambda: is_grey(panels))
    beat.meanwhile(api.broker.start)
    beat.until(lambda: said(panels) == "Connected", 40)
    beat.until(lambda: not is_grey(panels))
    before = heard(panels, sender.name)
    beat.until(lambda: heard(panels, sender.name) > before)


@pytest.mark.long
def test_a_database_that_is_killed_and_comes_back(
    panels: Panels, postgres: Postgres, local: Client, beat: Beat
) -> None:
    assert panels.connected is not None
    fleet = panels.connected.panel.fleet
    beat.until(lambda: fleet.known)
    beat.meanwhile(postgres.kill)
    try:
        for name in VIEWS:
            panels.window.goto(Place(name))
            beat.until(lambda name=name: panels.window.view == name)  # type: ignore[misc]
        beat.until(lambda: "PostgreSQL does not answer" in said(panels))
    finally:
        beat.meanwhile(postgres.start)
    beat.until(lambda: said(panels) == "Connected", 30)
    name = f"dev-{uuid.uuid4().hex[:8]}"
    beat.meanwhile(lambda: local.post(route("devices"), Registered, {"name": name}))
    beat.until(lambda: name in fleet.devices, 30)


def rotate(api: Api, step: Callable[[Path], None]) -> None:
    """Take a step of the CA's rotation, as the running stack does: then all starts anew."""
    step(api.folder.tls)
    api.stop()
    api.broker.stop()
    api.broker.start()
    api.start()


@pytest.mark.long
def test_a_ca_that_is_rotated_is_gone_along_with(
    panels: Panels, api: Api, beat: Beat, tmp_path: Path
) -> None:
    try:
        beat.meanwhile(lambda: rotate(api, tls.begin_rotation))
        beat.until(lambda: said(panels) == "Connected", 40)
        beat.until(lambda: Servers(tmp_path).known()[0].ca.count("BEGIN") == 2)
    finally:
        beat.meanwhile(lambda: rotate(api, tls.finish_rotation))
    beat.until(lambda: said(panels) == "Connected", 40)
    beat.until(lambda: Servers(tmp_path).known()[0].ca.count("BEGIN") == 1)
    assert Servers(tmp_path).known()[0].ca.strip() == api.certificates.ca.read_text().strip()


@pytest.mark.long
def test_what_the_disk_does_not_take_is_said_and_kept_later(
    panels: Panels, api: Api, beat: Beat, tmp_path: Path
) -> None:
    kept = tmp_path.with_name(f"{tmp_path.name}-kept")
    tmp_path.rename(kept)
    tmp_path.touch()  # nothing can be written below a file, whoever one is
    try:
        beat.meanwhile(lambda: rotate(api, tls.begin_rotation))
        beat.until(lambda: "servers.json cannot be" in said(panels), 40)
        tmp_path.unlink()
        kept.rename(tmp_path)
        beat.until(lambda: said(panels) == "Connected", 40)
        assert Servers(tmp_path).known()[0].ca.count("BEGIN") == 2
    finally:
        beat.meanwhile(lambda: rotate(api, tls.finish_rotation))
    beat.until(lambda: said(panels) == "Connected", 40)


@contextmanager
def stranger(port: int, folder: Path) -> Iterator[list[bytes]]:
    """Somebody else answers there, with a certificate of a CA of their own; what they were sent."""
    made = tls.ensure(folder, ["127.0.0.1"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.certificate, made.key)
    sent: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", port))

    def serve() -> None:
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            sent.append(b"")
            with plain:
                try:
                    with context.wrap_socket(plain, server_side=True) as secure:
                        sent.append(secure.recv(1000))
                except OSError:
                    continue

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield sent
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def test_a_stranger_in_the_servers_place_is_told_nothing(
    panels: Panels, api: Api, beat: Beat, tmp_path: Path
) -> None:
    beat.meanwhile(api.kill)
    with stranger(api.port, tmp_path / "stranger") as sent:
        beat.until(lambda: "not the server that this panel was paired with" in said(panels))
        panels.window.goto(Place("pipeline"))
        beat.until(lambda: len(sent) > 3)
        assert b"".join(sent) == b""
        assert "Nothing was sent" in panels.window.state_line.said.toolTip()
    beat.meanwhile(api.start)
    beat.until(lambda: said(panels) == "Connected", 40)


def shut_out(panels: Panels, beat: Beat) -> None:
    """Wait until one is asked to log in again, and is told why."""
    beat.until(lambda: isinstance(panels.window.stack.currentWidget(), FirstRun), 30)
    first = panels.window.stack.currentWidget()
    assert isinstance(first, FirstRun)
    assert "token" in first.said.text()
    assert panels.connected is None


def withdraw(local: Client, name: str) -> None:
    """Log all clients of somebody out."""
    for token in local.every(route("tokens"), Token, {"all": "true"}):
        if token.username == name:
            local.delete(route("tokens", token.id))


def test_a_token_that_is_withdrawn_leads_to_logging_in(
    opened: Opened, local: Client, beat: Beat, tmp_path: Path
) -> None:
    name = known(local, tmp_path)
    panels = opened(tmp_path)
    beat.until(lambda: said(panels) == "Connected")
    beat.meanwhile(lambda: withdraw(local, name))
    shut_out(panels, beat)


def test_a_token_that_was_withdrawn_while_the_server_was_away(
    opened: Opened, api: Api, local: Client, beat: Beat, tmp_path: Path
) -> None:
    known(local, tmp_path)
    panels = opened(tmp_path)
    beat.until(lambda: said(panels) == "Connected")
    beat.meanwhile(api.kill)
    beat.until(lambda: "No connection to the server" in said(panels))
    with psycopg.connect(api.postgres.dsn("fieldline_owner")) as owner:
        owner.execute("DELETE FROM control.token")
    beat.meanwhile(api.start)
    shut_out(panels, beat)


def test_a_role_that_is_taken_away_takes_its_actions_along(
    opened: Opened, local: Client, beat: Beat, tmp_path: Path
) -> None:
    person(local, "admin")  # the last one would have to stay
    name = known(local, tmp_path, "admin")
    panels = opened(tmp_path)
    beat.until(lambda: said(panels) == "Connected")
    panels.window.goto(Place("devices"))
    view = panels.window.stack.currentWidget()
    assert isinstance(view, DevicesView)
    assert button(panels, "Register a device …").isEnabled()

    def demote() -> None:
        user = local.get(route("users", name), User)
        local.patch(route("users", name), User, {"role": "viewer"}, seen=user.version)

    beat.meanwhile(demote)
    beat.until(lambda: "(viewer)" in panels.window.state_line.who.text())
    beat.until(lambda: said(panels) == "Connected")
    assert panels.window.view == "devices"
    assert not button(panels, "Register a device …").isEnabled()


class Lockable(Ring):
    """A keyring that waits for its owner."""

    locked = True

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise KeyringLocked("dismissed")
        return super().get_password(service, username)


HOUR, DAY = 3600.0, 86_400.0


def test_a_clock_that_jumps_makes_nothing_lie(
    panels: Panels, sender: Sender, beat: Beat, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = chart(panels, sender.name)
    beat.until(lambda: heard(panels, sender.name) > 5)
    assert panels.connected is not None
    connected, right = panels.connected, time.time
    for jump, words in ((HOUR, "1 h ahead"), (-HOUR, "1 h behind"),
                        (DAY, "1 day ahead"), (-DAY, "1 day behind")):  # fmt: skip
        monkeypatch.setattr(time, "time", lambda jump=jump: right() + jump)
        beat.until(lambda words=words: words in said(panels))  # type: ignore[misc]
        connected.panel.events.look_anew()  # everything is asked again, with answers that date
        before = heard(panels, sender.name)
        beat.until(lambda before=before: heard(panels, sender.name) > before + 5)  # type: ignore[misc]
        newest = connected.panel.live.newest[sender.name, "t"]
        assert abs(newest.received_utc - newest.time_utc) < 3e6
        begin_utc, end_utc = view.charts.panels[0].chart.visible()
        assert begin_utc < newest.time_utc < end_utc
        assert end_utc - newest.time_utc < 5e6
        age = connected.panel.clock().timestamp() - right()
        assert abs(age) < 2.5
    monkeypatch.setattr(time, "time", right)
    beat.until(lambda: said(panels) == "Connected")


@contextmanager
def garbage(api: Api, beat: Beat) -> Iterator[str]:
    """Somebody says garbage at the broker, as a device of that name, and on any other topic."""
    name = f"dev-{uuid.uuid4().hex[:8]}"
    everything = {"acltype": "publishClientSend", "topic": "#", "priority": 0, "allow": True}
    commands = [
        {"command": "createRole", "rolename": name, "acls": [everything]},
        {"command": "createClient", "username": name, "password": "nonsense",
         "roles": [{"rolename": name}]},
    ]  # fmt: skip
    beat.meanwhile(lambda: api.broker.tell(commands))
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.control_panel.qt.garbage", api.broker.host,
         str(api.broker.port), api.broker.ca, name, "nonsense", name],
        cwd=CHECKOUT,
    )  # fmt: skip
    try:
        yield name
    finally:
        process.kill()
        process.wait(60)


@pytest.mark.long
@pytest.mark.parametrize("hidden", [False, True], ids=["shown", "hidden"])
def test_garbage_of_every_kind_stops_nothing(
    panels: Panels, api: Api, sender: Sender, beat: Beat, hidden: bool
) -> None:
    view = chart(panels, sender.name)
    assert panels.connected is not None
    live = panels.connected.panel.live
    with garbage(api, beat) as name:
        for number in range(1 if hidden else view.tabs.count()):
            view.tabs.setCurrentIndex(number)
            if hidden:
                panels.window.showMinimized()
                panels.window.hide()
            before, faults = heard(panels, sender.name), live.messages.faults
            beat.until(lambda faults=faults: live.messages.faults > faults + 150, 60)  # type: ignore[misc]
            assert heard(panels, sender.name) > before
        beat.until(lambda: (name, "c9999") in live.newest, 60)
        panels.window.showNormal()
        beat.until(panels.window.isVisible)
        for place in VIEWS:
            panels.window.goto(Place(place))
            before = heard(panels, sender.name)
            beat.until(lambda before=before: heard(panels, sender.name) > before)  # type: ignore[misc]
    assert said(panels) == "Connected"
    assert panels.connected.dropped == 0
    assert sum(len(one.payload) for one in live.messages.rows()) <= ROW_BYTES


def test_five_thousand_devices_hold_nothing_up(panels: Panels, api: Api, beat: Beat) -> None:
    assert panels.connected is not None
    fleet, events = panels.connected.panel.fleet, panels.connected.panel.events
    panels.window.goto(Place("devices"))
    view = panels.window.stack.currentWidget()
    assert isinstance(view, DevicesView)
    rows, dsn = view.fleet.table.rows, api.postgres.dsn("fieldline_owner")

    def tell(*statements: str) -> None:
        with psycopg.connect(dsn) as owner:
            for statement in statements:
                owner.execute(statement.encode())

    numbers = "FROM generate_series(1, 5000) AS n"
    made = (
        f"INSERT INTO storage.device (device) SELECT 'd-' || n {numbers}",
        f"INSERT INTO control.device (device, kind) SELECT 'd-' || n, 'agent' {numbers}",
    )
    beat.meanwhile(lambda: tell(*made))
    try:
        events.look_anew()
        beat.until(lambda: len(rows.rows) >= 5000)
        changed = "UPDATE control.device SET label = 'other' WHERE device ~ '^d-.*7$'"
        beat.meanwhile(lambda: tell(changed))
        events.look_anew()
        beat.until(lambda: fleet.devices["d-7"].label == "other")
        for place in VIEWS:
            panels.window.goto(Place(place))
            beat.until(lambda place=place: panels.window.view == place)  # type: ignore[misc]
        view.fleet.filter.setText("d-4999")
        beat.until(lambda: len(rows.rows) == 1)
    finally:
        beat.meanwhile(lambda: tell("DELETE FROM control.device WHERE device ~ '^d-[0-9]+$'"))


def test_a_keyring_that_is_locked_is_told_and_tried_again(
    opened: Opened, local: Client, beat: Beat, tmp_path: Path
) -> None:
    known(local, tmp_path)
    server = Servers(tmp_path).known()[0]
    token = Secrets(tmp_path).get(server.name)
    assert token is not None
    before, ring = keyring.get_keyring(), Lockable()
    ring.set_password("Fieldline", server.name, token)
    keyring.set_keyring(ring)
    try:
        panels = opened(tmp_path)
        first = panels.window.stack.currentWidget()
        assert isinstance(first, FirstRun)
        assert "the keyring does not give" in first.said.text()
        assert "Unlock it" in first.said.text()
        beat.until(first.known.isVisible)
        ring.locked = False
        button(panels, "Open").click()
        beat.until(first.open_button.isEnabled)
        first.open_button.click()
        beat.until(lambda: said(panels) == "Connected")
    finally:
        keyring.set_keyring(before)


def test_settings_that_nothing_can_be_written_to_stop_nothing(
    opened: Opened, beat: Beat, tmp_path: Path
) -> None:
    folder = tmp_path / "settings"
    folder.touch()
    panels = opened(folder)
    first = panels.window.stack.currentWidget()
    assert isinstance(first, FirstRun)
    beat.until(lambda: "cannot be read" in first.said.text())
    panels.window.close()
    assert panels.ended


def test_a_second_start_ends_and_the_first_goes_on(screen: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "control_panel", "--settings", str(tmp_path)]
    environment = {**os.environ, "FIELDLINE_DATA": str(tmp_path / "none")}
    place = Path(tempfile.gettempdir(), Single(str(tmp_path)).name)
    first = subprocess.Popen(command, cwd=CHECKOUT, env=environment)
    try:
        eventually(place.exists)
        second = subprocess.run(
            command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, timeout=20,
            check=True,
        )  # fmt: skip
        assert "runs already" in second.stdout
        assert first.poll() is None
    finally:
        first.terminate()
        first.wait(60)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_asked_to_end_by_the_system_it_closes_as_its_window_would(
    screen: str, tmp_path: Path, number: signal.Signals
) -> None:
    command = [sys.executable, "-m", "control_panel", "--settings", str(tmp_path)]
    environment = {**os.environ, "FIELDLINE_DATA": str(tmp_path / "none")}
    panel = subprocess.Popen(command, cwd=CHECKOUT, env=environment, stderr=subprocess.PIPE)
    try:
        eventually((tmp_path / "panel.json").exists, what="it has been there for a while")
        panel.send_signal(number)
        _, said = panel.communicate(timeout=60)
    finally:
        panel.kill()
    assert (panel.returncode, said) == (0, b"")
