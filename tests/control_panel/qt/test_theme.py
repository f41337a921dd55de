"""Both schemes can be read, and follow the choice."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication

from control_panel.qt import marks
from control_panel.qt.charts.colours import contrast
from control_panel.qt.theme import DARK, LIGHT, Scheme, dress, palette_of, scheme_of, sheet_of
from tests.servers import CHECKOUT


@pytest.mark.parametrize(("scheme", "tints"), [(LIGHT, marks.LIGHT), (DARK, marks.DARK)])
def test_every_text_can_be_read_on_every_ground(scheme: Scheme, tints: marks.Tints) -> None:
    grounds = (scheme.window, scheme.field, scheme.alternate, scheme.raised)
    texts = (scheme.text, scheme.faint, scheme.link, *map(str, _all(tints)))
    for ground in grounds:
        for text in texts:
            assert contrast(text, ground) >= 4.5, f"{text} on {ground}"
    assert contrast(scheme.on_accent, scheme.accent) >= 4.5
    assert contrast(scheme.text, scheme.chosen) >= 4.5
    assert contrast(scheme.accent, scheme.window) >= 3


@pytest.mark.parametrize("scheme", [LIGHT, DARK])
def test_a_palette_has_the_colours_of_its_scheme(scheme: Scheme) -> None:
    palette = palette_of(scheme)
    assert scheme_of(palette) is scheme
    assert palette.color(QPalette.ColorRole.Text) == QColor(scheme.text)
    disabled = palette.color(QPalette.ColorGroup.Disabled, QPalette.ColorRole.Text)
    assert disabled == QColor(scheme.faint)
    stale = palette_of(scheme, stale=True)
    assert stale.color(QPalette.ColorRole.WindowText) == QColor(scheme.faint)
    assert scheme.accent in sheet_of(scheme)


def test_the_choice_is_shown_at_once(qapp: QApplication) -> None:
    dress(qapp, "light")
    assert scheme_of(qapp.palette()) is LIGHT
    dress(qapp, "dark")
    assert scheme_of(qapp.palette()) is DARK
    dress(qapp, "system")
    dress(qapp, "light")
    assert scheme_of(qapp.palette()) is LIGHT
    qapp.setStyleSheet("")


def test_the_systems_choice_is_followed_while_the_panel_runs(screen: str) -> None:
    code = (
        "from PySide6.QtCore import Qt; from PySide6.QtWidgets import QApplication;"
        "from control_panel.qt.theme import DARK, dress, scheme_of;"
        "app = QApplication([])\n"
        "def told(scheme):\n"
        "    app.styleHints().setColorScheme(scheme)\n"
        "    while app.styleHints().colorScheme() is not scheme:\n"
        "        app.processEvents()\n"
        "    print(scheme_of(app.palette()) is DARK, DARK.window in app.styleSheet(), end='|')\n"
        "dress(app, 'system')\n"
        "told(Qt.ColorScheme.Dark); told(Qt.ColorScheme.Light)\n"
        "dress(app, 'light'); told(Qt.ColorScheme.Dark)\n"
        "dress(app, 'system'); told(Qt.ColorScheme.Dark)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=True,
        timeout=30,
        # A theme of Qt's that knows whether the desktop is dark; a bare screen has none.
        env={**os.environ, "DISPLAY": screen, "QT_QPA_PLATFORMTHEME": "gnome"},
    )  # fmt: skip
    dark, light = "True True", "False False"
    assert ran.stdout.split("|")[:-1] == [dark, light, light, dark], ran.stderr


def _all(tints: marks.Tints) -> tuple[str, ...]:
    return (tints.good, tints.notice, tints.warning, tints.bad, tints.off)
