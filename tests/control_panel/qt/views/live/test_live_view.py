"""Charts of the live view: chosen, grouped, filled from what is stored, saved and restored."""

from __future__ import annotations

import csv
import dataclasses
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices, QImage
from pytestqt.qtbot import QtBot

from control_panel.model.grouping import Grouping
from control_panel.model.layouts import Curve, Threshold
from control_panel.model.things import Rule
from control_panel.qt.panel import Panel
from control_panel.qt.views.live.charts import Charts
from control_panel.qt.views.live.view import LiveView
from wire.pack import encode_pack
from wire.reading import Reading, TimeQuality
from wire.topics import Kind

SECOND = 1_000_000
NOW = 1_795_400_000 * SECOND
AT = datetime.fromtimestamp(1_795_400_000, UTC)
CHANNELS = ("heat", "soil", "damp")


def feed(panel: Panel, device: str = "pi-7", seconds: range = range(-100, 0)) -> None:
    readings = [
        Reading(channel, NOW + n * SECOND, float(n), unit)
        for channel, unit in (("heat", "Cel"), ("soil", "Cel"), ("damp", "%RH"))
        for n in seconds
    ]
    payload = encode_pack(device, readings, epoch="k" * 16, sequence=1, quality=TimeQuality.SYNCED)
    panel.live.hear(device, Kind.DATA, payload, NOW)
    panel.live.tell()


@pytest.fixture
def view(qtbot: QtBot, panel: Panel) -> Iterator[LiveView]:
    """Three channels of a device, a hundred seconds long."""
    feed(panel)
    view = LiveView(dataclasses.replace(panel, clock=lambda: AT))
    qtbot.addWidget(view)
    view.resize(1000, 700)
    with qtbot.waitExposed(view):
        view.show()
    for channel in CHANNELS:
        view.charts.chooser.choose(("pi-7", channel))
    qtbot.waitUntil(lambda: len(view.charts.panels) == 2)
    yield view
    view.close_down()


@pytest.fixture
def charts(view: LiveView) -> Charts:
    return view.charts


def drawn(charts: Charts) -> list[list[str]]:
    return [[one.channel for one in panel.chart.content.curves] for panel in charts.panels]


def group(charts: Charts, how: Grouping) -> None:
    charts.grouping.setCurrentIndex(charts.grouping.findData(how.value))
    charts.grouping.activated.emit(charts.grouping.currentIndex())


def test_chosen_channels_are_grouped_as_is_wanted(qtbot: QtBot, charts: Charts) -> None:
    assert drawn(charts) == [["damp"], ["heat", "soil"]]
    qtbot.waitUntil(lambda: all(panel.chart.paints for panel in charts.panels))
    kept = charts.panels[0]
    group(charts, Grouping.CHANNEL)
    assert drawn(charts) == [["damp"], ["heat"], ["soil"]]
    assert charts.panels[0] is kept, "what stays the same is not made anew"
    group(charts, Grouping.ONE)
    assert drawn(charts) == [["damp", "heat", "soil"]]
    charts.chooser.move_wanted.emit(Curve("pi-7", "heat"), 1)
    assert drawn(charts) == [["damp", "soil"], ["heat"]]
    assert charts.grouping.currentData() == Grouping.HAND
    charts.panels[0].wants_removal.emit()
    assert drawn(charts) == [["heat"]]
    assert charts.chooser.chosen() == [Curve("pi-7", "heat")]


