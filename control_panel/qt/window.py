"""The frame: views at the left, the one that is shown, and how the connection is below."""

import base64
import importlib
import time
from collections.abc import Callable
from importlib import metadata
from typing import Any, NamedTuple, Protocol, cast

from PySide6.QtCore import QByteArray, QLocale, QSignalBlocker, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QCloseEvent, QGuiApplication, QKeySequence, QPalette
from PySide6.QtWidgets import (
    QButtonGroup,
    QFrame,
    QHBoxLayout,
    QLabel,
    QMainWindow,
    QMenu,
    QMessageBox,
    QPushButton,
    QSizePolicy,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from control_panel.model.actions import Action, Registry, may
from control_panel.model.history import Done
from control_panel.model.places import Place
from control_panel.qt import texts, theme, words
from control_panel.qt.commands import Palette, why_not
from control_panel.qt.connected import Connected
from control_panel.qt.desktop import Desktop
from control_panel.qt.icons import icon
from control_panel.qt.keys import KeysPage
from control_panel.qt.marks import Mark
from control_panel.qt.notifying import Notifying
from control_panel.qt.panel import Panel
from control_panel.qt.texts import tr

_TICK_MS = 1000
_MAKING_MS = 150
_UNDO_MS = 10_000
_HICCUP_S = 2.0
"""A connection that is lost for less greys nothing."""
_NAMED = 20
_MENUS = ("Panel", "Edit", "View", "Help")


class View(Protocol):
    """What the window asks of a view, which is also a QWidget."""

    def shown(self) -> None:
        """It has come to the front."""
        ...

    def close_down(self) -> None:
        """It ends: listeners, timers and threads with it."""
        ...


class Known(NamedTuple):
    """One of the views; it is imported when it is first shown."""

    name: str
    title: str
    make: Callable[[Panel], QWidget]


def _overview(panel: Panel) -> QWidget:
    from control_panel.qt.views.overview.view import OverviewView

    return OverviewView(panel)


def _devices(panel: Panel) -> QWidget:
    from control_panel.qt.views.devices.view import DevicesView

    return DevicesView(panel)


def _live(panel: Panel) -> QWidget:
    from control_panel.qt.views.live.view import LiveView

    return LiveView(panel)


def _pipeline(panel: Panel) -> QWidget:
    from control_panel.qt.views.pipeline.view import PipelineView

    return PipelineView(panel)


def _alerts(panel: Panel) -> QWidget:
    from control_panel.qt.views.alerts.view import AlertsView

    return AlertsView(panel)


def _completeness(panel: Panel) -> QWidget:
    from control_panel.qt.views.completeness.view import CompletenessView

    return CompletenessView(panel)


def _boards(panel: Panel) -> QWidget:
    from control_panel.qt.views.boards.view import BoardsView

    return BoardsView(panel)


def _import_views() -> None:
    for name in ("devices", "live", "pipeline", "alerts", "completeness", "boards"):
        importlib.import_module(f"control_panel.qt.views.{name}.view")


def views() -> tuple[Known, ...]:
    """Return the views, in the order of the bar."""
    return (
        Known("overview", tr("Overview"), _overview),
        Known("devices", tr("Devices"), _devices),
        Known("live", tr("Live"), _live),
        Known("pipeline", tr("Pipeline"), _pipeline),
        Known("alerts", tr("Alerts"), _alerts),
        Known("completeness", tr("Completeness"), _completeness),
        Known("boards", tr("Boards"), _boards),
    )


class Window(QMainWindow):
    """The one window; with `connect_to` it shows a server, with `ask` something else first."""

    closing = Signal(str)
    """With the view that was shown."""
    wants_server = Signal()
    """Another server is to be chosen."""
    wants_colours = Signal(str)
    """Other colours are wanted: `system`, `light` or `dark`."""
    wants_language = Signal(str)
    """Another language is wanted from the next start on; empty: that of the system."""

    def __init__(self, registry: Registry) -> None:
        super().__init__()
        self.setWindowTitle(tr("Fieldline"))
        self.setMinimumSize(QSize(1024, 600))
        self.resize(1280, 800)
        self._registry = registry
        self._known = views()
        self._connected: Connected | None = None
        self._made: dict[str, QWidget] = {}
        self.stack = QStackedWidget()
        self.bar = _Bar(self._known)
        self.bar.chosen.connect(lambda name: self.goto(Place(name)))
        self.state_line = _StateLine(self.wants_server.emit)
        self._undo = _UndoLine(self._take_back)
        self.palette_dialog = Palette(registry, self, self._devices_named)
        self._lay_out()
        self._register()
        self._menus: list[QMenu] = []
        self._menus_due = QTimer(self, singleShot=True, interval=0)
        self._menus_due.timeout.connect(self._make_menus)
        registry.listen(self._menus_due.start)
        self._make_menus()
        self.remembered: dict[str, dict[str, Any]] = {}
        """What views want to find again; it is given to them when they are made."""
        self._notifying: Notifying | None = None
        self.desktop = Desktop(self)
        self.desktop.opened.connect(self._show_alerts)
        self._making = QTimer(self, singleShot=True, interval=_MAKING_MS)
        self._making.timeout.connect(self._make_another)
        self._tick = QTimer(self, interval=_TICK_MS)
        self._tick.timeout.connect(self._show_state)
        self._show_bar(visible=False)

    @property
    def view(self) -> str:
        """The name of the view that is shown; empty while there is none."""
        shown = self.stack.currentWidget()
        return next((name for name, widget in self._made.items() if widget is shown), "")

    def ask(self, widget: QWidget) -> None:
        """Show something that is asked first, such as which server, instead of the views."""
        self._leave()
        self.stack.addWidget(widget)
        self.stack.setCurrentWidget(widget)
        self._show_bar(visible=False)

    def connect_to(self, connected: Connected, view: str) -> None:
        """Show a server."""
        self._leave()
        self._connected = connected
        connected.links_changed.connect(self._show_state)
        connected.panel.history.listen(self._done)
        panel = connected.panel
        self._notifying = Notifying(panel.events, self.desktop.notify, panel.clock)
        self._show_bar(visible=True)
        self._tick.start()
        self._show_state()
        self.goto(
            Place(view if any(one.name == view for one in self._known) else self._known[0].name)
        )
        # Imports read files: not in this thread. Whoever goes to a view before that waits for it.
        begin = self._making.start
        panel.door.ask(_import_views, lambda _: begin(), lambda _: begin(), self)

    def goto(self, place: Place) -> None:
        """Show a view, and in it a subject if one is named."""
        if self._connected is None:
            return
        known = next((one for one in self._known if one.name == place.view), None)
        if known is None:
            return
        view = self._view(known, self._connected.panel)
        self.stack.setCurrentWidget(view)
        self.bar.mark(known.name)
        name = tr("Fieldline")
        if self._connected.session.is_recorded:
            name = tr("Fieldline, demonstration")
        self.setWindowTitle(f"{known.title} — {name}")
        cast("View", view).shown()
        if place.subject and hasattr(view, "show_place"):
            view.show_place(place.subject)

    def _show_alerts(self) -> None:
        """A notification was clicked."""
        if self.isMinimized():
            self.showNormal()
        self.raise_()
        self.activateWindow()
        self.goto(Place("alerts", "firing"))

    def states(self) -> dict[str, dict[str, Any]]:
        """Return what views want to find again, by their names."""
        now = {name: view.state() for name, view in self._made.items() if hasattr(view, "state")}
        return {**self.remembered, **now}

    def geometry_text(self) -> str:
        """Return place and size, for `restore_geometry`."""
        return base64.b64encode(self.saveGeometry().data()).decode()

    def restore_geometry(self, text: str) -> None:
        """Be where it was; a text of nonsense changes nothing."""
        try:
            self.restoreGeometry(QByteArray(base64.b64decode(text, validate=True)))
        except ValueError:
            return

    def closeEvent(self, event: QCloseEvent) -> None:
        """Say so, that what is remembered can be kept."""
        view = self.view
        self._leave()
        self.closing.emit(view)
        super().closeEvent(event)

    def _view(self, known: Known, panel: Panel) -> QWidget:
        view = self._made.get(known.name)
        if view is None:
            view = self._made[known.name] = known.make(panel)
            if hasattr(view, "restore"):
                view.restore(self.remembered.get(known.name, {}))
            self.stack.addWidget(view)
            # Grey goes to what is there when it is set: to this one, too.
            _grey(self.stack, stale=False)
            self._show_state()
        return view

    def _make_another(self) -> None:
        """Make the views that nobody has looked at yet, one at a time: their actions are wanted."""
        if self._connected is None:
            return
        missing = [one for one in self._known if one.name not in self._made]
        if missing:
            self._view(missing[0], self._connected.panel)
            self._making.start()

    def _leave(self) -> None:
        self.remembered = self.states()
        self._tick.stop()
        self._making.stop()
        _grey(self.stack, stale=False)
        self._undo.hide()
        if self._notifying is not None:
            self._notifying.close()
            self._notifying = None
        self.desktop.hide()
        for view in self._made.values():
            cast("View", view).close_down()
        self._made.clear()
        while (shown := self.stack.currentWidget()) is not None:
            self.stack.removeWidget(shown)
            shown.deleteLater()
        self._connected = None

    def _lay_out(self) -> None:
        right = QVBoxLayout()
        right.setContentsMargins(0, 0, 0, 0)
        right.setSpacing(0)
        right.addWidget(self.stack, 1)
        right.addWidget(self._undo)
        right.addWidget(self.state_line)
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.bar)
        row.addLayout(right, 1)
        whole = QWidget()
        whole.setLayout(row)
        self.setCentralWidget(whole)

    def _register(self) -> None:
        self._registry.add(
            *(
                Action(f"view.{one.name}", one.title, lambda one=one: self.goto(Place(one.name)),  # type: ignore[misc]
                       "View", f"Ctrl+{number}", enabled=lambda: self._connected is not None)
                for number, one in enumerate(self._known, 1)
            ),
            Action("edit.undo", tr("Undo"), self._take_back, "Edit", "Ctrl+Z",
                   enabled=lambda: self._last() is not None),
            Action("panel.palette", tr("Find an action"), self.palette_dialog.show, "Panel",
                   "Ctrl+K"),
            Action("panel.server", tr("Another server …"), self.wants_server.emit, "Panel",
                   words=tr("log in log out user")),
            *(
                Action(f"view.colours.{choice}", text,
                       lambda choice=choice: self.wants_colours.emit(choice),  # type: ignore[misc]
                       "View", words=tr("theme appearance"))
                for choice, text in (
                    ("system", tr("Colours of the system")), ("light", tr("Light colours")),
                    ("dark", tr("Dark colours")),
                )
            ),
            *(
                Action(f"view.language.{choice or 'system'}", text,
                       lambda choice=choice: self._speak(choice),  # type: ignore[misc]
                       "View", words="language Sprache")
                for choice, text in _languages()
            ),
            Action("help.keys", tr("Keys"), lambda: KeysPage(self._registry, self).open(), "Help",
                   "F1", words=tr("shortcuts keyboard")),
            Action("help.about", tr("About Fieldline"), self._about, "Help",
                   words=tr("version licence")),
            Action("panel.quit", tr("Quit"), self._quit, "Panel", "Ctrl+Q"),
        )  # fmt: skip

    def _devices_named(self, words: str) -> list[Action]:
        """Make actions that lead to the devices with this in their names."""
        wanted = words.strip().casefold()
        if self._connected is None or not wanted:
            return []
        names = [one for one in self._connected.panel.fleet.devices if wanted in one.casefold()]
        return [
            Action(
                f"device.{name}",
                tr("Device {name}").format(name=name),
                lambda name=name: self.goto(Place("devices", name)),  # type: ignore[misc]
            )
            for name in sorted(names)[:_NAMED]
        ]

    def _about(self) -> None:
        QMessageBox.about(
            self,
            tr("About Fieldline"),
            tr("Fieldline {version}\n\nCarries sensor readings from the field to a dashboard and "
               "loses none of them.\nApache-2.0").format(version=metadata.version("fieldline")),
        )  # fmt: skip

    def _speak(self, language: str) -> None:
        """Texts are put into widgets when these are made: another language begins with a start."""
        self.wants_language.emit(language)
        QMessageBox.information(
            self, tr("Language"), tr("The panel speaks it from its next start on.")
        )

    def _quit(self) -> None:
        self.close()

    def _make_menus(self) -> None:
        self._menus_due.stop()
        bar = self.menuBar()
        for menu in self._menus:
            bar.removeAction(menu.menuAction())
            menu.deleteLater()
        titles = {"Panel": tr("&Panel"), "View": tr("&View"), "Edit": tr("&Edit"),
                  "Help": tr("&Help")}  # fmt: skip
        used = {action.menu for action in self._registry.actions if action.menu}
        names = [*_MENUS[:-1], *sorted(used - set(_MENUS)), _MENUS[-1]]
        self._menus = [self._menu(titles.get(name, name), name) for name in names if name in used]

    def _menu(self, title: str, name: str) -> QMenu:
        menu = QMenu(title, self)
        menu.setToolTipsVisible(True)
        made = []
        for action in self._registry.actions:
            if action.menu == name:
                made.append((action, self._entry(action, menu)))
                menu.addAction(made[-1][1])
        menu.aboutToShow.connect(lambda: self._refresh(made))
        self.menuBar().addMenu(menu)
        return menu

    def _entry(self, action: Action, menu: QMenu) -> QAction:
        entry = QAction(action.text, menu)
        if action.shortcut:
            entry.setShortcut(QKeySequence(action.shortcut))
        entry.triggered.connect(lambda: self._registry.run(action.id))
        return entry

    def _refresh(self, made: list[tuple[Action, QAction]]) -> None:
        for action, entry in made:
            why = why_not(self._registry, action)
            entry.setToolTip(why)
            lacks = not may(self._registry.role, action.role)
            entry.setText(f"{action.text}  ({why})" if lacks else action.text)

    def _last(self) -> Done | None:
        return self._connected.panel.history.last if self._connected else None

    def _take_back(self) -> None:
        if self._connected is not None:
            self._connected.panel.history.undo()

    def _done(self, done: Done | None) -> None:
        if done is None:
            self._undo.hide()
        else:
            self._undo.say(done.said)

    def _show_bar(self, *, visible: bool) -> None:
        self.bar.setVisible(visible)
        self.state_line.setVisible(visible)

    def _show_state(self) -> None:
        if self._connected is not None:
            self.state_line.tell(self._connected)
            _grey(self.stack, stale=self._connected.lost_for("events") > _HICCUP_S)
            if (live := self._made.get("live")) is not None:
                # Without the broker its values are old, and those of no other view.
                _grey(live, stale=self._connected.lost_for("live") > _HICCUP_S)


