"""Everybody can use every view: names, keyboard, room for every word, in each language."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QLocale, QSize
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QApplication, QPushButton, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from control_panel.qt import texts
from tests.control_panel.qt.walk import cut, unreached, walk
from tests.control_panel.qt.whole import Opened
from tests.servers import CHECKOUT


@pytest.fixture
def spoken(qapp: QApplication) -> Iterator[QApplication]:
    """The application, whose language may be changed."""
    before = QLocale()
    yield qapp
    texts.install(qapp, "en")
    QLocale.setDefault(before)


@pytest.mark.parametrize(
    ("language", "width", "height"), [("en", 1280, 800), ("de", 1280, 800), ("de", 1024, 640)]
)
def test_everything_can_be_heard_read_and_reached(
    spoken: QApplication, language: str, width: int, height: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIELDLINE_DATA", "")  # put back afterwards
    texts.install(spoken, language)
    assert walk(spoken, QSize(width, height)) == []


def test_so_it_can_at_twice_the_size(screen: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.control_panel.qt.walk", "de", "1200x780"],
        env={**os.environ, "DISPLAY": screen, "QT_SCALE_FACTOR": "2"},
        cwd=CHECKOUT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr


def test_no_two_keys_are_the_same_and_each_is_one(opened: Opened, tmp_path: Path) -> None:
    registry = opened(tmp_path).window.palette_dialog._registry
    keys = [one.shortcut for one in registry.actions if one.shortcut]
    assert all(QKeySequence(key).count() for key in keys)
    assert len({QKeySequence(key).toString() for key in keys}) == len(keys)


def test_a_word_without_room_is_found(qtbot: QtBot) -> None:
    button = QPushButton("Many words that need room")
    qtbot.addWidget(button)
    button.show()
    assert cut(button) == []
    button.setFixedWidth(40)
    assert cut(button)


def test_a_button_that_no_key_leads_to_is_found(qtbot: QtBot) -> None:
    widget = QWidget()
    column = QVBoxLayout(widget)
    for name in ("One", "Two"):
        column.addWidget(QPushButton(name))
    qtbot.addWidget(widget)
    with qtbot.waitExposed(widget):
        widget.show()
    assert unreached(widget) == []
    widget.findChildren(QPushButton)[1].setFocusPolicy(QWidget().focusPolicy())
    assert unreached(widget) == ["Two"]
