"""Pages of tabs."""

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from control_panel.qt.tabs import tabbed


def test_what_is_on_a_page_begins_where_its_tabs_begin(qtbot: QtBot) -> None:
    page, said = QWidget(), QLabel("so it is")
    QVBoxLayout(page).addWidget(said)
    tabs = tabbed("Ways", (page, "One"))
    qtbot.addWidget(tabs)
    tabs.resize(400, 300)
    with qtbot.waitExposed(tabs):
        tabs.show()
    left = said.mapTo(tabs, QPoint(0, 0)).x()
    assert (left, left + said.width()) == (0, tabs.width())
    assert tabs.accessibleName() == "Ways"
