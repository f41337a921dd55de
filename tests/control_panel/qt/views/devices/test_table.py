"""The table of devices, over the devices of a real server."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import msgspec
from PySide6.QtCore import Qt
from PySide6.QtTest import QAbstractItemModelTester
from pytestqt.qtbot import QtBot

from control_panel.model.devices_table import COLUMNS
from control_panel.model.things import Device
from control_panel.qt import words
from control_panel.qt.panel import Panel
from control_panel.qt.views.devices.page import DevicePage
from control_panel.qt.views.devices.table import FleetTable
from control_panel.qt.views.devices.view import DevicesView
from wire.status import BufferStatus, Status, encode_status

STRICT = QAbstractItemModelTester.FailureReportingMode.Fatal
PI = Device(
    name="pi-1", state="enrolled", agent_version="0.2.0", created=datetime(2026, 3, 1, tzinfo=UTC),
    enrolled=None, kind="agent", label="", last_seen=None, latitude=None, longitude=None,
    reason="", restorable_until=None, revoked=None, site="hall", status="online",
    status_reason="", version=1,
)  # fmt: skip


def shown(qtbot: QtBot, panel: Panel) -> FleetTable:
    view = FleetTable(panel)
    qtbot.addWidget(view)
    view.resize(1280, 800)
    with qtbot.waitExposed(view):
        view.show()
    return view


def names(view: FleetTable) -> list[str]:
    model = view.table.rows
    return [model.index(row, 1).data() for row in range(model.rowCount())]


def test_a_key_filters_and_escape_shows_all_again(
    qtbot: QtBot, make_panel: Callable[..., Panel], registered: Callable[..., str]
) -> None:
    name, other = registered(site="North hall"), registered()
    view = shown(qtbot, make_panel())
    QAbstractItemModelTester(view.table.rows, STRICT)
    assert {name, other} <= set(names(view))
    qtbot.keyClicks(view.filter, f"north {name}")
    assert names(view) == [name]
    qtbot.keyClicks(view.filter, "nothing")
    assert not view.table.isVisible()
    qtbot.keyClick(view, Qt.Key.Key_Escape)
    assert {name, other} <= set(names(view))


def test_a_device_that_is_registered_meanwhile_appears_and_enter_opens_it(
    qtbot: QtBot, make_panel: Callable[..., Panel], registered: Callable[..., str]
) -> None:
    view = shown(qtbot, make_panel())
    name = registered()
    qtbot.waitUntil(lambda: name in names(view))
    assert view.table.choose(name)
    with qtbot.waitSignal(view.opened) as opened:
        qtbot.keyClick(view.table, Qt.Key.Key_Return)
    assert opened.args == [name]


def test_chips_choose_statuses_and_what_is_selected_stays_when_rows_move(
    qtbot: QtBot, make_panel: Callable[..., Panel]
) -> None:
    panel = make_panel()
    view = shown(qtbot, panel)
    QAbstractItemModelTester(view.table.rows, STRICT)
    panel.fleet.replace([PI, msgspec.structs.replace(PI, name="pi-2", status="late")])
    assert names(view) == ["pi-2", "pi-1"]
    view.table.choose("pi-1")
    panel.fleet.take([msgspec.structs.replace(PI, status="offline", status_reason="power")])
    assert names(view) == ["pi-1", "pi-2"]
    assert view.table.chosen() == "pi-1"
    qtbot.mouseClick(view.chips["late"], Qt.MouseButton.LeftButton)
    assert names(view) == ["pi-2"]
    assert not view.chips["online"].isVisible(), "nothing is online"


def test_what_a_device_says_of_itself_is_shown(
    qtbot: QtBot, make_panel: Callable[..., Panel]
) -> None:
    panel = make_panel()
    view = shown(qtbot, panel)
    panel.fleet.replace([PI])
    status = Status("online", agent="0.9", clock="estimated",
                    buffer=BufferStatus(held=((1, 1200),), bytes=1, quota=4))  # fmt: skip
    panel.live.hear("pi-1", "status", encode_status(status), 0)
    panel.live.tell()
    view.refresh()
    assert tuple(column.id for column in view.table.rows.columns) == COLUMNS
    columns = [COLUMNS.index(name) for name in ("clock", "unsent", "agent")]
    cells = [view.table.rows.index(0, column).data() for column in columns]
    assert cells == ["Estimated", f"{words.count(1200)} (25 %)", "0.9"]


def test_filter_sort_and_widths_survive(qtbot: QtBot, make_panel: Callable[..., Panel]) -> None:
    panel = make_panel()
    first = shown(qtbot, panel)
    panel.fleet.replace([PI, msgspec.structs.replace(PI, name="pi-2", status="late")])
    first.filter.setText("pi")
    first.chips["late"].click()
    first.table.setColumnWidth(1, 222)
    first.table.horizontalHeader().sectionClicked.emit(1)
    first.table.horizontalHeader().sectionClicked.emit(1)
    kept = msgspec.json.decode(msgspec.json.encode(first.state()))
    second = shown(qtbot, panel)
    second.restore(kept)
    assert second.state() == first.state()
    assert names(second) == ["pi-2"]
    second.restore({"sort": "no such", "widths": {"name": "wide", "??": 3}, "statuses": 5})
    assert second.state() == first.state(), "nonsense changes nothing"


def test_a_viewer_sees_why_he_may_not_register(
    qtbot: QtBot, make_panel: Callable[..., Panel]
) -> None:
    view = shown(qtbot, make_panel("viewer"))
    assert not view.one.isEnabled()
    assert "admin" in view.one.toolTip()


def test_a_place_is_a_device_or_all_of_a_status(
    qtbot: QtBot, make_panel: Callable[..., Panel]
) -> None:
    panel = make_panel()
    view = DevicesView(panel)
    qtbot.addWidget(view)
    panel.fleet.replace([PI, msgspec.structs.replace(PI, name="pi-2", status="late")])
    with qtbot.waitExposed(view):
        view.show()
    view.show_place("pi-1")
    assert [page.name for page in view.findChildren(DevicePage)] == ["pi-1"]
    view.show_place("status:late")
    assert view.fleet.isVisible()
    assert names(view.fleet) == ["pi-2"]
    view.close_down()
    assert not panel.registry.actions
