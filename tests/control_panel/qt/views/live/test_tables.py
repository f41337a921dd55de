"""Newest values and raw messages beside the charts."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QAbstractItemModelTester
from pytestqt.qtbot import QtBot

from control_panel.model.places import Place
from control_panel.qt.panel import Panel
from control_panel.qt.views.live.view import LiveView
from tests.control_panel.qt.rig import picture
from wire.pack import encode_pack
from wire.reading import Reading, TimeQuality
from wire.topics import Kind

STRICT = QAbstractItemModelTester.FailureReportingMode.Fatal
SECOND = 1_000_000
NOW = 1_795_400_000 * SECOND
AT = datetime.fromtimestamp(NOW / SECOND, UTC)


def hear(panel: Panel, device: str, channel: str, age_s: int, count: int = 1) -> None:
    for n in range(count):
        payload = encode_pack(
            device, [Reading(channel, NOW - age_s * SECOND + n, 21.5, "Cel")], epoch="k" * 16,
            sequence=n, quality=TimeQuality.SYNCED,
        )  # fmt: skip
        panel.live.hear(device, Kind.DATA, payload, NOW + n)
    panel.live.tell()


@pytest.fixture
def went() -> list[Place]:
    return []


@pytest.fixture
def view(qtbot: QtBot, panel: Panel, went: list[Place]) -> Iterator[LiveView]:
    view = LiveView(dataclasses.replace(panel, clock=lambda: AT, goto=went.append))
    qtbot.addWidget(view)
    view.resize(1180, 760)
    with qtbot.waitExposed(view):
        view.show()
    yield view
    view.close_down()


def cells(view: LiveView, row: int) -> list[str]:
    rows = view.newest.table.rows
    return [rows.index(row, n).data() for n in range(rows.columnCount())]


def test_newest_values_are_shown_and_old_ones_greyed(
    qtbot: QtBot, panel: Panel, view: LiveView, went: list[Place]
) -> None:
    newest = view.newest
    QAbstractItemModelTester(newest.table.rows, STRICT)
    view.tabs.setCurrentWidget(newest)
    assert newest.empty.isVisible()
    hear(panel, "pi-7", "heat", age_s=2)
    hear(panel, "pi-8", "soil", age_s=9000)
    newest.refresh()
    assert cells(view, 0)[:5] == ["pi-7", "heat", "", "21.5", "°C"]
    assert cells(view, 1)[-1] == "2 h 30 min ago, old"
    grey = [newest.table.rows.index(n, 3).data(Qt.ItemDataRole.ForegroundRole) for n in (0, 1)]
    assert grey[0] is None
    assert grey[1] is not None
    picture(view, "newest")
    qtbot.keyClicks(newest.filter, "soil")
    assert newest.table.rows.rowCount() == 1
    newest.table.choose(("pi-8", "soil"))
    qtbot.keyClick(newest.table, Qt.Key.Key_Return)
    assert went == [Place("devices", "pi-8")]


def test_messages_are_decoded_folded_filtered_and_paused(
    qtbot: QtBot, panel: Panel, view: LiveView
) -> None:
    messages = view.messages
    QAbstractItemModelTester(messages.table.rows, STRICT)
    view.tabs.setCurrentWidget(messages)
    hear(panel, "pi-7", "heat", age_s=0)
    panel.live.hear("pi-9", Kind.DATA, b"rubbish", NOW)
    messages.refresh()
    assert [one.device for one in messages.table.rows.rows] == ["pi-9", "pi-7"]
    messages.table.choose(messages.table.rows.rows[1].number)
    assert "heat = 21.5 Cel" in messages.meaning.toPlainText()
    assert messages.octets.toPlainText().startswith("000000  5b")
    messages.table.choose(messages.table.rows.rows[0].number)
    assert "garbage" in messages.meaning.toPlainText()
    messages.faults.setChecked(True)
    assert [one.device for one in messages.table.rows.rows] == ["pi-9"]
    messages.faults.setChecked(False)
    qtbot.mouseClick(messages.pause, Qt.MouseButton.LeftButton)
    hear(panel, "pi-8", "noise", age_s=0, count=50)
    messages.refresh()
    assert len(messages.table.rows.rows) == 2, "nothing moves while it is paused"
    qtbot.mouseClick(messages.pause, Qt.MouseButton.LeftButton)
    qtbot.keyClicks(messages.filter, "noise")
    assert len(messages.table.rows.rows) == 20
    assert messages.table.rows.index(0, 4).data() == "31 times"
    messages.table.choose(messages.table.rows.rows[0].number)
    picture(view, "messages")


def test_a_device_is_shown_among_its_own(view: LiveView, panel: Panel) -> None:
    view.show_place("pi-7")
    assert view.newest.filter.text() == view.messages.filter.text() == "pi-7"
