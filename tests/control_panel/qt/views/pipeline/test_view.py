"""The pipeline's view against the real API."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from control_panel.model.pipeline import Action
from control_panel.model.places import Place
from control_panel.qt.views.pipeline.view import PipelineView
from tests.cloud.control.api import Api
from tests.cloud.control.played import Supervised
from tests.control_panel.qt.rig import Rig, nameless, picture

LEFT = Qt.MouseButton.LeftButton
Make = Callable[[str], Rig]


@pytest.fixture
def shown(qtbot: QtBot, rig: Make, supervised: Supervised) -> Iterator[PipelineView]:
    """An operator's view, with the stages known and running."""
    made = rig("operator")
    made.listen()
    view = PipelineView(made.panel)
    qtbot.addWidget(view)
    view.resize(1060, 740)
    view.show()
    view.shown()
    qtbot.waitUntil(lambda: said(view, "bridge").startswith("Bridge: running"))
    yield view
    view.close_down()


def until_said(qtbot: QtBot, view: PipelineView, text: str) -> None:
    def there() -> None:
        assert text in view.said.text(), view.said.text()

    qtbot.waitUntil(there)


def said(view: PipelineView, stage: str) -> str:
    card = view.picture.cards.get(stage)
    return "" if card is None else card.accessibleName()


def test_a_stage_is_stopped_and_started_with_the_consequences_said_first(
    qtbot: QtBot, shown: PipelineView
) -> None:
    view = shown
    qtbot.mouseClick(view.picture.cards["bridge"], LEFT)
    qtbot.waitUntil(lambda: "playing" in view.details.log.text.toPlainText())
    assert nameless(view) == []
    picture(view, "pipeline")
    for action, ended in ((Action.STOP, "Bridge is stopped."), (Action.START, "is running.")):
        button = view.details.buttons.buttons[action]
        qtbot.waitUntil(button.isEnabled)
        qtbot.mouseClick(button, LEFT)
        qtbot.waitUntil(view.confirmation.yes.isEnabled)
        assert "devices" in view.confirmation.text.text().lower()
        picture(view, f"pipeline-{action}")
        qtbot.mouseClick(view.confirmation.yes, LEFT)
        assert not view.busy.isHidden()
        until_said(qtbot, view, ended)
        assert view.busy.isHidden()
    assert said(view, "bridge").startswith("Bridge: running")
    picture(view, "pipeline-done")


def test_nothing_is_done_when_the_question_is_cancelled(qtbot: QtBot, shown: PipelineView) -> None:
    qtbot.mouseClick(shown.all.buttons[Action.STOP], LEFT)
    qtbot.waitUntil(shown.confirmation.yes.isEnabled)
    assert "in this order" in shown.confirmation.text.text()
    qtbot.keyClick(shown.confirmation.no, Qt.Key.Key_Escape)
    assert shown.confirmation.isHidden()
    assert shown.errand is None


def test_a_stall_is_told_in_words_and_in_another_drawing(
    qtbot: QtBot, shown: PipelineView, supervised: Supervised
) -> None:
    before = shown.picture.cards["stream"].grab().toImage()
    supervised.stall("stream")
    try:
        qtbot.waitUntil(lambda: "stalled" in said(shown, "stream"))
        assert "none has gone on" in shown.summary.text()
        assert shown.picture.cards["stream"].grab().toImage() != before
    finally:
        supervised.go_on("stream")
    qtbot.waitUntil(lambda: "running" in said(shown, "stream"))


def test_what_the_server_refuses_is_said_in_its_place(qtbot: QtBot, shown: PipelineView) -> None:
    qtbot.mouseClick(shown.picture.cards["postgres"], LEFT)
    qtbot.mouseClick(shown.details.buttons.buttons[Action.RESTART], LEFT)
    qtbot.waitUntil(shown.confirmation.yes.isEnabled)
    qtbot.mouseClick(shown.confirmation.yes, LEFT)
    qtbot.waitUntil(lambda: "does not run on this machine" in shown.said.text())
    assert shown.busy.isHidden()


def test_a_viewer_sees_all_and_can_do_nothing(
    qtbot: QtBot, rig: Make, supervised: Supervised
) -> None:
    made = rig("viewer")
    view = PipelineView(made.panel)
    qtbot.addWidget(view)
    view.show()
    view.shown()
    qtbot.waitUntil(lambda: "running" in said(view, "bridge"))
    buttons = [*view.all.buttons.values(), *view.details.buttons.buttons.values()]
    assert not any(button.isEnabled() for button in buttons)
    assert all("operator" in button.toolTip() for button in buttons)
    assert view.details.log.text.placeholderText() == "Logs are shown to operators only."
    qtbot.mouseClick(view.picture.cards["devices"], LEFT)
    assert made.places == [Place(view="devices")]
    view.close_down()


def test_an_old_picture_is_grey_and_says_how_old_it_is(
    qtbot: QtBot, shown: PipelineView, rig: Make
) -> None:
    shown.hide()  # it asks nothing while nobody looks
    shown.look_at_the_clock(datetime.now(UTC) + timedelta(minutes=3))
    assert shown.summary.text().startswith("As it was 3 min ")
    assert shown.picture.cards["bridge"].stale
    picture(shown, "pipeline-old")
    shown.show()
    shown.shown()
    qtbot.waitUntil(lambda: not shown.picture.cards["bridge"].stale)


def test_a_server_that_is_not_there_is_said_in_its_place(qtbot: QtBot, api: Api) -> None:
    away = Rig(api, "operator", url="https://127.0.0.1:1")
    view = PipelineView(away.panel)
    qtbot.addWidget(view)
    view.show()
    view.shown()
    qtbot.waitUntil(lambda: "127.0.0.1" in view.trouble.text())
    assert not any(button.isEnabled() for button in view.all.buttons.values())
    view.close_down()
    away.close()


def test_the_palette_starts_and_stops_too(qtbot: QtBot, shown: PipelineView) -> None:
    registry = shown.panel.registry
    assert registry.run("pipeline.restart")
    qtbot.waitUntil(shown.confirmation.yes.isEnabled)
    assert shown.confirmation.title.text() == "Restart everything?"
    shown.close_down()
    assert not registry.run("pipeline.restart")
