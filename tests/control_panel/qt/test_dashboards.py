"""From a number in the panel to the same in Grafana, at the same time range."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from PySide6.QtCore import QObject, QUrl, Slot
from PySide6.QtGui import QDesktopServices
from pytestqt.qtbot import QtBot

from control_panel.qt.dashboards import DashboardButton
from tests.cloud.control.api import Api
from tests.cloud.control.played import plan
from tests.control_panel.qt.rig import Rig

BEGIN = datetime(2026, 1, 2, 3, tzinfo=UTC)
END = BEGIN + timedelta(hours=6)
GRAFANA = "http://grafana.test:3000"


class Browser(QObject):
    """Takes what would be opened."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[str] = []

    @Slot(QUrl)
    def open(self, url: QUrl) -> None:
        self.opened.append(url.toString())


@pytest.fixture
def browser() -> Iterator[Browser]:
    """The desktop's browser."""
    taken = Browser()
    QDesktopServices.setUrlHandler("http", taken, "open")  # type: ignore[arg-type]  # as its documentation says
    yield taken
    QDesktopServices.unsetUrlHandler("http")


@pytest.fixture
def with_grafana(api: Api) -> Iterator[Api]:
    """A server that knows where Grafana is."""
    api.folder.run.mkdir(exist_ok=True)
    told = msgspec.json.decode(plan(api)) | {"grafana": GRAFANA}
    api.folder.plan.write_bytes(msgspec.json.encode(told))
    yield api
    api.folder.plan.unlink()


def test_a_dashboard_is_opened_at_a_time_range_where_there_is_a_grafana(
    with_grafana: Api, qtbot: QtBot, browser: Browser
) -> None:
    rig = Rig(with_grafana)
    dashboards = rig.panel.dashboards
    button = DashboardButton(
        dashboards, "Dashboard", lambda: dashboards.open_device("pi-1", BEGIN, END, "room.CO")
    )
    qtbot.addWidget(button)
    assert button.isHidden()
    dashboards.open_fleet(BEGIN, END)
    assert not browser.opened
    with qtbot.waitSignal(dashboards.changed):
        dashboards.look()
    assert not button.isHidden()
    button.click()
    span = "from=1767322800000&to=1767344400000"
    assert browser.opened == [
        f"{GRAFANA}/d/fieldline-device?var-device=pi-1&var-channel=room.CO&{span}"
    ]
    rig.close()
