"""The demonstration: everything is shown, nothing is sent, nothing is kept."""

from __future__ import annotations

import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel, QPlainTextEdit, QPushButton
from pytestqt.qtbot import QtBot

from control_panel.client.demo.start import session
from control_panel.model.places import Place
from control_panel.qt.application import Panels
from control_panel.qt.rows import Table
from control_panel.qt.views.first_run.view import FirstRun
from tests.control_panel.qt.whole import button, said


@pytest.fixture
def demo(qtbot: QtBot, qapp: QApplication, tmp_path: Path) -> Iterator[Panels]:
    """The panel on recorded data."""
    panels = Panels(qapp, tmp_path / "settings", demonstration=session)
    qtbot.addWidget(panels.window)
    panels.start()
    assert panels.connected is not None
    fleet = panels.connected.panel.fleet
    qtbot.waitUntil(lambda: len(fleet.devices) > 5)
    yield panels
    panels.window.close()


def texts(panels: Panels) -> str:
    """All that a person reads in labels and tables of the view that is shown."""
    view = panels.window.stack.currentWidget()
    assert view is not None
    found = [label.text() for label in view.findChildren(QLabel) if label.isVisible()]
    for table in view.findChildren(Table):
        model = table.model()
        found += [
            str(model.index(row, column).data())
            for row in range(model.rowCount())
            for column in range(model.columnCount())
            if table.isVisible()
        ]
    found += [text.toPlainText() for text in view.findChildren(QPlainTextEdit)]
    return "\n".join(found).replace("&nbsp;", " ")


@pytest.mark.parametrize(
    ("place", "shown"),
    [
        (Place("overview"), "dairy too warm"),
        (Place("devices"), "greenhouse-north"),
        (Place("devices", "workshop-air"), "Carbon monoxide"),
        (Place("live", "workshop-air"), "Gas sensor voltage"),
        (Place("pipeline", "stream"), "messages, the oldest"),
        (Place("alerts"), "cold-store-2"),
        (Place("completeness"), "boiler-house"),
        (Place("boards"), "mq2_air_quality"),
    ],
)
def test_every_view_has_something_to_show(
    demo: Panels, qtbot: QtBot, place: Place, shown: str
) -> None:
    demo.window.goto(place)
    qtbot.waitUntil(lambda: shown in texts(demo))
    assert said(demo).startswith("Demonstration")
    assert demo.window.windowTitle().endswith("demonstration")


def test_readings_move(demo: Panels, qtbot: QtBot) -> None:
    assert demo.connected is not None
    live = demo.connected.panel.live
    key = ("workshop-air", "co")
    qtbot.waitUntil(lambda: key in live.newest)
    first = live.newest[key].time_utc
    qtbot.waitUntil(lambda: live.newest[key].time_utc > first)


def test_what_needs_a_server_is_answered_by_what_it_would_do(demo: Panels, qtbot: QtBot) -> None:
    demo.window.goto(Place("pipeline"))
    qtbot.waitUntil(lambda: "Grafana is stalled" in texts(demo))
    qtbot.mouseClick(button(demo, "Stop everything"), Qt.MouseButton.LeftButton)

    def sure() -> list[QPushButton]:
        found = demo.window.findChildren(QPushButton)
        return [one for one in found if one.isEnabled() and one.accessibleName()[:3] == "Yes"]

    qtbot.waitUntil(lambda: bool(sure()))
    sure()[0].click()
    qtbot.waitUntil(lambda: "This is a demonstration" in texts(demo))
    assert "would stop the stages in their order" in texts(demo)


def test_nothing_is_sent_and_nothing_is_kept(
    demo: Panels, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a demonstration asks nobody")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    for view in ("devices", "live", "pipeline", "alerts", "completeness", "boards", "overview"):
        demo.window.goto(Place(view))
        qtbot.wait(50)  # so that what it asks for is asked
    demo._keep()
    demo.window.close()
    assert not (tmp_path / "settings").exists()


def test_from_it_one_comes_to_a_server(demo: Panels, qtbot: QtBot) -> None:
    qtbot.mouseClick(demo.window.state_line.connect_now, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: isinstance(demo.window.stack.currentWidget(), FirstRun))
    assert demo.connected is None