def _languages() -> list[tuple[str, str]]:
    """Return what can be spoken, each by its own name, after what the system says."""
    known = [(one, QLocale(one).nativeLanguageName().capitalize()) for one in texts.languages()]
    return [("", tr("Language of the system")), ("en", "English"), *known]


def _grey(shown: QWidget, *, stale: bool) -> None:
    """Grey what is written there: it may not be true any more."""
    scheme = theme.scheme_of(QGuiApplication.palette())
    wanted = theme.palette_of(scheme, stale=True) if stale else QPalette()
    is_grey = shown.testAttribute(Qt.WidgetAttribute.WA_SetPalette)
    if stale != is_grey or (stale and shown.palette() != wanted):
        shown.setPalette(wanted)


class _Bar(QFrame):
    """The views, as buttons that stay pressed."""

    chosen = Signal(str)

    def __init__(self, known: tuple[Known, ...]) -> None:
        super().__init__()
        self.setObjectName("bar")
        self.setAccessibleName(tr("Views"))
        self._buttons: dict[str, QToolButton] = {}
        group = QButtonGroup(self)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 12, 8, 12)
        column.setSpacing(2)
        for one in known:
            button = QToolButton()
            button.setObjectName("view")
            button.setText(f"  {one.title}")
            button.setAccessibleName(one.title)
            button.setCheckable(True)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            button.setIconSize(QSize(20, 20))
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            # Not `clicked`: a screen reader toggles what can be checked.
            button.toggled.connect(lambda on, name=one.name: self.chosen.emit(name) if on else None)
            group.addButton(button)
            column.addWidget(button)
            self._buttons[one.name] = button
        column.addStretch(1)
        self.setMinimumWidth(172)
        self._paint_signs()

    def mark(self, name: str) -> None:
        """Say which is shown."""
        button = self._buttons[name]
        with QSignalBlocker(button):
            button.setChecked(True)

    def changeEvent(self, event: object) -> None:
        """Paint the signs anew in other colours."""
        super().changeEvent(event)  # type: ignore[arg-type]
        if getattr(self, "_buttons", None) and event.type() == event.Type.PaletteChange:  # type: ignore[attr-defined]
            self._paint_signs()

    def _paint_signs(self) -> None:
        text = self.palette().color(QPalette.ColorRole.WindowText)
        for name, button in self._buttons.items():
            button.setIcon(icon(name, text))


