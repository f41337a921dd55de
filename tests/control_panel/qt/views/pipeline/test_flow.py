"""The flow as drawn, without any server."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QPalette
from pytestqt.qtbot import QtBot

from control_panel.model.things import Pipeline
from control_panel.qt import marks
from control_panel.qt.charts.colours import contrast
from control_panel.qt.views.pipeline.details import LogTail, StageDetails
from control_panel.qt.views.pipeline.flow import FlowPicture
from tests.control_panel.model.test_pipeline import ALL, NOW, stage
from tests.control_panel.qt.rig import picture

WORLD = [
    stage("broker", rate_in=412.4, rate_out=412.4),
    stage("kafka", rate_in=398.0, rate_out=240.0),
    stage("postgres", rate_in=0.0),
    stage("api"),
    stage("bridge", rate_in=412.4, rate_out=398.0, lag=14, lag_seconds=0.4),
    stage("stream", state="stalled", reason="821 wait, and none has gone on for 41 s",
          lag=821, lag_seconds=41.0, rate_in=240.0, rate_out=0.0, age=43.0, errors=3),
    stage("grafana", state="stopped", reason="stopped by hand"),
]  # fmt: skip


def drawn(qtbot: QtBot, *stages: object, stale: bool = False) -> FlowPicture:
    flow = FlowPicture()
    qtbot.addWidget(flow)
    flow.show_pipeline(Pipeline(at=NOW, stages=tuple(stages)), stale)  # type: ignore[arg-type]
    flow.resize(1060, flow.minimumSizeHint().height())
    flow.show()
    return flow


def test_every_stage_has_a_card_that_says_how_it_is(qtbot: QtBot) -> None:
    flow = drawn(qtbot, *WORLD)
    picture(flow, "flow")
    said = {name: card.accessibleName() for name, card in flow.cards.items()}
    assert said["stream"] == (
        "Stream: stalled, 821 wait, and none has gone on for 41 s, 821 wait, 41 s"
    )
    assert said["kafka"] == "Kafka: running, nothing waits"
    assert said["devices"] == "Devices: opens the list of devices"
    places = [card.geometry() for card in flow.cards.values()]
    assert all(flow.rect().contains(place) for place in places)
    assert not any(a.intersects(b) for a in places for b in places if a is not b)


def test_a_card_is_picked_by_click_and_by_keys(qtbot: QtBot) -> None:
    flow, picked = drawn(qtbot, *ALL), list[str]()
    flow.picked.connect(picked.append)
    qtbot.mouseClick(flow.cards["kafka"], Qt.MouseButton.LeftButton)
    card = flow.cards["stream"]
    card.setFocus()
    qtbot.keyClick(card, Qt.Key.Key_Return)
    qtbot.keyClick(card, Qt.Key.Key_Right)
    qtbot.keyClick(flow.cards["postgres"], Qt.Key.Key_Space)
    assert picked == ["kafka", "stream", "postgres"]


def test_arrow_keys_find_the_neighbour(qtbot: QtBot) -> None:
    flow = drawn(qtbot, *ALL)
    at, seen = "broker", []
    for key in (
        Qt.Key.Key_Left,
        Qt.Key.Key_Right,
        Qt.Key.Key_Right,
        Qt.Key.Key_Down,
        Qt.Key.Key_Up,
    ):
        qtbot.keyClick(flow.cards[at], key)
        at = next(name for name, card in flow.cards.items() if card is flow.focusWidget())
        seen.append(at)
    assert seen == ["devices", "broker", "bridge", "grafana", "stream"]


def test_each_state_has_a_shape_of_its_own(qtbot: QtBot) -> None:
    pictures = set()
    for state in ("running", "starting", "stopped", "stalled", "failed"):
        mark = marks.Mark(state)
        qtbot.addWidget(mark)
        grey = mark.grab().toImage().convertToFormat(mark.grab().toImage().Format.Format_Alpha8)
        shape = mark.grab().toImage()
        inked = tuple(
            shape.pixelColor(x, y) != shape.pixelColor(0, 0)
            for x in range(shape.width()) for y in range(shape.height())
        )  # fmt: skip
        pictures.add(inked)
        assert not grey.isNull()
    assert len(pictures) == 5


@pytest.mark.parametrize(
    ("tints", "grounds"),
    [
        (marks.LIGHT, ("#ffffff", "#efefef", "#f0f0f0")),
        (marks.DARK, ("#181b20", "#1f2329", "#2d2d2d")),
    ],
)
def test_coloured_words_can_be_read(tints: marks.Tints, grounds: tuple[str, ...]) -> None:
    for colour in msgspec.structs.astuple(tints):
        for ground in grounds:
            assert contrast(colour, ground) >= 4.5, (colour, ground)


def test_a_dark_palette_has_the_light_tints(qtbot: QtBot) -> None:
    palette = QPalette(Qt.GlobalColor.black)
    assert marks.tints_of(palette) == marks.DARK


def test_details_say_what_the_state_means_and_why_a_button_is_off(qtbot: QtBot) -> None:
    details = StageDetails()
    qtbot.addWidget(details)
    details.show_stage(WORLD[5], NOW, NOW, "viewer")
    assert "It was not stopped, but makes no progress." in details.state.text()
    assert details.facts["lag"].text() == "821 messages, the oldest for 41 s"
    assert details.facts["newest"].text() == "43 s ago"
    assert details.facts["errors"].text() == "3"
    for button in details.buttons.buttons.values():
        assert not button.isEnabled()
        assert "operator" in button.toolTip()
    details.show_stage(stage("api"), NOW, datetime(2026, 3, 2, tzinfo=UTC), "admin")
    assert "cannot stop itself" in details.buttons.buttons["stop"].toolTip()  # type: ignore[index]
    assert "(1 day)" in details.facts["since"].text()


def test_the_log_follows_until_it_is_told_not_to(qtbot: QtBot) -> None:
    log = LogTail()
    qtbot.addWidget(log)
    log.resize(400, 120)
    log.show()
    log.show_for("bridge")
    log.show_lines([f"line {n}" for n in range(100)])
    bar = log.text.verticalScrollBar()
    assert bar.value() == bar.maximum() > 0
    log.follow.setChecked(False)
    bar.setValue(10)
    log.show_lines([f"line {n}" for n in range(50, 150)])
    assert bar.value() == 10
    assert log.text.toPlainText() == "\n".join(f"line {n}" for n in range(150))
    qtbot.mouseClick(log.follow, Qt.MouseButton.LeftButton)
    assert bar.value() == bar.maximum()
    log.show_lines([])
    assert log.text.toPlainText() == ""
