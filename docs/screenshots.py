"""Draws every view of the panel from its demonstration, light and dark: the pictures of the guide.

    make screenshots
    python docs/screenshots.py --into /tmp/large --scale 2 --language de

The demonstration's clock stands still, so that a picture changes when the panel does.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import segno
from PySide6.QtCore import QEventLoop
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QTabWidget, QWidget

from control_panel.client.demo.start import session
from control_panel.client.errors import NotKept
from control_panel.client.hops import NAMES, Hop
from control_panel.client.secrets import Secrets
from control_panel.client.servers import Servers
from control_panel.client.session import Session
from control_panel.model.places import Place
from control_panel.model.things import EnrolmentToken
from control_panel.qt import texts, theme
from control_panel.qt.application import Panels
from control_panel.qt.door import Door
from control_panel.qt.views.first_run.view import FirstRun

IMAGES = Path(__file__).parent / "images"
NOW = datetime(2026, 11, 23, 14, 30, tzinfo=UTC)
WIDTH, HEIGHT = 1280, 800
_PATIENCE_S = 20.0
_CALM_S = 0.4
_CA = "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8"
_CODE = "flt_p7WnGJ3oXkq0dRr5sVb2YtLh"
_LINK = f"fieldline:enrol?url=https%3A%2F%2Fplant.example%3A8443&ca={_CA}&token={_CODE}"
_TOKEN = EnrolmentToken(  # of nobody
    device="greenhouse-7", token=_CODE, text=_LINK, svg=segno.make(_LINK).svg_inline(scale=4),
    expires=NOW.replace(minute=44), local_only=False,
)  # fmt: skip
_HOPS = (
    Hop("name", True, "plant.example is 192.0.2.17"),
    Hop("connection", True, "port 8443 answers, by TLS 1.3"),
    Hop("certificate", True, "signed by the CA that the link names"),
    Hop("login", True, "as ada, who may administrate"),
    Hop("clock", True, "both clocks agree"),
    Hop("broker", True, "the broker lets this panel listen"),
    Hop("newest row", True, "2 s old"),
)


def main() -> int:
    """Draw them; return 0."""
    parser = argparse.ArgumentParser(
        description="Draws every view of the panel from its demonstration.",
        epilog="example: python docs/screenshots.py --into /tmp/large --scale 2",
    )
    parser.add_argument("--into", type=Path, default=IMAGES, help="a folder (default: docs/images)")
    parser.add_argument("--scale", type=float, default=1.0, help="of the screen (default: 1)")
    parser.add_argument(
        "--language", choices=("en", "de"), default="en", help="what is spoken (default: en)"
    )
    parser.add_argument("--scheme", choices=("light", "dark"), help="one of them (default: both)")
    options = parser.parse_args()
    options.into.mkdir(parents=True, exist_ok=True)
    spoken = {"en": "en_GB", "de": "de_DE"}[options.language]
    os.environ.update(QT_SCALE_FACTOR=str(options.scale), TZ="UTC", LC_ALL=f"{spoken}.UTF-8")
    with _screen(options.scale):
        application = QApplication(["fieldline-panel"])
        texts.install(application, "")
        for scheme in (options.scheme,) if options.scheme else ("light", "dark"):
            draw(application, scheme, options.into)
    return 0


def draw(application: QApplication, scheme: str, into: Path) -> None:
    """Draw all in one scheme of colours."""
    with tempfile.TemporaryDirectory() as folder:
        theme.dress(application, scheme)
        panels = Panels(application, Path(folder), demonstration=_session)
        Album(application, panels, scheme, into).draw()
        panels.window.close()


def _session() -> Session:
    return session(round(NOW.timestamp() * 1e6))


class Album:
    """The pictures of one scheme."""

    def __init__(self, application: QApplication, panels: Panels, scheme: str, into: Path) -> None:
        self._application = application
        self._panels = panels
        self._scheme = scheme
        self._into = into

    def draw(self) -> None:
        """Go through all views."""
        panels, window = self._panels, self._panels.window
        panels.start()
        window.resize(WIDTH, HEIGHT)
        connected = panels.connected
        assert connected is not None
        self._until(lambda: len(connected.panel.fleet.devices) > 5)
        self._show("overview")
        self._show("devices")
        self._show("devices", "workshop-air", name="device")
        for number, name in enumerate(("channels", "configuration", "commands", "status", "audit")):
            if number:
                self._tab(number, f"device-{name}")
        self._register()
        self._show("live", "workshop-air", name="live")
        self._tab(1, "live-newest")
        self._tab(2, "live-messages")
        self._show("pipeline", "stream", name="pipeline")
        self._show("alerts")
        self._tab(2, "alerts-history")
        self._tab(3, "alerts-rules")
        rules = self._view().rules  # type: ignore[attr-defined]
        rules.choose("dairy too warm")
        rules.editor.try_it.click()
        self._until(lambda: rules.editor.preview.text() and rules.editor.try_it.isEnabled())
        self._keep(self._panels.window, "alerts-rule")
        self._tab(4, "alerts-targets")
        self._show("completeness", "boiler-house", name="completeness")
        self._show("boards")
        self._board()
        window.palette_dialog.show()
        self._keep(window.palette_dialog, "palette")
        window.palette_dialog.close()
        self._first_run()

    def _view(self) -> QWidget:
        view = self._panels.window.stack.currentWidget()
        assert view is not None
        return view

    def _show(self, view: str, subject: str = "", *, name: str = "") -> None:
        self._panels.window.goto(Place(view, subject))
        self._keep(self._panels.window, name or view)

    def _tab(self, number: int, name: str) -> None:
        tabs = next(one for one in self._view().findChildren(QTabWidget) if one.isVisible())
        tabs.setCurrentIndex(number)
        self._keep(self._panels.window, name)

    def _register(self) -> None:
        """What comes after a registration: the code is nobody's."""
        view = self._view()
        view.show_register()  # type: ignore[attr-defined]
        register = view.register  # type: ignore[attr-defined]
        register.name.setText(_TOKEN.device)
        self._keep(self._panels.window, "register-form")
        register._show_token(_TOKEN)
        self._keep(self._panels.window, "register")
        register.back.emit()

    def _board(self) -> None:
        view = self._view()
        view.tabs.setCurrentIndex(1)  # type: ignore[attr-defined]
        here = view.here  # type: ignore[attr-defined]
        self._until(lambda: here.port.count() > 0)
        here.begin()
        self._until(lambda: here.talk.samples > 4)
        self._keep(self._panels.window, "boards-here", calm_s=0.0)
        here.end()

    def _first_run(self) -> None:
        """A way of which every hop is good."""
        window = self._panels.window
        with tempfile.TemporaryDirectory() as folder:
            os.environ["FIELDLINE_DATA"] = folder
            door = Door(self._application)
            known = Path(folder)
            first = FirstRun(door, Servers(known), Secrets(known))
            window.ask(first)
            self._settle(_CALM_S)
            first.link.text.setPlainText(
                f"fieldline:pair?url=https%3A%2F%2Fplant.example%3A8443&ca={_CA}&code=4J7K-M2QX"
            )
            first.hops.begin(NAMES)
            for hop in _HOPS:
                first.hops.tell(hop)
            first.open_button.setEnabled(True)
            first.open_button.show()
            self._keep(window, "first-run")
            door.close(3)

    def _keep(self, widget: QWidget, name: str, *, calm_s: float = _CALM_S) -> None:
        self._settle(calm_s)
        small = few_colours(widget.grab().toImage())
        file = self._into / f"{name}-{self._scheme}.png"
        if not small.save(str(file), None, 0):
            raise NotKept(f"{file} cannot be written", "Is there room, and is it yours?")
        print(file.name, flush=True)

    def _settle(self, calm_s: float) -> None:
        """Let everything come that is asked for: until nobody works and it has been calm."""
        end = time.monotonic() + calm_s
        while time.monotonic() < end:
            self._application.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 20)

    def _until(self, condition: Callable[[], bool]) -> None:
        end = time.monotonic() + _PATIENCE_S
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError("the panel does not come to show what is to be drawn")
            self._application.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 20)


