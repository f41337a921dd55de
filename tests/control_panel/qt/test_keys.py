"""Keys: all from one registry, each listed."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QMessageBox
from pytestqt.qtbot import QtBot

from control_panel.client import files
from control_panel.client.api import Api as Client
from control_panel.model import panel_settings
from control_panel.qt.application import Panels
from control_panel.qt.keys import KeysPage
from tests.control_panel.qt.whole import Opened, known, said


def test_every_view_is_reached_by_a_key_and_every_key_is_listed(
    opened: Opened, qtbot: QtBot, local: Client, tmp_path: Path
) -> None:
    known(local, tmp_path)
    panels = opened(tmp_path)
    window = panels.window
    qtbot.waitUntil(lambda: said(panels) == "Connected")
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    for number, view in enumerate(
        ("overview", "devices", "live", "pipeline", "alerts", "completeness", "boards"), 1
    ):
        qtbot.keyClick(window, Qt.Key(Qt.Key.Key_0 + number), Qt.KeyboardModifier.ControlModifier)
        qtbot.waitUntil(lambda view=view: window.view == view)  # type: ignore[misc]
    qtbot.keyClick(window, Qt.Key.Key_F1)
    page = window.findChild(KeysPage)
    assert page is not None
    qtbot.waitUntil(page.isVisible)
    cells = [page.table.item(row, 0) for row in range(page.table.rowCount())]
    listed = [cell.text() for cell in cells if cell is not None]
    assert len(listed) == len(set(listed))
    entries = _entries(panels)
    native = QKeySequence.SequenceFormat.NativeText
    bound = [e.shortcut().toString(native) for e in entries if not e.shortcut().isEmpty()]
    assert len(bound) == len(set(bound)) >= 10
    assert set(bound) <= set(listed)
    page.close()


def test_a_language_that_is_chosen_is_remembered(
    opened: Opened, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(QMessageBox, "information", lambda _, __, text: told.append(text))
    panels = opened(tmp_path)
    entries = {entry.text(): entry for entry in _entries(panels)}
    entries["Deutsch"].trigger()
    assert "next start" in told[0]
    panels.window.close()
    content = files.read(tmp_path / "panel.json")
    assert panel_settings.read(content).language == "de"


def _entries(panels: Panels) -> list[QAction]:
    menus = [entry.menu() for entry in panels.window.menuBar().actions()]
    return [entry for menu in menus if isinstance(menu, QMenu) for entry in menu.actions()]
