"""Widgets in rows."""

from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from control_panel.qt.flow import Flow


def test_a_row_goes_on_in_the_next_where_there_is_no_room(qtbot: QtBot) -> None:
    buttons = [QPushButton(word) for word in ("one", "two", "three")]
    flow = Flow(buttons)
    qtbot.addWidget(flow)
    wide = sum(one.sizeHint().width() for one in buttons) + 20
    flow.resize(wide, 10)
    with qtbot.waitExposed(flow):
        flow.show()
    assert [one.y() for one in buttons] == [0, 0, 0]
    row = flow.height()
    flow.resize(sum(one.sizeHint().width() for one in buttons[:2]) + 10, row)
    assert buttons[2].y() > 0
    assert flow.height() > row
    buttons[2].hide()
    flow.arrange()
    assert flow.height() == row


def test_what_grows_gets_its_room(qtbot: QtBot) -> None:
    buttons = [QPushButton(word) for word in ("one", "two")]
    flow = Flow(buttons)
    qtbot.addWidget(flow)
    flow.resize(900, 10)
    with qtbot.waitExposed(flow):
        flow.show()
    before = buttons[0].width()
    flow.setStyleSheet("QPushButton { padding: 4px 60px; }")
    qtbot.waitUntil(lambda: buttons[0].width() == buttons[0].sizeHint().width() > before)
    assert buttons[1].x() >= buttons[0].width()