def few_colours(image: QImage) -> QImage:
    """Return the picture with its 256 most frequent colours, at a third of the size.

    Others, which are the edges of letters, become the one that is nearest.
    """
    plain = image.convertToFormat(QImage.Format.Format_RGB32)
    height, width = plain.height(), plain.width()
    pixels = np.frombuffer(plain.constBits(), np.uint32).reshape(height, -1)[:, :width]
    colours, which, often = np.unique(pixels, return_inverse=True, return_counts=True)
    kept = np.argsort(-often)[:256]
    parts = colours[:, None] >> np.array([16, 8, 0], np.uint32) & 0xFF
    apart = parts[:, None, :].astype(np.int32) - parts[kept][None, :, :].astype(np.int32)
    nearest = (apart**2).sum(axis=2).argmin(axis=1).astype(np.uint8)
    indexed = np.zeros((height, (width + 3) // 4 * 4), np.uint8)  # rows of whole words
    indexed[:, :width] = nearest[which.reshape(height, width)]
    made = QImage(indexed.data, width, height, indexed.shape[1], QImage.Format.Format_Indexed8)
    made.setColorTable([int(one) for one in colours[kept]])
    return made.copy()


@contextmanager
def _screen(scale: float) -> Iterator[None]:
    """A screen without hardware."""
    reading, writing = os.pipe()
    size = f"{round(WIDTH * scale) + 200}x{round(HEIGHT * scale) + 200}x24"
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", size, "-nolisten", "tcp"],
        pass_fds=[writing], stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(writing)
    with os.fdopen(reading) as told:
        os.environ.update(DISPLAY=f":{told.readline().strip()}", QT_QPA_PLATFORM="xcb")
    try:
        yield
    finally:
        server.terminate()
        server.wait(10)


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)  # Qt would wait for a screen that is gone
