"""The whole panel as a person uses it, against the real API and broker."""

from __future__ import annotations

import sys
import threading
import uuid
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel, QPlainTextEdit
from pytestqt.qtbot import QtBot

from control_panel.client import files
from control_panel.client.api import Api as Client
from control_panel.client.api import route
from control_panel.client.servers import Servers
from control_panel.model import panel_settings
from control_panel.model.places import Place
from control_panel.model.things import Invited, Pairing, Registered, User
from control_panel.qt.crash import CrashDialog, Crashes
from control_panel.qt.single import Single
from control_panel.qt.views.first_run.view import FirstRun
from control_panel.qt.views.live.view import LiveView
from tests.cloud.control.api import Api
from tests.control_panel.qt.whole import PASSWORD, Opened, button, known, person, said
from tests.servers import Broker


def test_somebody_new_pastes_a_link_and_is_in(
    opened: Opened, qtbot: QtBot, local: Client, tmp_path: Path
) -> None:
    name = person(local)
    panels = opened(tmp_path)
    first = panels.window.stack.currentWidget()
    assert isinstance(first, FirstRun)
    drawn = local.post(route("pairings"), Pairing, {"username": name})
    text = panels.window.findChild(QPlainTextEdit)
    assert text is not None
    text.setPlainText(f"Here it is:\n{drawn.text}\n")
    qtbot.mouseClick(button(panels, "Connect"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(first.open_button.isEnabled)
    assert name in first.hops.said("login")
    qtbot.waitUntil(lambda: bool(first.hops.said("newest row")))
    qtbot.mouseClick(first.open_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: said(panels) == "Connected")
    assert name in panels.window.state_line.who.text()
    assert [server.username for server in Servers(tmp_path).known()] == [name]


def test_an_invitation_asks_for_a_password(
    opened: Opened, qtbot: QtBot, local: Client, tmp_path: Path
) -> None:
    name = f"panel-{uuid.uuid4().hex[:8]}"
    made = local.post(route("users"), Invited, {"username": name, "role": "viewer"})
    panels = opened(tmp_path)
    first = panels.window.stack.currentWidget()
    assert isinstance(first, FirstRun)
    (tmp_path / "link.txt").write_text(made.invitation.link)
    assert not first.link.password.isVisible()
    first.read_file(tmp_path / "link.txt")
    qtbot.waitUntil(first.link.password.isVisible)
    first.link.password.setText(PASSWORD)
    qtbot.mouseClick(button(panels, "Connect"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(first.open_button.isEnabled)
    qtbot.waitUntil(lambda: bool(first.hops.said("newest row")))


def test_what_is_no_link_is_told_in_its_place(opened: Opened, qtbot: QtBot, tmp_path: Path) -> None:
    panels = opened(tmp_path)
    first = panels.window.stack.currentWidget()
    assert isinstance(first, FirstRun)
    first.link.text.setPlainText("fieldline:pair?url=https://x")
    qtbot.mouseClick(button(panels, "Connect"), Qt.MouseButton.LeftButton)
    assert "lacks ca, code" in first.said.text()
    first.read_file(tmp_path / "nothing.txt")
    qtbot.waitUntil(lambda: "is not there" in first.said.text())


def test_a_known_server_is_there_at_once_and_comes_back_by_itself(
    opened: Opened, qtbot: QtBot, api: Api, broker: Broker, local: Client, tmp_path: Path
) -> None:
    known(local, tmp_path)
    panels = opened(tmp_path)
    assert panels.window.bar.isVisible()
    qtbot.waitUntil(lambda: said(panels) == "Connected")
    broker.stop()
    qtbot.waitUntil(lambda: "live readings" in said(panels))
    assert QApplication.activeModalWidget() is None
    broker.start()
    qtbot.waitUntil(lambda: said(panels) == "Connected", timeout=40_000)


def test_devices_are_known_and_what_changes_too(
    opened: Opened, qtbot: QtBot, local: Client, tmp_path: Path
) -> None:
    known(local, tmp_path)
    panels = opened(tmp_path)
    qtbot.waitUntil(lambda: said(panels) == "Connected")
    assert panels.connected is not None
    fleet = panels.connected.panel.fleet
    qtbot.waitUntil(lambda: fleet.known)
    name = f"dev-{uuid.uuid4().hex[:8]}"
    local.post(route("devices"), Registered, {"name": name, "site": "attic"})
    qtbot.waitUntil(lambda: name in fleet.devices)
    assert fleet.devices[name].site == "attic"


def test_a_role_that_changes_changes_what_may_be_done(
    opened: Opened, qtbot: QtBot, local: Client, tmp_path: Path
) -> None:
    name = known(local, tmp_path, "viewer")
    panels = opened(tmp_path)
    qtbot.waitUntil(lambda: said(panels) == "Connected")
    user = local.get(route("users", name), User)
    local.patch(route("users", name), User, {"role": "operator"}, seen=user.version)
    qtbot.waitUntil(lambda: "(operator)" in panels.window.state_line.who.text())


def test_who_is_shut_out_is_asked_for_a_server_again(
    opened: Opened, qtbot: QtBot, local: Client, tmp_path: Path
) -> None:
    name = known(local, tmp_path)
    panels = opened(tmp_path)
    qtbot.waitUntil(lambda: said(panels) == "Connected")
    user = local.get(route("users", name), User)
    local.patch(route("users", name), User, {"disabled": True}, seen=user.version)
    qtbot.waitUntil(
        lambda: isinstance(panels.window.stack.currentWidget(), FirstRun), timeout=20_000
    )
    labels = [label.text() for label in panels.window.findChildren(QLabel)]
    assert any("token" in text for text in labels)


def test_what_was_shown_is_shown_again(
    opened: Opened, qtbot: QtBot, local: Client, tmp_path: Path
) -> None:
    known(local, tmp_path)
    panels = opened(tmp_path)
    panels.window.activateWindow()
    qtbot.waitUntil(panels.window.isActiveWindow)
    qtbot.keyClick(panels.window, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    palette = panels.window.palette_dialog
    qtbot.waitUntil(palette.isVisible)
    qtbot.keyClicks(palette.words, "pipel")
    qtbot.keyClick(palette.words, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: panels.window.view == "pipeline")
    panels.window.resize(1100, 700)
    panels.window.close()
    kept = panel_settings.read(files.read(tmp_path / "panel.json"))
    assert kept.view == "pipeline"
    again = opened(tmp_path)
    assert again.window.view == "pipeline"
    assert (again.window.width(), again.window.height()) == (1100, 700)


def test_a_layout_is_on_disk_before_the_window_closes(
    opened: Opened, qtbot: QtBot, local: Client, tmp_path: Path
) -> None:
    known(local, tmp_path)
    panels = opened(tmp_path)
    panels.window.goto(Place("live"))
    view = panels.window.stack.currentWidget()
    assert isinstance(view, LiveView)
    view.charts.layouts.save("greenhouse")

    def kept() -> bool:
        views = panel_settings.read(files.read(tmp_path / "panel.json")).views
        return [one["name"] for one in views.get("live", {}).get("layouts", [])] == ["greenhouse"]

    qtbot.waitUntil(kept)


def test_a_damaged_file_of_servers_is_told_and_can_be_gone_past(
    opened: Opened, tmp_path: Path
) -> None:
    (tmp_path / "servers.json").write_text("nonsense")
    (tmp_path / "panel.json").write_text("nonsense")
    panels = opened(tmp_path)
    first = panels.window.stack.currentWidget()
    assert isinstance(first, FirstRun)
    assert "servers.json is damaged" in first.said.text()


def test_a_second_start_brings_the_first_window_to_the_front(
    qtbot: QtBot, qapp: QApplication, tmp_path: Path
) -> None:
    asked: list[str] = []
    first, second = Single(str(tmp_path)), Single(str(tmp_path))
    assert first.is_first()
    first.when_asked(lambda: asked.append("raise"))
    assert not second.is_first()
    qtbot.waitUntil(lambda: asked == ["raise"])
    assert Single(str(tmp_path / "other")).is_first()


@pytest.mark.logs_errors
def test_a_fault_of_ours_is_shown_once_and_saved_where_one_wants(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    shown: list[str] = []
    Crashes(shown.append, None).install()

    def fail() -> None:
        raise ZeroDivisionError("by nothing")

    for _ in range(3):
        thread = threading.Thread(target=fail)
        thread.start()
        thread.join()
    qtbot.waitUntil(lambda: bool(shown))
    assert len(shown) == 1
    assert "by nothing" in shown[0]
    dialog = CrashDialog(shown[0])
    qtbot.addWidget(dialog)
    dialog.save(tmp_path / "report.txt")
    assert (tmp_path / "report.txt").read_text() == shown[0]
    dialog.save(tmp_path / "nowhere" / "report.txt")
    assert "cannot be written" in dialog.told.text()
