"""Where layouts are saved under names, shown again, renamed and deleted."""

from collections.abc import Callable

import msgspec
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QPushButton,
    QToolButton,
    QWidget,
)

from control_panel.model.history import History
from control_panel.model.layouts import Layout, with_layout, without
from control_panel.qt.texts import tr

_LONGEST = 60


class Layouts(QToolButton):
    """The menu of layouts; `naming` is a row that asks for a name, to be put below it."""

    chosen = Signal(object)
    """A Layout to show."""

    def __init__(
        self,
        now: Callable[[str], Layout],
        history: History,
        parent: QWidget | None = None,
    ) -> None:
        """`now` gives what is shown, as a layout of a name."""
        super().__init__(parent)
        self._now = now
        self._history = history
        self.known: tuple[Layout, ...] = ()
        self.current = ""
        self.naming = Naming()
        self.setObjectName("act")
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setToolTip(tr("Layouts: charts that are kept under a name"))
        self.menu_of_layouts = QMenu(self)
        self.menu_of_layouts.aboutToShow.connect(self._fill)
        self.setMenu(self.menu_of_layouts)
        self._show_name()

    def take(self, known: tuple[Layout, ...], current: str) -> None:
        """Take what was remembered."""
        self.known = known
        self.current = current if any(one.name == current for one in known) else ""
        self._show_name()

    def save(self, name: str) -> None:
        """Keep what is shown under a name; one of that name is replaced."""
        before = self.known
        self.known = with_layout(self.known, self._now(name))
        self.current = name
        self._show_name()
        if any(one.name == name for one in before):
            self._history.add(
                tr("The layout {name} was replaced").format(name=name),
                lambda: self.take(before, name),
            )

    def rename(self, name: str) -> None:
        """Give the layout that is shown another name."""
        before, current = self.known, self.current
        if name == current:
            return
        self.known = tuple(
            msgspec.structs.replace(one, name=name) if one.name == current else one
            for one in without(self.known, name)
        )
        self.current = name
        self._show_name()
        self._history.add(
            tr("The layout {old} is called {name} now").format(old=current, name=name),
            lambda: self.take(before, current),
        )

    def delete(self) -> None:
        """Delete the layout that is shown; its charts stay."""
        before, current = self.known, self.current
        self.known = without(self.known, current)
        self.current = ""
        self._show_name()
        self._history.add(
            tr("The layout {name} was deleted").format(name=current),
            lambda: self.take(before, current),
        )

    def _show_name(self) -> None:
        self.setText(self.current or tr("Layouts"))
        self.setAccessibleName(
            tr("Layout {name}").format(name=self.current) if self.current else tr("Layouts")
        )

    def _fill(self) -> None:
        menu = self.menu_of_layouts
        menu.clear()
        for one in self.known:
            action = menu.addAction(one.name.replace("&", "&&"))
            action.setCheckable(True)
            action.setChecked(one.name == self.current)
            action.triggered.connect(lambda _=False, one=one: self._choose(one))
        if self.known:
            menu.addSeparator()
        if self.current:
            menu.addAction(
                tr("Save {name} as it is now").format(name=self.current.replace("&", "&&")),
                lambda: self.save(self.current),
            )
        menu.addAction(tr("Save as …"), self.ask_save)
        if self.current:
            menu.addAction(tr("Rename …"), self.ask_rename)
            menu.addAction(tr("Delete"), self.delete)

    def ask_save(self) -> None:
        """Ask for a name, then save."""
        self.naming.ask(tr("Name of the layout"), tr("Save"), "", self.save)

    def ask_rename(self) -> None:
        """Ask for another name."""
        self.naming.ask(tr("New name"), tr("Rename"), self.current, self.rename)

    def _choose(self, layout: Layout) -> None:
        self.current = layout.name
        self._show_name()
        self.chosen.emit(layout)


class Naming(QFrame):
    """Asks for a name in its place; hidden while nothing is asked."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._then: Callable[[str], None] = lambda _: None
        self._label = QLabel()
        self.yes = QPushButton()
        self.name = QLineEdit()
        self.name.setMaxLength(_LONGEST)
        self.name.setMaximumWidth(320)
        self.name.returnPressed.connect(self._done)
        self.name.textChanged.connect(lambda text: self.yes.setEnabled(bool(text.strip())))
        self.yes.clicked.connect(self._done)
        self.no = QPushButton(tr("Cancel"))
        self.no.clicked.connect(self.hide)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        for widget in (self._label, self.name, self.yes, self.no):
            row.addWidget(widget)
        row.setStretchFactor(self.name, 1)
        row.addStretch(1)
        self.hide()

    def ask(self, label: str, yes: str, name: str, then: Callable[[str], None]) -> None:
        """Ask; `then` is called with the name."""
        self._label.setText(label)
        self.name.setAccessibleName(label)
        self.yes.setText(yes)
        self.name.setText(name)
        self.yes.setEnabled(bool(name))
        self._then = then
        self.show()
        self.name.selectAll()
        self.name.setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape asks no more."""
        if event.key() == Qt.Key.Key_Escape:
            self.hide()
        else:
            super().keyPressEvent(event)

    def _done(self) -> None:
        name = self.name.text().strip()
        if name:
            self.hide()
            self._then(name)
