"""What is remembered, which server is shown, and when something else is asked first."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec
from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QApplication

from control_panel.client import files
from control_panel.client.errors import ClientError, NotKept
from control_panel.client.secrets import Secrets
from control_panel.client.servers import Server, Servers
from control_panel.client.session import Session
from control_panel.model import panel_settings
from control_panel.model.actions import Registry
from control_panel.model.panel_settings import PanelSettings
from control_panel.qt import theme
from control_panel.qt.collector import Collector
from control_panel.qt.connected import Connected
from control_panel.qt.crash import CrashDialog
from control_panel.qt.door import Door
from control_panel.qt.views.first_run.view import FirstRun, Start
from control_panel.qt.window import Window

_END_S = 3.0
_KEEP_MS = 3_000


class Found(NamedTuple):
    """What a start finds on disk and in the keyring."""

    settings: PanelSettings
    server: Server | None
    token: str | None
    fault: ClientError | None = None


class Wanted(NamedTuple):
    """What the command says: a known server by its name or URL, or a link to a new one."""

    server: str = ""
    link: str = ""


_NOTHING = Wanted()


class Panels(QObject):
    """The application: one window, one server at a time."""

    def __init__(
        self,
        application: QApplication,
        folder: Path,
        wanted: Wanted = _NOTHING,
        demonstration: Callable[[], Session] | None = None,
    ) -> None:
        """`folder`: of settings. With a demonstration nothing is read from it nor kept there."""
        super().__init__(application)
        self._demonstration = demonstration
        self._application = application
        self._file = folder / "panel.json"
        self._folder = folder
        self._wanted = wanted
        self._servers = Servers(folder)
        self._door = Door(self)
        self._collector = Collector(self)
        self._registry = Registry()
        self.connected: Connected | None = None
        self._settings = PanelSettings()
        self.ended = False
        """Whether all workers have ended when the window was closed."""
        self.window = Window(self._registry)
        self.window.wants_colours.connect(self.colour)
        self.window.wants_language.connect(self.speak)
        self.window.closing.connect(self._closing)
        self.window.wants_server.connect(self._another_server)
        self._kept = b""
        self._keeping = QTimer(self, interval=_KEEP_MS)
        self._keeping.timeout.connect(self._keep)

    def start(self) -> None:
        """Show the window as soon as it is known how; connect when the keyring has answered."""
        if self._demonstration is None:
            self._door.ask(self._look, self._begin, self._not_read, self)
        else:
            self._show(self._demonstration(), "")
            self.window.show()

    def colour(self, choice: str) -> None:
        """Take other colours, and keep that."""
        self._settings = msgspec.structs.replace(self._settings, scheme=choice)
        theme.dress(self._application, choice)

    def speak(self, language: str) -> None:
        """Keep that another language is wanted from the next start on."""
        self._settings = msgspec.structs.replace(self._settings, language=language)

    def bring_to_front(self) -> None:
        """Somebody has started the panel again."""
        self.window.show()
        self.window.raise_()
        self.window.activateWindow()

    def show_crash(self, text: str) -> None:
        """Show a report of a fault of ours."""
        dialog = CrashDialog(text, self.window)
        dialog.open()

    def _look(self) -> Found:
        secrets = Secrets(self._folder)  # looks for the keyring, which may take a while
        settings = panel_settings.read(files.read(self._file))
        try:
            known = self._servers.known()
            if self._wanted.server:
                known = [one for one in known if self._wanted.server in {one.name, one.url}]
                if not known:
                    raise NotKept(
                        f"no server {self._wanted.server} is known here", "Choose one below"
                    )
            token = secrets.get(known[0].name) if known else None
        except ClientError as error:
            return Found(settings, None, None, error)
        return Found(settings, known[0] if known else None, token)

    def _begin(self, found: Found) -> None:
        self._settings = found.settings
        theme.dress(self._application, found.settings.scheme)
        self.window.remembered = dict(found.settings.views)
        if found.settings.geometry:
            self.window.restore_geometry(found.settings.geometry)
        if found.server is not None and found.token and not self._wanted.link:
            self._connect(Start(found.server, found.token))
        else:
            self._ask_for_server(found.fault)
        self.window.show()
        self._keeping.start()

    def _not_read(self, error: ClientError) -> None:
        self._ask_for_server(error)
        self.window.show()

    def _another_server(self) -> None:
        if self._demonstration is None:
            self._ask_for_server()
        else:
            self._demonstration = None
            self._leave()
            self.start()

    def _ask_for_server(self, fault: ClientError | None = None) -> None:
        self._leave()
        first = FirstRun(self._door, self._servers, Secrets(self._folder), fault)
        first.ready.connect(self._connect)
        if self._wanted.link:
            first.link.text.setPlainText(self._wanted.link)
            self._wanted = _NOTHING
        self.window.ask(first)

    def _connect(self, start: Start) -> None:
        self._leave()
        try:
            session = Session(start.server, start.token)
        except ClientError as error:
            self._ask_for_server(error)
            return
        self._show(session, start.token)

    def _show(self, session: Session, token: str) -> None:
        self._registry.become(session.server.role)
        self.connected = Connected(
            session, self._servers, self._door, self._registry, self.window.goto
        )
        self.connected.role_changed.connect(
            lambda role: self._connect(
                Start(msgspec.structs.replace(session.server, role=role), token)
            )
        )
        self.connected.logged_out.connect(
            lambda said, fix: self._ask_for_server(ClientError(said, fix))
        )
        self.connected.open()
        self.window.connect_to(self.connected, self.window.view or self._settings.view)

    def _leave(self) -> None:
        if self.connected is not None:
            self.connected.close()
            self.connected.deleteLater()
            self.connected = None

    def _closing(self, view: str) -> None:
        self._keeping.stop()
        self.window.hide()
        self._keep(view)
        self._leave()
        self.ended = self._door.close(_END_S)
        self._collector.stop()

    def _keep(self, view: str = "") -> None:
        """Write what is to be found again, if it has changed: also who crashes has kept it."""
        if self._demonstration is not None:
            return
        kept = msgspec.structs.replace(
            self._settings,
            geometry=self.window.geometry_text(),
            view=view or self.window.view or self._settings.view,
            views=self.window.states(),
        )
        content = panel_settings.written(kept)
        if content != self._kept:
            self._kept = content
            self._door.ask(
                lambda: files.write(self._file, content), lambda _: None, lambda _: None, self
            )