class _StateLine(QFrame):
    """How the connection is, and who is logged in where."""

    def __init__(self, connect: Callable[[], None]) -> None:
        """`connect`: what leads from a demonstration to a server."""
        super().__init__()
        self.setObjectName("state")
        self._mark = Mark()
        self.connect_now = QPushButton(tr("Connect to a server …"))
        self.connect_now.clicked.connect(connect)
        self.connect_now.hide()
        self.said = QLabel()
        self.said.setTextFormat(Qt.TextFormat.PlainText)
        self.who = QLabel()
        self.who.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 5, 12, 5)
        row.addWidget(self._mark)
        row.addWidget(self.said, 1)
        row.addWidget(self.who)
        row.addWidget(self.connect_now)

    def tell(self, connected: Connected) -> None:
        """Say how it is now."""
        self.connect_now.setVisible(connected.session.is_recorded)
        if connected.session.is_recorded:
            self._mark.show_state("info")
            self.said.setText(tr("Demonstration: recorded data, played as if it came now"))
            self.said.setToolTip("")
            self.who.clear()
            return
        server = connected.session.server
        host = server.url.removeprefix("https://")
        away = [link for link in connected.links.values() if not link.up]
        since = words.span(time.monotonic() - connected.since)
        if not away:
            state, said = "running", _here(connected)
        elif not any(link.said for link in away):
            state, said = "starting", tr("Connecting to {host} …").format(host=host)
        else:
            link = next(link for link in away if link.said)
            what = tr("the live readings") if link.link == "live" else tr("the server")
            state = "stalled"
            said = tr("No connection to {what} for {since}: {why}. Trying again by itself").format(
                what=what, since=since, why=link.said
            )
        self.said.setText(said)
        fixes = [link.fix for link in away if link.fix]
        if not away and connected.trouble is not None:
            fixes, state = [connected.trouble.fix], "stalled"
        self._mark.show_state(state)
        self.said.setToolTip("\n".join(fixes))
        self.who.setText(
            tr("{name} ({role}) at {host}").format(
                name=server.username, role=connected.panel.role, host=host
            )
        )


