from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from PySide6.QtCore import QLocale, QPoint, QPointF, Qt
from PySide6.QtGui import QImage, QWheelEvent
from PySide6.QtWidgets import QApplication, QPushButton, QTableWidget
from pytestqt.qtbot import QtBot

from control_panel.model.layouts import Arrangement, ChartLayout, Curve, Threshold
from control_panel.model.live import Live
from control_panel.model.past import Past, buckets_of
from control_panel.model.series import Window
from control_panel.model.span import Span
from control_panel.model.things import Point
from control_panel.qt.charts.chart import Chart
from control_panel.qt.charts.colours import DARK, LIGHT, Colours, contrast
from control_panel.qt.charts.panel import ChartPanel
from wire.pack import encode_pack
from wire.reading import Reading, TimeQuality
from wire.topics import Kind

SECOND = 1_000_000
NOW = 1_795_400_000 * SECOND
HEAT = Curve("pi-7", "heat")


def feed(
    live: Live, seconds: range, channel: str = "heat", quality: TimeQuality = TimeQuality.SYNCED
) -> None:
    readings = [Reading(channel, NOW + n * SECOND, float(n % 7), "Cel") for n in seconds]
    payload = encode_pack("pi-7", readings, epoch="k" * 16, sequence=1, quality=quality)
    live.hear("pi-7", Kind.DATA, payload, NOW + 100 * SECOND)


def shown(qtbot: QtBot, live: Live, **more: object) -> ChartPanel:
    layout = ChartLayout((HEAT,), **more)  # type: ignore[arg-type]
    panel = ChartPanel(live, layout)
    qtbot.addWidget(panel)
    panel.resize(700, 420)
    with qtbot.waitExposed(panel):
        panel.show()
    panel.tick(NOW)
    qtbot.waitUntil(lambda: panel.chart.paints > 0)
    return panel


@pytest.fixture
def live() -> Live:
    heard = Live()
    feed(heard, range(-50, 0))
    return heard


def inked(panel: ChartPanel, colour: str, field: tuple[float, float] = (0, 1)) -> int:
    """How many pixels of the curve's colour lie between two shares of the width."""
    image = panel.chart.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    wanted = int(colour[1:], 16) | 0xFF000000
    first, last = (int(share * image.width()) for share in field)
    pixels = np.frombuffer(image.constBits(), np.uint32).reshape(image.height(), -1)
    return int((pixels[:, first:last] == wanted).sum())


def follows(chart: Chart) -> bool:
    return chart.span.follows


def scheme(panel: ChartPanel) -> Colours:
    light = panel.palette().window().color().lightness() >= 128
    return LIGHT if light else DARK


def test_readings_are_drawn_and_described(qtbot: QtBot, live: Live) -> None:
    panel = shown(qtbot, live)
    assert inked(panel, scheme(panel).curves[0]) > 100
    panel.tick(NOW + SECOND)
    table = panel.findChild(QTableWidget)
    assert table is not None
    texts = [table.item(0, column).text() for column in range(table.columnCount())]  # type: ignore[union-attr]
    assert texts[:4] == ["A", "pi-7 · heat", "°C", "50"]


def test_nothing_is_painted_while_nothing_visible_changes(qtbot: QtBot, live: Live) -> None:
    panel = shown(qtbot, live)
    panel.chart.stand()
    panel.tick(NOW)
    assert not panel.chart.tick(NOW + 5 * SECOND)
    panel.chart.follow()
    assert panel.chart.tick(NOW + 5 * SECOND)
    panel.hide()
    assert not panel.chart.tick(NOW + 9 * SECOND)


def test_a_pause_takes_in_and_counts_what_comes(qtbot: QtBot, live: Live) -> None:
    panel = shown(qtbot, live)
    button = panel.window_bar.hold
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    before = panel.chart.visible()
    feed(live, range(12))
    panel.tick(NOW + 12 * SECOND)
    assert panel.chart.readings_meanwhile() == 12
    assert panel.chart.visible() == before
    assert panel._meanwhile.text() == "12 readings came since"
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    panel.tick(NOW + 12 * SECOND + 1)
    assert panel.chart.statistics()[0].count == 59


def test_gaps_are_not_drawn_over(qtbot: QtBot) -> None:
    live = Live()
    feed(live, range(-60, -40))
    feed(live, range(-20, 0))
    panel = shown(qtbot, live)
    colour = scheme(panel).curves[0]
    assert inked(panel, colour, (0.45, 0.6)) == 0
    feed(live, range(-40, -20))  # what was late fills it
    panel.tick(NOW)
    assert inked(panel, colour, (0.45, 0.6)) > 10


