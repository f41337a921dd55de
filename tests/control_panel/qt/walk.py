"""Goes through all of the panel's demonstration, and says what somebody could not use.

    python -m tests.control_panel.qt.walk de 960x600

walks in a process of its own, which a screen of another scale needs (QT_SCALE_FACTOR).
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from PySide6.QtCore import QEventLoop, QSize, Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractScrollArea,
    QApplication,
    QComboBox,
    QLabel,
    QLineEdit,
    QPushButton,
    QTabWidget,
    QToolButton,
    QWidget,
)

from control_panel.client.demo.start import session
from control_panel.client.secrets import Secrets
from control_panel.client.servers import Servers
from control_panel.model.layouts import Threshold
from control_panel.model.places import Place
from control_panel.qt import texts
from control_panel.qt.application import Panels
from control_panel.qt.charts.panel import ChartPanel
from control_panel.qt.crash import CrashDialog
from control_panel.qt.door import Door
from control_panel.qt.keys import KeysPage
from control_panel.qt.theme import dress
from control_panel.qt.views.first_run.view import FirstRun
from tests.control_panel.qt.rig import nameless, picture

VIEWS = ("overview", "devices", "live", "pipeline", "alerts", "completeness", "boards")
_CALM_S = 0.25


def walk(application: QApplication, size: QSize) -> list[str]:
    """Return what cannot be heard, read or reached, with where it is."""
    found = []
    dress(application, "light")  # room is needed for what a style adds, too
    with tempfile.TemporaryDirectory() as folder:
        os.environ["FIELDLINE_DATA"] = folder  # no server is here
        panels = Panels(application, Path(folder) / "settings", demonstration=session)
        panels.start()
        panels.window.resize(size)
        for widget, where in _places(application, panels, Path(folder)):
            _settle(application)
            picture(widget, where.replace(" ", "-"))
            found += [f"{where}: without a name: {one}" for one in nameless(widget)]
            if cut(widget):
                _settle(application)  # a text that has just changed has its room a moment later
            found += [f"{where}: cut: {one}" for one in cut(widget)]
            found += [f"{where}: not reached by keys: {one}" for one in unreached(widget)]
        panels.window.close()
    application.setStyleSheet("")
    return found


def _places(
    application: QApplication, panels: Panels, folder: Path
) -> Iterator[tuple[QWidget, str]]:
    window = panels.window
    for place in (*map(Place, VIEWS), Place("devices", "workshop-air"), Place("live", "office")):
        window.goto(place)
        where = f"{place.view} {place.subject}".strip()
        yield window, where
        view = window.stack.currentWidget()
        assert view is not None
        for tabs in [one for one in view.findChildren(QTabWidget) if one.isVisible()][:1]:
            for number in range(1, tabs.count()):
                tabs.setCurrentIndex(number)
                yield window, f"{where}, {tabs.tabText(number)}"
            if place.view == "alerts":
                tabs.setCurrentIndex(3)
                view.rules.choose("dairy too warm")  # type: ignore[attr-defined]
                yield window, "a rule"
                view.rules.editor.try_it.click()  # type: ignore[attr-defined]
                yield window, "a rule that is tried"
    registry = window.palette_dialog._registry
    for action in ("devices.register", "devices.register-many"):
        assert registry.run(action)
        yield window, action
    for asked, where in (
        ("Edit …", "a device that is edited"),
        ("Revoke …", "before a device is revoked"),
        ("Replace …", "a device that is replaced"),
    ):
        window.goto(Place("devices", "workshop-air"))
        _settle(application)
        _press(window, texts.tr(asked))
        yield window, where
    window.goto(Place("live", "office"))
    _settle(application)
    for panel in [one for one in window.findChildren(ChartPanel) if one.isVisible()][:1]:
        panel.edit_thresholds()
        panel.thresholds.put(Threshold(30.0, panel.units()[0], texts.tr("clean air")))
        yield window, "thresholds"
        panel.thresholds.hide()
    assert registry.run("live.save-layout")
    yield window, "a layout that is saved"
    window.goto(Place("pipeline", "stream"))
    _settle(application)
    _press(window, texts.tr("Stop everything"))
    yield window, "before everything is stopped"
    for dialog in (KeysPage(registry, window), CrashDialog("Traceback: one", window)):
        dialog.show()
        yield dialog, type(dialog).__name__
        dialog.close()
    window.palette_dialog.show()
    yield window.palette_dialog, "palette"
    window.palette_dialog.close()
    door = Door(application)
    first = FirstRun(door, Servers(folder), Secrets(folder))
    window.ask(first)
    yield window, "first run"
    door.close(3)


def _press(window: QWidget, name: str) -> None:
    for one in window.findChildren(QPushButton):
        if one.isVisible() and name in {one.text(), one.accessibleName()}:
            one.click()
            return
    raise LookupError(f"no button {name!r} can be seen")


def cut(widget: QWidget) -> list[str]:
    """Return the texts that have less room than they need."""
    found = []
    for one in (widget, *widget.findChildren(QWidget)):
        if isinstance(one, QComboBox):
            text = one.currentText()
        elif isinstance(one, QLabel | QAbstractButton):
            text = one.text()
        else:
            continue
        if not one.isVisible() or not text:
            continue
        if type(one).__module__.startswith("control_panel") and "paintEvent" in vars(type(one)):
            continue  # it paints its text itself
        hint = one.sizeHint()
        if isinstance(one, QLabel) and one.wordWrap():
            short = one.heightForWidth(one.width()) > one.height() + 1
        else:
            short = hint.width() > one.width() + 1 or hint.height() > one.height() + 3
        if short:
            found.append(f"{text!r}: {one.width()}x{one.height()} of {hint.toTuple()}")
        elif not _scrolls(one) and one.visibleRegion().boundingRect() != one.rect():
            seen = one.visibleRegion().boundingRect().getRect()
            found.append(f"{text!r}: only {seen} of {one.width()}x{one.height()} is seen")
    return found


def _scrolls(widget: QWidget) -> bool:
    parent = widget.parentWidget()
    while parent is not None:
        if isinstance(parent, QAbstractScrollArea):
            return True
        parent = parent.parentWidget()
    return False


def unreached(widget: QWidget) -> list[str]:
    """Return what can be used and is not in the round that Tab makes."""
    wanted = {
        one
        for one in widget.findChildren(QWidget)
        if one.isVisible()
        and one.isEnabled()
        and one.focusPolicy() & Qt.FocusPolicy.TabFocus
        and not one.objectName().startswith("qt_")
        and one.focusProxy() is None
    }
    first = next(iter(wanted), None)
    round_ = set()
    one = first
    while one is not None and one not in round_:
        round_.add(one)
        one = one.nextInFocusChain()
    silent = [
        one
        for one in widget.findChildren(QAbstractButton)
        if isinstance(one, QPushButton | QToolButton)
        and one.isVisible()
        and one.isEnabled()
        and not one.objectName().startswith("qt_")
        and not isinstance(one.parentWidget(), QLineEdit)  # Qt's own, that empties it
        and not one.focusPolicy() & Qt.FocusPolicy.TabFocus
    ]
    return [_called(one) for one in (*(wanted - round_), *silent)]


def _called(widget: QWidget) -> str:
    text = widget.text() if isinstance(widget, QAbstractButton) else ""
    return text or widget.accessibleName() or type(widget).__name__


def _settle(application: QApplication) -> None:
    end = time.monotonic() + _CALM_S
    while time.monotonic() < end:
        application.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 20)


def main() -> int:
    """Walk; print what was found."""
    application = QApplication(["fieldline-panel"])
    texts.install(application, sys.argv[1])
    width, _, height = sys.argv[2].partition("x")
    found = walk(application, QSize(int(width), int(height)))
    print("\n".join(found), flush=True)
    os._exit(bool(found))


if __name__ == "__main__":
    main()