def _here(connected: Connected) -> str:
    """Return what to say while connected; it may be this computer that has a fault."""
    apart_s = connected.session.clock.ahead_s
    trouble = connected.trouble
    if trouble is not None:
        return tr("Connected, but {why}").format(why=trouble.said)
    if not apart_s:
        return tr("Connected")
    text = (
        tr("Connected. This computer's clock is {span} ahead; times here are by the server's")
        if apart_s > 0
        else tr("Connected. This computer's clock is {span} behind; times here are by the server's")
    )
    return text.format(span=words.span(abs(apart_s)))


class _UndoLine(QFrame):
    """What was just done, and a button that takes it back; goes away by itself."""

    def __init__(self, undo: Callable[[], None]) -> None:
        super().__init__()
        self.setObjectName("state")
        self._said = QLabel()
        self._said.setTextFormat(Qt.TextFormat.PlainText)
        self.button = QPushButton(tr("Undo"))
        self.button.setAccessibleName(tr("Undo what was just done"))
        self.button.clicked.connect(undo)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 6, 12, 6)
        row.addWidget(self._said, 1)
        row.addWidget(self.button)
        self._away = QTimer(self, singleShot=True, interval=_UNDO_MS)
        self._away.timeout.connect(self.hide)
        self.hide()

    def say(self, said: str) -> None:
        """Offer to take it back."""
        self._said.setText(said)
        self.show()
        self._away.start()