def test_uncertain_time_is_said_by_word(qtbot: QtBot) -> None:
    live = Live()
    feed(live, range(-50, 0), quality=TimeQuality.ESTIMATED)
    panel = shown(qtbot, live)
    table = panel.findChild(QTableWidget)
    assert table is not None
    panel.tick(NOW + SECOND)
    assert "time uncertain" in table.item(0, 1).text()  # type: ignore[union-attr]


def test_keys_do_what_the_mouse_does(qtbot: QtBot, live: Live) -> None:
    panel = shown(qtbot, live)
    chart = panel.chart
    qtbot.keyClick(chart, Qt.Key.Key_Plus)
    assert chart.span.length_us == 48 * SECOND
    qtbot.keyClick(chart, Qt.Key.Key_Left)
    assert not follows(chart)
    assert chart.visible().end_utc == NOW - round(4.8 * SECOND)
    qtbot.keyClick(chart, Qt.Key.Key_End)
    assert follows(chart)
    qtbot.keyClick(chart, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert [found is not None for _, found in chart.cursor_values()] == [True]
    qtbot.keyClick(chart, Qt.Key.Key_Escape)
    assert chart.cursor_values() == []
    qtbot.keyClick(chart, Qt.Key.Key_Space)
    assert not follows(chart)
    qtbot.keyClick(chart, Qt.Key.Key_Home)
    assert chart.visible().begin_utc <= NOW - 48 * SECOND


def test_wheel_zooms_and_dragging_pans(qtbot: QtBot, live: Live) -> None:
    panel = shown(qtbot, live)
    chart = panel.chart
    centre = chart.rect().center()
    wheel = QWheelEvent(
        QPointF(centre), QPointF(centre), QPoint(), QPoint(0, 120), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(chart, wheel)
    assert chart.span.length_us == 48 * SECOND
    qtbot.mousePress(chart, Qt.MouseButton.LeftButton, pos=centre)
    qtbot.mouseMove(chart, centre + QPoint(100, 0))
    qtbot.mouseRelease(chart, Qt.MouseButton.LeftButton)
    assert chart.visible().end_utc < NOW


def test_a_window_is_chosen_and_shown(qtbot: QtBot, live: Live) -> None:
    panel = shown(qtbot, live)
    box = panel.window_bar.length
    assert box.currentText() == "1 min"
    qtbot.keyClick(box, Qt.Key.Key_Up)
    assert panel.chart.span.length_us == 30 * SECOND
    panel.chart.zoom(0.5)
    assert box.currentText() == "15 s"


def test_history_stands_before_the_readings(qtbot: QtBot, live: Live) -> None:
    panel = shown(qtbot, live, span_s=300.0)
    trace = panel.chart.traces[0]
    assert trace.is_missing(panel.chart.visible())
    begin = NOW - NOW % (60 * SECOND)
    points = [
        Point(
            time=datetime.fromtimestamp(begin / SECOND - 60 * n, UTC), n=10, mean=3.0, stddev=1.0,
            minimum=2.0, maximum=4.0, first=3.0, last=3.0,
        )
        for n in range(6, 0, -1)
    ]  # fmt: skip
    trace.take(Past(NOW - 400 * SECOND, NOW, NOW, 0, None, buckets_of(points, "1m")))
    panel.tick(NOW + 4 * SECOND)
    assert not trace.is_missing(panel.chart.visible())
    assert inked(panel, scheme(panel).curves[0], (0.2, 0.7)) > 100
    found = panel.chart.statistics()[0]
    assert found.count == 3 * 10 + 5 + 50, "of the last stored bucket half is in memory"
    assert (found.minimum, found.maximum) == (0.0, 6.0)


def test_stored_readings_lie_among_those_in_memory(qtbot: QtBot, live: Live) -> None:
    panel = shown(qtbot, live, span_s=100.0)
    trace = panel.chart.traces[0]
    times = NOW + np.arange(-200, -40, dtype=np.int64) * SECOND
    stored = Window(times, np.full(160, 2.0), np.arange(160) > 120)
    trace.take(Past(NOW - 200 * SECOND, NOW, NOW + 4 * SECOND, 0, stored, None))
    panel.tick(NOW)
    assert panel.chart.statistics()[0].count == 99
    assert trace.window(panel.chart.visible()).uncertain.sum() == 29, "memory is believed more"
    assert inked(panel, scheme(panel).curves[0], (0.2, 0.4)) > 30
    panel.tick(NOW + SECOND)
    panel.chart.stand()
    panel.chart.set_cursor(0.2)
    found = panel.chart.cursor_values()[0][1]
    assert found is not None
    assert found[1] == 2.0


@pytest.mark.parametrize("arrangement", Arrangement)
def test_thresholds_and_several_units_are_drawn(
    qtbot: QtBot, live: Live, arrangement: Arrangement
) -> None:
    layout = ChartLayout(
        (HEAT, Curve("pi-7", "damp"), Curve("pi-7", "none")),
        arrangement=arrangement,
        thresholds=(Threshold(3.0, "Cel", "warm"), Threshold(99.0, "Cel", "hot")),
    )
    feed(live, range(-30, 0), "damp")
    panel = ChartPanel(live, layout)
    qtbot.addWidget(panel)
    panel.resize(700, 500)
    with qtbot.waitExposed(panel):
        panel.show()
    panel.tick(NOW)
    assert inked(panel, scheme(panel).threshold) > 30
    assert inked(panel, scheme(panel).curves[1]) > 30


def test_a_threshold_is_set_by_hand_and_taken_away(qtbot: QtBot, live: Live) -> None:
    panel = shown(qtbot, live)
    panel.chart.show_rules((Threshold(4.0, "Cel", "hot rule"),))
    panel.edit_thresholds()
    qtbot.keyClicks(panel.thresholds.value, QLocale().toString(2.5))
    qtbot.keyClicks(panel.thresholds.word, "warm")
    with qtbot.waitSignal(panel.changed):
        qtbot.keyClick(panel.thresholds.word, Qt.Key.Key_Return)
    assert list(panel.chart.content.thresholds) == [Threshold(2.5, "Cel", "warm")]
    assert [one.value for one in panel.chart.thresholds] == [2.5, 4.0]
    drawn = inked(panel, scheme(panel).threshold)
    assert drawn > 100
    away = next(b for b in panel.thresholds.findChildren(QPushButton) if b.text().startswith("✕"))
    qtbot.mouseClick(away, Qt.MouseButton.LeftButton)
    assert list(panel.chart.content.thresholds) == []
    assert 0 < inked(panel, scheme(panel).threshold) < drawn
    assert panel.chart.value_under(QPointF(panel.chart.rect().center())) is not None


def test_charts_that_share_a_span_move_together(qtbot: QtBot, live: Live) -> None:
    span = Span(60 * SECOND)
    panels = [ChartPanel(live, ChartLayout((HEAT,)), span) for _ in "12"]
    for panel in panels:
        qtbot.addWidget(panel)
        panel.tick(NOW)
        assert panel.window_bar.isHidden()
    panels[0].chart.zoom(0.5)
    assert panels[1].chart.span.length_us == 30 * SECOND
    panels[1].share(None)
    panels[0].chart.zoom(0.5)
    assert panels[1].chart.span.length_us == 30 * SECOND
    assert not panels[1].window_bar.isHidden()


def test_of_hours_not_every_reading_is_painted_at_once(qtbot: QtBot, live: Live) -> None:
    panel = shown(qtbot, live, span_s=24 * 3600.0)
    panel.chart.stand()
    panel.tick(NOW)
    feed(live, range(5))
    assert not panel.chart.tick(NOW + SECOND // 10)
    assert panel.chart.tick(NOW + SECOND)


@pytest.mark.parametrize("colours", [LIGHT, DARK])
def test_colours_stand_out(colours: Colours) -> None:
    for text in (colours.text, colours.faint, colours.threshold, *colours.curves):
        assert contrast(text, colours.field) >= 4.5


def test_a_legend_says_less_where_there_is_less_room_and_is_never_cut(
    qtbot: QtBot, live: Live
) -> None:
    long = "temperature-of-the-upper-shelf"
    feed(live, range(-50, 0), long)
    panel = ChartPanel(live, ChartLayout((HEAT, Curve("pi-7", long))), Span(60 * SECOND))
    qtbot.addWidget(panel)
    said = {}
    for width in (800, 460, 300):
        panel.resize(width, 300)
        with qtbot.waitExposed(panel):
            panel.show()
        panel.show_room(width, 300)
        panel.tick(NOW)
        assert panel._legend.sizeHint().width() <= panel._legend.width()
        said[width] = panel._legend.text()
        assert long in panel._legend.toolTip()
    assert "pi-7" in said[800]
    assert long in said[460]
    assert "pi-7" not in said[460]
    assert long not in said[300]
    assert "B</b>" in said[300]
