"""Opens Grafana's dashboards in the browser, if the server says where Grafana is."""

from collections.abc import Callable
from datetime import datetime

from PySide6.QtCore import QObject, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QPushButton

from control_panel.client.api import Api, route
from control_panel.client.errors import ClientError
from control_panel.model import dashboards
from control_panel.model.things import ServerTold
from control_panel.qt.door import Door
from control_panel.qt.texts import tr


class Dashboards(QObject):
    """Of one server. `look` asks it where Grafana is."""

    changed = Signal()

    def __init__(self, api: Api, door: Door) -> None:
        super().__init__()
        self._api = api
        self._door = door
        self._grafana = ""

    @property
    def known(self) -> bool:
        """Whether there is a Grafana to open."""
        return bool(self._grafana)

    def look(self) -> None:
        """Ask the server; what fails is asked again with the next look."""
        api = self._api

        def done(told: ServerTold) -> None:
            if (told.grafana or "") != self._grafana:
                self._grafana = told.grafana or ""
                self.changed.emit()

        def failed(_: ClientError) -> None:
            return

        self._door.ask(lambda: api.get(route("server"), ServerTold), done, failed, self)

    def open_fleet(self, begin: datetime, end: datetime) -> None:
        """Open the dashboard of all devices at a time range."""
        if self.known:
            QDesktopServices.openUrl(QUrl(dashboards.fleet(self._grafana, begin, end)))

    def open_device(self, name: str, begin: datetime, end: datetime, *channels: str) -> None:
        """Open the dashboard of a device, of some of its channels if they are named."""
        if self.known:
            address = dashboards.device(self._grafana, name, begin, end, channels)
            QDesktopServices.openUrl(QUrl(address))


class DashboardButton(QPushButton):
    """Leads to a dashboard; not there while nobody knows of a Grafana."""

    def __init__(self, dashboards: Dashboards, text: str, act: Callable[[], None]) -> None:
        super().__init__(text)
        self.setToolTip(tr("Opens Grafana in the browser"))
        self.clicked.connect(act)
        self._dashboards = dashboards
        dashboards.changed.connect(self._look)
        self._look()

    def _look(self) -> None:
        self.setVisible(self._dashboards.known)
