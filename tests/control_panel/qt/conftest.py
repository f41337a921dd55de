"""Real widgets on a virtual screen."""

from __future__ import annotations

import gc
import os
import subprocess
from collections.abc import Iterator
from functools import partialmethod
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from control_panel.client.api import Api as Client
from control_panel.qt.application import Panels
from tests.cloud.control.api import Api
from tests.control_panel.qt.whole import Opened


@pytest.fixture(scope="session")
def screen() -> Iterator[str]:
    """An X server without hardware; its name is in DISPLAY."""
    reading, writing = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", "2560x1600x24", "-nolisten", "tcp"],
        pass_fds=[writing], stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(writing)
    with os.fdopen(reading) as told:
        name = f":{told.readline().strip()}"
    before = {key: os.environ.get(key) for key in ("DISPLAY", "QT_QPA_PLATFORM")}
    os.environ.update(DISPLAY=name, QT_QPA_PLATFORM="xcb")
    yield name
    for key, value in before.items():
        if value is None:
            os.environ.pop(key)
        else:
            os.environ[key] = value
    server.terminate()
    server.wait(60)


@pytest.fixture(scope="session")
def qapp_args(screen: str) -> list[str]:
    """pytest-qt makes the application when the screen is there."""
    return ["fieldline-panel"]


@pytest.fixture(scope="session", autouse=True)
def patience() -> Iterator[None]:
    """What is waited for may take as long as a busy machine needs; it passes once it holds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(QtBot, "waitUntil", partialmethod(QtBot.waitUntil, timeout=60_000))
        yield


@pytest.fixture(scope="package", autouse=True)
def no_collection_by_workers() -> Iterator[None]:
    """Garbage with Qt's objects in it is collected where these live, as the panel has it."""
    gc.collect()
    gc.freeze()
    gc.disable()
    yield
    gc.enable()
    gc.unfreeze()


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """After each test, collect."""
    yield
    gc.collect()


@pytest.fixture
def local(api: Api) -> Iterator[Client]:
    """This machine's own administrator."""
    client = Client(api.url, api.certificates.ca.read_text(), api.local_token)
    yield client
    client.close()


@pytest.fixture
def opened(qtbot: QtBot, qapp: QApplication) -> Iterator[Opened]:
    """Start a panel with settings in a folder."""
    made: list[Panels] = []

    def start(folder: Path) -> Panels:
        panels = Panels(qapp, folder)
        made.append(panels)
        panels.start()
        qtbot.waitUntil(panels.window.isVisible)
        return panels

    yield start
    for panels in made:
        panels.window.close()
        panels.deleteLater()
    qapp.setStyleSheet("")
