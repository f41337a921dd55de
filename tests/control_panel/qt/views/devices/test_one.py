"""A device from its registration on, with a real agent, API and broker."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from control_panel.client.api import Api as Client
from control_panel.client.api import route
from control_panel.model.things import Command, Configuration, Device, EnrolmentToken
from control_panel.qt.panel import Panel
from control_panel.qt.views.devices.describe import degrees
from control_panel.qt.views.devices.page import DevicePage
from control_panel.qt.views.devices.view import DevicesView
from tests.cloud.control.api import Api
from tests.cloud.control.devices.player import enrol
from tests.control_panel.qt.rig import picture
from tests.edge_agent.process import AgentProcess
from wire.pack import encode_pack
from wire.reading import Reading, TimeQuality

STRICT = QAbstractItemModelTester.FailureReportingMode.Fatal
Agents = Callable[[str], AgentProcess]


def shown(qtbot: QtBot, panel: Panel) -> DevicesView:
    view = DevicesView(panel)
    qtbot.addWidget(view)
    view.resize(1180, 760)
    with qtbot.waitExposed(view):
        view.show()
    return view


def page_of(view: DevicesView, name: str) -> DevicePage:
    view.show_place(name)
    assert view.page is not None
    return view.page


def test_a_device_is_registered_joins_and_does_what_it_is_told(
    qtbot: QtBot, make_panel: Callable[..., Panel], agent: Agents, local: Client
) -> None:
    panel = make_panel()
    view = shown(qtbot, panel)
    name = f"pi-{uuid.uuid4().hex[:6]}"
    view.show_register()
    register = view.register
    qtbot.keyClicks(register.name, "pi 7")
    assert "a space" in register.fault.text().lower()
    assert not register.register.isEnabled()
    register.name.clear()
    qtbot.keyClicks(register.name, name)
    register.fields.label.setText("Boiler room")
    register.fields.latitude.setText("48.1")
    assert "together" in register.fault.text()
    register.fields.longitude.setText("11.5")
    qtbot.keyClick(register.name, Qt.Key.Key_Return)
    joining = register.joining
    qtbot.waitUntil(lambda: joining.isVisible() and name in joining.title.text())
    qtbot.mouseClick(joining.copy, Qt.MouseButton.LeftButton)
    pasted = QGuiApplication.clipboard().text()
    assert pasted.startswith("sudo fieldline-agent enrol 'fieldline:enrol?")
    assert " min" in joining.left.text()
    picture(view, "joining")
    token = parse_qs(pasted.split("?", 1)[1].rstrip("'"))["token"][0]
    agent(token)
    qtbot.waitUntil(joining.has_joined)
    qtbot.waitUntil(joining.readings.isVisible)
    picture(view, "joined")
    qtbot.mouseClick(joining.open, Qt.MouseButton.LeftButton)
    page = view.page
    assert page is not None
    assert page.title.text() == f"Boiler room ({name})"
    QAbstractItemModelTester(page.channels.channels.rows, STRICT)
    qtbot.waitUntil(lambda: len(page.channels.sources.rows.rows) == 2)
    assert any(row.channel == "fast/c" for row in page.channels.channels.rows.rows)
    picture(view, "channels")

    page.tabs.setCurrentWidget(page.configuration)
    configuration = page.configuration
    qtbot.waitUntil(lambda: "fast" in configuration.edits)
    configuration.edits["fast"].interval_s.setValue(0.2)
    assert configuration.save.isEnabled()
    qtbot.mouseClick(configuration.save, Qt.MouseButton.LeftButton)
    path = route("devices", name, "configuration")
    qtbot.waitUntil(lambda: not configuration.is_edited())
    qtbot.waitUntil(lambda: configuration.state.text().startswith("In step"))
    assert local.get(path, Configuration).own == {"fast": {"interval_s": 0.2}}
    configuration.edits["fast"].interval_s.setValue(0.000_1)
    configuration.edits["host"].interval_s.setValue(31_536_000)
    qtbot.mouseClick(configuration.save, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: configuration.state.text().startswith("The device refuses"))
    assert "interval" in configuration.state.text(), "the device says why"
    picture(view, "refused")
    panel.history.undo()
    qtbot.waitUntil(lambda: local.get(path, Configuration).own == {"fast": {"interval_s": 0.2}})

    page.tabs.setCurrentWidget(page.commands)
    commands = page.commands
    QAbstractItemModelTester(commands.table.rows, STRICT)
    commands.source.setCurrentIndex(commands.source.findData("fast"))
    qtbot.mouseClick(commands.stop, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: [one.state for one in commands.table.rows.rows] == ["done"])
    qtbot.mouseClick(commands.diagnose, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "✓" in commands.answer.toPlainText())
    picture(view, "commands")

    page.tabs.setCurrentWidget(page.history)
    qtbot.waitUntil(lambda: len(page.history.table.rows.rows) > 0)
    page.tabs.setCurrentWidget(page.audit)
    qtbot.waitUntil(
        lambda: any(one.action == "device.enrol" for one in page.audit.table.rows.rows),
    )
    picture(view, "audit")
    qtbot.keyClick(page, Qt.Key.Key_Escape)
    assert view.fleet.isVisible()
    picture(view, "table")


def test_a_command_for_a_device_that_is_away_waits_and_can_be_withdrawn(
    qtbot: QtBot, make_panel: Callable[..., Panel], registered: Callable[..., str], local: Client
) -> None:
    name = registered("agent")
    page = page_of(shown(qtbot, make_panel("operator")), name)
    page.tabs.setCurrentWidget(page.commands)
    commands = page.commands
    qtbot.mouseClick(commands.identify, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(commands.said.isVisible)
    qtbot.mouseClick(commands.said.action, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "waits" in commands.answer.toPlainText())
    assert len(commands.table.rows.rows) == 1
    assert commands.withdraw.isEnabled()
    qtbot.mouseClick(commands.withdraw, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: [one.state for one in commands.table.rows.rows] == ["withdrawn"])
    assert not commands.withdraw.isEnabled()
    path = route("devices", name, "commands")
    assert [one.state for one in local.every(path, Command)] == ["withdrawn"]


def test_what_was_revoked_can_be_taken_back_and_replaced(
    qtbot: QtBot, make_panel: Callable[..., Panel], registered: Callable[..., str],
    agent: Agents, local: Client, api: Api, tmp_path: Path,
) -> None:  # fmt: skip
    name = registered("agent")
    agent(local.post(route("devices", name, "enrolment"), EnrolmentToken).token)
    panel = make_panel()
    view = shown(qtbot, panel)
    page = page_of(view, name)

    def state() -> str:
        return local.get(route("devices", name), Device).state

    page._revoking.click()
    assert state() == "enrolled", "nothing happens before it is confirmed"
    page.confirmation.yes.click()
    qtbot.waitUntil(lambda: panel.history.last is not None)
    assert state() == "revoked"
    view.show_all()
    panel.history.undo()
    qtbot.waitUntil(lambda: state() == "enrolled")
    page = page_of(view, name)
    page._replace.click()
    qtbot.waitUntil(view.register.joining.isVisible)
    joining = view.register.joining
    assert name in joining.title.text()
    qtbot.waitUntil(lambda: (name, "fast/c") in panel.live.newest)
    assert not joining.has_joined(), "the one that is to be replaced sends still"
    token = parse_qs(joining.command.text().split("?", 1)[1].rstrip("'"))["token"][0]
    with api.client(api.local_token) as client:
        enrol(client, token, tmp_path)
    qtbot.waitUntil(joining.has_joined)


def test_label_and_place_are_edited_and_taken_back(
    qtbot: QtBot, make_panel: Callable[..., Panel], registered: Callable[..., str], local: Client
) -> None:
    name = registered(label="Old", latitude=1.5, longitude=2.5)
    panel = make_panel()
    page = page_of(shown(qtbot, panel), name)
    page._edit.click()
    assert page.describe.fields.longitude.text() == "2.5"
    page.describe.fields.label.setText("New")
    qtbot.mouseClick(page.describe.save, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: page.title.text().startswith("New"))
    qtbot.waitUntil(lambda: panel.history.last is not None)
    panel.history.undo()
    qtbot.waitUntil(lambda: page.title.text().startswith("Old"))
    path = route("devices", name)
    seen = local.get(path, Device)
    page._edit.click()
    local.put(path, Device, {"label": "Theirs"}, seen=seen.version)
    page.describe._device = seen
    page.describe.fields.label.setText("Mine")
    page.describe.save.click()
    qtbot.waitUntil(lambda: "Somebody else" in page.describe.said.text())
    assert local.get(path, Device).label == "Theirs"


def test_a_device_of_another_make_gets_its_login(
    qtbot: QtBot, make_panel: Callable[..., Panel]
) -> None:
    panel = make_panel()
    view = shown(qtbot, panel)
    view.show_register()
    view.register.name.setText(f"esp-{uuid.uuid4().hex[:6]}")
    view.register.foreign.setChecked(True)
    view.register.register.click()
    joining = view.register.joining
    qtbot.waitUntil(joining.isVisible)
    names = [one.text() for one in joining.findChildren(QLabel)]
    assert {"Password", "Topic"} <= set(names)
    picture(view, "foreign")
    name = joining._name
    at = round(panel.clock().timestamp() * 1e6)
    payload = encode_pack(name, [Reading("heat", at, 21.5, "Cel")], epoch="k" * 16, sequence=1,
                          quality=TimeQuality.SYNCED)  # fmt: skip
    panel.live.hear(name, "data", payload, at)
    panel.live.tell()
    assert joining.readings.isVisible()
    assert name in joining.waiting.text()


def test_a_file_is_looked_at_before_anything_is_sent_and_its_codes_are_kept(
    qtbot: QtBot, make_panel: Callable[..., Panel], registered: Callable[..., str],
    local: Client, tmp_path: Path,
) -> None:  # fmt: skip
    taken = registered()
    new = [f"bulk-{uuid.uuid4().hex[:8]}" for _ in range(3)]
    view = shown(qtbot, make_panel())
    view.show_bulk()
    bulk = view.bulk
    QAbstractItemModelTester(bulk.lines.rows, STRICT)
    table = tmp_path / "devices.csv"
    table.write_text(f"name,kind\n{new[0]},\n{taken},\nno name,\n")
    bulk.take(table)
    qtbot.waitUntil(lambda: len(bulk.lines.rows.rows) == 3)
    assert [line.number for line in bulk.lines.rows.rows if line.fault] == [3, 4]
    assert not bulk.register.isEnabled()
    picture(view, "bulk")
    table.write_text(f"name,kind\n{new[0]},\n{new[1]},agent\n{new[2]},foreign\n")
    bulk.take(table)
    qtbot.waitUntil(bulk.register.isEnabled)
    bulk.send(tmp_path / "devices.csv" / "not a folder.csv")
    qtbot.waitUntil(lambda: "not saved yet" in bulk.what.text())
    codes = tmp_path / "codes.csv"
    bulk._save(codes)
    qtbot.waitUntil(codes.exists)
    assert codes.stat().st_mode & 0o777 == 0o600
    assert all(name in codes.read_text() for name in new)
    assert {one.name for one in local.every(route("devices"), Device)} >= set(new)


@pytest.mark.parametrize(
    ("text", "value"),
    [("48.1", 48.1), (" 48,1° ", None), ("−7.5", -7.5), ("91", None), ("x", None)],  # noqa: RUF001
)
def test_degrees_are_read_as_people_write_them(text: str, value: float | None) -> None:
    assert degrees(text, 90) == value
