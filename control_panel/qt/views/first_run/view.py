"""Which server: found on this computer, by a link, or one that is known already."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from control_panel.client import files, hops, links, nearby, pairing
from control_panel.client.errors import ClientError, LinkRefused, NotKept
from control_panel.client.hops import Hop
from control_panel.client.links import Link
from control_panel.client.nearby import Nearby
from control_panel.client.secrets import Secrets
from control_panel.client.servers import Server, Servers
from control_panel.model.things import LoggedIn, User
from control_panel.qt.door import Door
from control_panel.qt.forms import large, primary
from control_panel.qt.inline import Said, heading
from control_panel.qt.texts import tr
from control_panel.qt.views.first_run.hop_list import HopList

_LINK_BYTES = 10_000
Act = Callable[[], None]
Trade = Callable[[], tuple[Server, LoggedIn]]


class Start(NamedTuple):
    """What the panel is opened with."""

    server: Server
    token: str


class Seen(NamedTuple):
    """What was found without asking anybody."""

    known: list[Server]
    here: list[tuple[Nearby, list[User]]]


class FirstRun(QWidget):
    """Ends with `ready`; until then everything can be tried again."""

    ready = Signal(object)

    def __init__(
        self, door: Door, servers: Servers, secrets: Secrets, fault: ClientError | None = None
    ) -> None:
        super().__init__()
        self._door = door
        self._servers = servers
        self._secrets = secrets
        self._start: Start | None = None
        self.said = Said()
        self.here = _Card(tr("On this computer"))
        self.known = _Card(tr("Known servers"))
        self.link = _LinkCard()
        self.link.asked.connect(self._redeem)
        self.link.refused.connect(self.said.fail)
        self.link.wants_file.connect(self._choose_file)
        self.hops = HopList()
        self.open_button = primary(QPushButton(tr("Open the panel")))
        self.open_button.setDefault(True)
        self.open_button.setEnabled(False)
        self.open_button.clicked.connect(self._open)
        self.where = QLabel()
        self.where.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self.where.setWordWrap(True)
        self._lay_out()
        if fault is not None:
            self.said.fail(fault)
        self.look()

    def look(self) -> None:
        """Look for servers on this computer, and for those that are known."""
        self.here.clear(tr("Looking for a server on this computer …"))
        self._door.ask(self._look, self._show_seen, self.said.fail, self)

    def read_file(self, file: Path) -> None:
        """Take the link out of a file."""

        def done(content: bytes | None) -> None:
            if content is None:
                self.said.fail(NotKept(f"{file} is not there", "Choose another file"))
            else:
                self.link.text.setPlainText(content[:_LINK_BYTES].decode("utf-8", "replace"))

        self._door.ask(lambda: files.read(file), done, self.said.fail, self)

    def _lay_out(self) -> None:
        title = QLabel(tr("Which server?"))
        large(title, 1.5, bold=True)
        inner = QWidget()
        inner.setMaximumWidth(720)
        column = QVBoxLayout(inner)
        column.setSpacing(14)
        for widget in (title, self.said, self.known, self.here, self.link, self.hops):
            column.addWidget(widget)
        column.addWidget(self.where)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(self.open_button)
        column.addLayout(row)
        column.addStretch(1)
        middle = QWidget()
        centre = QHBoxLayout(middle)
        centre.addStretch(1)
        centre.addWidget(inner, 4)
        centre.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(middle)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(scroll)
        self.known.hide()
        self.hops.hide()
        self.open_button.hide()

    def _look(self) -> Seen:
        found = [
            (server, nearby.people(server) if server.token else [])
            for server in nearby.look(nearby.folders(os.environ))
        ]
        return Seen(self._servers.known(), found)

    def _show_seen(self, seen: Seen) -> None:
        self.known.clear()
        for server in seen.known:
            row = self.known.row(server.name)
            row.button(tr("Open"), lambda _=False, server=server: self._open_known(server))  # type: ignore[misc]
            row.button(tr("Forget"), lambda _=False, server=server: self._forget(server))  # type: ignore[misc]
        self.known.setVisible(bool(seen.known))
        self.here.clear("" if seen.here else tr("No server runs on this computer."))
        for found, people in seen.here:
            self._offer(found, people)

    def _offer(self, found: Nearby, people: list[User]) -> None:
        row = self.here.row(tr("A server runs here ({url})").format(url=found.url))
        if not found.token:
            self.here.note(
                tr("It belongs to another user of this computer. Ask them for a link: "
                   "fieldline pair YOUR-NAME")
            )  # fmt: skip
            return
        names = [user.username for user in people if user.has_password]
        if names:
            who = QComboBox()
            who.addItems(names)
            who.setAccessibleName(tr("As whom"))
            row.add(who)
            row.button(tr("Open"), lambda: self._pair_here(found, who.currentText()))
            return
        name = QLineEdit()
        name.setPlaceholderText(tr("your name, e.g. ada"))
        name.setAccessibleName(tr("Your name"))
        password = _password(tr("a password that you choose"))
        row.add(name)
        row.add(password)
        row.button(
            tr("Become its administrator"),
            lambda: self._invite_here(found, name.text().strip(), password.text()),
        )

    def _pair_here(self, found: Nearby, username: str) -> None:
        self._log_in(lambda: pairing.redeem(nearby.pair(found, username)))

    def _invite_here(self, found: Nearby, username: str, password: str) -> None:
        self._log_in(lambda: pairing.redeem(nearby.invite(found, username), password))

    def _redeem(self, link: Link, password: str) -> None:
        self._log_in(lambda: pairing.redeem(link, password))

    def _log_in(self, trade: Trade) -> None:
        self.said.clear()
        self._busy(tr("Logging in …"))

        def work() -> Start:
            server, session = trade()
            self._secrets.put(server.name, session.token)
            self._servers.use(server)
            return Start(server, session.token)

        self._door.ask(work, self._test, self._failed, self)

    def _open_known(self, server: Server) -> None:
        self.said.clear()

        def work() -> Start:
            token = self._secrets.get(server.name)
            if token is None:
                raise NotKept(
                    f"the token for {server.name} is not kept here any more", "Ask for a new link"
                )
            self._servers.use(server)
            return Start(server, token)

        self._door.ask(work, self._test, self._failed, self)

    def _forget(self, server: Server) -> None:
        def work() -> None:
            self._servers.forget(server.name)
            self._secrets.forget(server.name)

        self._door.ask(work, lambda _: self.look(), self.said.fail, self)

    def _test(self, start: Start) -> None:
        self._start = start
        self.where.setText(tr("Your login is kept {where}.").format(where=self._secrets.where))
        self.hops.begin(hops.NAMES)
        self.open_button.setEnabled(False)
        self.open_button.show()
        self._next(hops.walk(start.server, start.token))

    def _next(self, walk: Iterator[Hop]) -> None:
        def done(hop: Hop | None) -> None:
            if hop is None:
                return
            self.hops.tell(hop)
            if hop.name == "login" and hop.good:
                self.open_button.setEnabled(True)
                self.open_button.setFocus()
            self._next(walk)

        self._door.ask(lambda: next(walk, None), done, self._failed, self)

    def _failed(self, error: ClientError) -> None:
        self.said.fail(error)
        self._busy("")

    def _busy(self, text: str) -> None:
        self.link.setEnabled(not text)
        self.here.setEnabled(not text)
        self.where.setText(text)

    def _choose_file(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, tr("A file with the link"))
        if name:
            self.read_file(Path(name))

    def _open(self) -> None:
        if self._start is not None:
            self.ready.emit(self._start)


class _Row(QWidget):
    def __init__(self, text: str) -> None:
        super().__init__()
        said = QLabel(text)
        said.setTextFormat(Qt.TextFormat.PlainText)
        self._layout = QHBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.addWidget(said, 1)

    def add(self, widget: QWidget) -> None:
        self._layout.addWidget(widget)

    def button(self, text: str, act: Act) -> None:
        made = QPushButton(text)
        made.clicked.connect(act)
        self._layout.addWidget(made)


class _Card(QFrame):
    def __init__(self, title: str) -> None:
        super().__init__()
        self.setObjectName("card")
        self._note = QLabel()
        self._note.setWordWrap(True)
        self._rows: list[QWidget] = []
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(16, 12, 16, 12)
        self._layout.addWidget(heading(title))
        self._layout.addWidget(self._note)

    def clear(self, note: str = "") -> None:
        for row in self._rows:
            self._layout.removeWidget(row)
            row.deleteLater()
        self._rows.clear()
        self.note(note)

    def note(self, text: str) -> None:
        self._note.setText(text)
        self._note.setVisible(bool(text))

    def row(self, text: str) -> _Row:
        row = _Row(text)
        self._rows.append(row)
        self._layout.addWidget(row)
        return row


class _LinkCard(QFrame):
    asked = Signal(object, str)
    refused = Signal(object)
    wants_file = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("card")
        about = QLabel(
            tr("On the server, “fieldline pair YOUR-NAME” prints a link; an administrator can also "
               "send you an invitation. Paste it here.")
        )  # fmt: skip
        about.setWordWrap(True)
        self.text = QPlainTextEdit()
        self.text.setPlaceholderText("fieldline:pair?url=https://…")
        self.text.setAccessibleName(tr("The link"))
        self.text.setTabChangesFocus(True)
        self.text.setFixedHeight(72)
        self.text.textChanged.connect(self._changed)
        self.password = _password(tr("a password that you choose"))
        self.password.hide()
        self.button = QPushButton(tr("Connect"))
        self.button.setEnabled(False)
        self.button.clicked.connect(self._connect)
        from_file = QPushButton(tr("From a file …"))
        from_file.clicked.connect(self.wants_file)
        row = QHBoxLayout()
        row.addWidget(self.password, 1)
        row.addStretch(1)
        row.addWidget(from_file)
        row.addWidget(self.button)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 12)
        column.addWidget(heading(tr("By a link")))
        column.addWidget(about)
        column.addWidget(self.text)
        column.addLayout(row)

    def _changed(self) -> None:
        text = self.text.toPlainText()
        self.button.setEnabled(bool(text.strip()))
        self.password.setVisible("fieldline:invite" in text)

    def _connect(self) -> None:
        try:
            link = links.read(self.text.toPlainText())
        except LinkRefused as error:
            self.refused.emit(error)
            return
        self.asked.emit(link, self.password.text())


def _password(words: str) -> QLineEdit:
    line = QLineEdit()
    line.setEchoMode(QLineEdit.EchoMode.Password)
    line.setPlaceholderText(words)
    line.setAccessibleName(words)
    return line