def test_all_charts_pause_together_and_lose_nothing(
    qtbot: QtBot, view: LiveView, panel: Panel
) -> None:
    charts = view.charts
    view.tick()
    qtbot.mouseClick(charts.window_bar.hold, Qt.MouseButton.LeftButton)
    feed(panel, seconds=range(1, 11))
    view.tick()
    came = [one.chart.readings_meanwhile() for one in charts.panels]
    assert came == [10, 20]
    assert charts.panels[1].chart.statistics()[0].last == -1.0
    qtbot.keyClick(charts.panels[0].chart, Qt.Key.Key_Plus)
    assert {one.chart.span.length_us for one in charts.panels} == {48 * SECOND}
    assert charts.window_bar.length.currentText() == "48 s"
    qtbot.mouseClick(charts.window_bar.hold, Qt.MouseButton.LeftButton)
    assert all(one.chart.span.follows for one in charts.panels)
    charts.linked.setChecked(False)
    charts.panels[0].chart.zoom(0.5)
    lengths = [one.chart.span.length_us // SECOND for one in charts.panels]
    assert lengths == [24, 48]
    charts.linked.setChecked(True)
    assert charts.panels[1].chart.span is charts.panels[0].chart.span


def test_the_cursor_is_at_the_same_time_in_all_charts(qtbot: QtBot, view: LiveView) -> None:
    view.tick()
    qtbot.waitUntil(lambda: all(panel.chart.paints for panel in view.charts.panels))
    view.charts.panels[0].chart.set_cursor(0.5)
    values = [one.chart.cursor_values() for one in view.charts.panels]
    assert [[found is not None for _, found in one] for one in values] == [[True], [True, True]]


def test_a_layout_is_saved_shown_renamed_and_deleted(qtbot: QtBot, charts: Charts) -> None:
    charts.panels[0].chart.set_thresholds((Threshold(4.5, "%RH", "dry"),))
    charts._show_length(300 * SECOND)
    charts.layouts.ask_save()
    qtbot.keyClicks(charts.layouts.naming.name, "greenhouse")
    qtbot.keyClick(charts.layouts.naming.name, Qt.Key.Key_Return)
    saved = json.loads(json.dumps(charts.state()))
    for channel in CHANNELS:
        charts.chooser.choose(("pi-7", channel), False)
    qtbot.waitUntil(lambda: not charts.panels)
    charts.restore(saved)
    assert json.loads(json.dumps(charts.state())) == saved
    assert drawn(charts) == [["damp"], ["heat", "soil"]]
    assert charts.panels[0].chart.thresholds == (Threshold(4.5, "%RH", "dry"),)
    assert charts.span.length_us == 300 * SECOND
    group(charts, Grouping.ONE)
    charts.layouts._fill()
    charts.layouts.menu_of_layouts.actions()[0].trigger()
    assert drawn(charts) == [["damp"], ["heat", "soil"]]
    charts.layouts.ask_rename()
    charts.layouts.naming.name.setText("barn")
    qtbot.mouseClick(charts.layouts.naming.yes, Qt.MouseButton.LeftButton)
    assert [one.name for one in charts.layouts.known] == ["barn"]
    charts.layouts.delete()
    assert charts.layouts.known == ()
    charts._panel.history.undo()
    assert charts.layouts.text() == "barn"


def test_what_was_remembered_badly_is_left_out(charts: Charts) -> None:
    known = charts.state()
    damaged = {"shown": 7, "layouts": [{"name": 1}, {"name": "fine"}], "widths": ["x"], "layout": 3}
    charts.restore(damaged)
    assert [one.name for one in charts.layouts.known] == ["fine"]
    assert charts.state()["shown"] == known["shown"]


def test_a_device_is_shown_with_its_channels(view: LiveView, panel: Panel) -> None:
    feed(panel, "pi-8")
    before = drawn(view.charts)
    view.show_place("pi-8")
    shown = {one.device for one in view.charts.chooser.chosen()}
    assert shown == {"pi-8"}
    assert drawn(view.charts) == before
    view.charts.said.action.click()
    assert {one.device for one in view.charts.chooser.chosen()} == {"pi-7"}
    view.show_place("nobody")
    assert "nobody" in view.charts.said.text()


def test_lines_of_alert_rules_are_drawn(charts: Charts) -> None:
    charts._rules = [
        Rule(id=1, name="frost", kind="threshold", threshold=-60.0, direction="below",
             channel="h*", created=AT, changed=AT, version=1),
        Rule(id=2, name="off", kind="threshold", threshold=1.0, enabled=False, created=AT,
             changed=AT, version=1),
        Rule(id=3, name="other", kind="threshold", threshold=1.0, device="pi-8", created=AT,
             changed=AT, version=1),
    ]  # fmt: skip
    charts._show_rules()
    assert [panel.chart.thresholds for panel in charts.panels] == [
        (), (Threshold(-60.0, "Cel", "frost"),)
    ]  # fmt: skip


def test_the_visible_part_or_everything_is_saved(
    qtbot: QtBot, view: LiveView, tmp_path: Path
) -> None:
    charts = view.charts
    view.tick()

    def save(name: str, everything: bool) -> list[list[str]]:
        charts.saving.write_csv(tmp_path / name, charts.wanted(everything))
        qtbot.waitUntil(lambda: charts.said.text() == f"Saved {tmp_path / name}.csv")
        return list(csv.reader((tmp_path / f"{name}.csv").read_text().splitlines()))

    assert 1 + 3 * 59 <= len(save("visible", everything=False)) <= 1 + 3 * 60
    rows = save("all", everything=True)
    assert len(rows) == 1 + 300
    assert rows[1][1:] == ["pi-7", "damp", "-100.0", "%RH", "sure"]
    charts.saving.write_csv(tmp_path / "nowhere" / "all.csv", charts.wanted(everything=True))
    qtbot.waitUntil(lambda: charts.said.text().startswith("Not saved: "))


def test_the_picture_is_saved(qtbot: QtBot, charts: Charts, tmp_path: Path) -> None:
    charts.saving.write_picture(tmp_path / "charts", charts.picture())
    qtbot.waitUntil(lambda: charts.said.text().endswith("charts.png"))
    image = QImage(str(tmp_path / "charts.png"))
    assert image.width() > 300
    assert image.height() > 300
    charts.saving.write_picture(tmp_path / "nowhere" / "charts.png", charts.picture())
    qtbot.waitUntil(lambda: charts.said.text().startswith("Not saved: "))


def test_a_chart_is_seen_alone_and_leads_to_its_dashboard(
    qtbot: QtBot, view: LiveView, monkeypatch: pytest.MonkeyPatch
) -> None:
    charts = view.charts
    view.tick()
    charts.panels[1].wants_room.emit()
    assert [panel.isVisible() for panel in charts.panels] == [False, True]
    charts.panels[1].wants_room.emit()
    assert all(panel.isVisible() for panel in charts.panels)
    opened: list[QUrl] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", opened.append)
    assert charts.panels[1].dashboard.isHidden()
    charts._panel.dashboards._grafana = "http://grafana:3000"
    charts._panel.dashboards.changed.emit()
    assert charts.panels[1].dashboard.isVisible()
    qtbot.mouseClick(charts.panels[1].dashboard, Qt.MouseButton.LeftButton)
    address = opened[0].toString()
    assert "var-device=pi-7&var-channel=heat&var-channel=soil" in address
    begin_utc, end_utc = charts.panels[1].chart.visible()
    assert f"from={round(begin_utc / 1000)}&to={round(end_utc / 1000)}" in address
