from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtTest import QAbstractItemModelTester
from pytestqt.qtbot import QtBot

from control_panel.model.layouts import Curve
from control_panel.model.live import Live
from control_panel.qt.views.live.chooser import Chooser
from wire.pack import encode_pack
from wire.reading import Reading, TimeQuality
from wire.topics import Kind

NOW = 1_795_400_000_000_000


def feed(live: Live, device: str, **values: float | str | bool) -> None:
    readings = [Reading(name, NOW, value, "Cel") for name, value in values.items()]
    payload = encode_pack(device, readings, epoch="k" * 16, sequence=1, quality=TimeQuality.SYNCED)
    live.hear(device, Kind.DATA, payload, NOW)
    live.tell()


def test_channels_come_with_value_and_unit_and_can_be_chosen(qtbot: QtBot) -> None:
    live = Live()
    feed(live, "pi-7", heat=20.5)
    chooser = Chooser(live)
    qtbot.addWidget(chooser)
    tester = QAbstractItemModelTester(chooser.model)
    feed(live, "pi-8", door=True, heat=3.0)
    feed(live, "pi-7", heat=21.25)
    chooser.refresh()
    device = chooser.model.item(0)
    assert device.child(0, 0).text() == "heat"
    qtbot.waitUntil(lambda: device.child(0, 1).text() == "21.25 °C")
    with qtbot.waitSignal(chooser.chosen_changed):
        chooser.choose(("pi-8", "door"))
    assert chooser.chosen() == [Curve("pi-8", "door")]
    assert tester.model() is chooser.model


def test_the_filter_leaves_what_matches(qtbot: QtBot) -> None:
    live = Live()
    feed(live, "pi-7", heat=1.0)
    feed(live, "barn", damp=2.0)
    chooser = Chooser(live)
    qtbot.addWidget(chooser)
    chooser.filter.setText("DAMP")
    shown = chooser.tree.model()
    assert [shown.index(row, 0).data() for row in range(shown.rowCount())] == ["barn"]


def test_a_channel_is_chosen_by_keyboard(qtbot: QtBot) -> None:
    live = Live()
    feed(live, "pi-7", heat=1.0)
    chooser = Chooser(live)
    qtbot.addWidget(chooser)
    chooser.tree.expandAll()
    shown = chooser.tree.model()
    chooser.tree.setCurrentIndex(shown.index(0, 0, shown.index(0, 0)))
    qtbot.keyClick(chooser.tree, Qt.Key.Key_Space)
    assert chooser.chosen() == [Curve("pi-7", "heat")]


def test_the_tick_of_a_device_is_that_of_all_its_channels(qtbot: QtBot) -> None:
    live = Live()
    feed(live, "pi-7", heat=1.0, damp=2.0)
    chooser = Chooser(live)
    qtbot.addWidget(chooser)
    told: list[int] = []
    chooser.chosen_changed.connect(lambda: told.append(1))
    device = chooser.model.item(0)
    device.setCheckState(Qt.CheckState.Checked)
    assert chooser.chosen() == [Curve("pi-7", "damp"), Curve("pi-7", "heat")]
    qtbot.waitUntil(lambda: told == [1])
    chooser.choose(("pi-7", "heat"), False)
    assert device.checkState() is Qt.CheckState.PartiallyChecked
    chooser.show_chosen(set())
    assert device.checkState() is Qt.CheckState.Unchecked
    assert chooser.chosen() == []
