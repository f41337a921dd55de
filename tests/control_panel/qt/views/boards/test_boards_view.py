"""Boards on devices, and a simulated one on this computer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QAbstractItemModelTester
from pytestqt.qtbot import QtBot

from control_panel.model.places import Place
from control_panel.qt.views.boards.view import BoardsView
from firmware.arduino.build import SKETCHES, build_rig, build_sketch
from firmware.arduino.rig import Rig as Board
from tests.cloud.control.api import Api
from tests.control_panel.qt.rig import Rig, picture
from wire.pack import encode_pack
from wire.reading import Channel, Reading, TimeQuality
from wire.serial_line import Answer
from wire.status import Board as SaidBoard
from wire.status import Meta, SourceStatus, Status, encode_meta, encode_status

STRICT = QAbstractItemModelTester.FailureReportingMode.Fatal
LONG_MS = 20_000


@pytest.fixture
def rig(api: Api, qapp: object) -> Iterator[Rig]:
    rig = Rig(api, "viewer")
    yield rig
    rig.close()


@pytest.fixture
def view(qtbot: QtBot, rig: Rig) -> Iterator[BoardsView]:
    view = BoardsView(rig.panel)
    qtbot.addWidget(view)
    view.resize(1180, 760)
    with qtbot.waitExposed(view):
        view.show()
    yield view
    view.close_down()


def test_boards_on_devices_say_what_they_are(qtbot: QtBot, rig: Rig, view: BoardsView) -> None:
    boards = view.on_devices
    QAbstractItemModelTester(boards.boards.rows, STRICT)
    assert boards.empty.isVisible()
    live, now = rig.panel.live, round(rig.panel.clock().timestamp() * 1e6)
    meta = Meta(
        boards=(SaidBoard("uno", "mq2_air_quality", "1.0", "uno"),),
        channels=(Channel("uno/co", "Carbon monoxide", "ppm", source="uno"), Channel("x")),
    )
    source = SourceStatus("uno", "arduino", readings=7, counters={"lost_lines": 3})
    live.hear("pi-7", "meta", encode_meta(meta), now)
    live.hear("pi-7", "status", encode_status(Status("online", sources=(source,))), now)
    payload = encode_pack("pi-7", [Reading("uno/co", now, 1.5, "ppm")], epoch="k" * 16,
                          sequence=1, quality=TimeQuality.SYNCED)  # fmt: skip
    live.hear("pi-7", "data", payload, now)
    live.tell()
    boards.refresh()
    row = [boards.boards.rows.index(0, n).data() for n in range(9)]
    assert row[1:] == ["pi-7", "uno", "uno", "mq2_air_quality 1.0", "1", "7", "3", "0"]
    assert [one.channel for one in boards.channels.rows.rows] == ["uno/co"]
    picture(view, "boards")
    qtbot.keyClick(boards.boards, Qt.Key.Key_Return)
    assert rig.places == [Place("devices", "pi-7")]
    boards.filter.setText("nothing")
    assert boards.empty.isVisible()


def test_a_board_on_this_computer_is_heard_and_told(qtbot: QtBot, view: BoardsView) -> None:
    here = view.here
    view.tabs.setCurrentWidget(here)
    QAbstractItemModelTester(here.channels.rows, STRICT)
    assert not here.command.isEnabled()
    build_rig()
    with Board(build_sketch(SKETCHES / "environment").elf) as board:
        here.port.setEditText(board.port)
        qtbot.mouseClick(here.open, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda: here.talk.samples > 1, timeout=LONG_MS)
        qtbot.waitUntil(lambda: len(here.channels.rows.rows) == 4, timeout=LONG_MS)
        assert here.about.text().startswith("environment")
        qtbot.keyClicks(here.command, "interval 200")
        qtbot.keyClick(here.command, Qt.Key.Key_Return)
        qtbot.waitUntil(
            lambda: Answer("interval", None) in [one.line for one in here.talk.lines],
            timeout=LONG_MS,
        )
        qtbot.waitUntil(lambda: "every 200 ms" in here.about.text(), timeout=LONG_MS)
        assert "> interval 200" in here.lines.toPlainText()
        picture(view, "monitor")
        here.samples.setChecked(False)
        assert "temperature=" not in here.lines.toPlainText()
        board.unplug()
        qtbot.waitUntil(lambda: "has gone" in here.said.text(), timeout=LONG_MS)
    assert here.port.isEnabled(), "another can be opened"


def test_without_a_port_it_says_what_to_do(qtbot: QtBot, view: BoardsView) -> None:
    view.tabs.setCurrentWidget(view.here)
    view.shown()
    view.here.port.clear()
    view.here.port.setEditText("")
    view.here.begin()
    assert "Choose a port" in view.here.said.text()
