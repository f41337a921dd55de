"""The palette: everything that can be done, found by its words (Ctrl+K)."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QModelIndex, QObject, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence, QShowEvent
from PySide6.QtWidgets import (
    QDialog,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

from control_panel.model.actions import Action, Registry, may
from control_panel.qt.texts import tr

_KEYS = {Qt.Key.Key_Down, Qt.Key.Key_Up, Qt.Key.Key_PageDown, Qt.Key.Key_PageUp}


def why_not(registry: Registry, action: Action) -> str:
    """Say why somebody cannot do it now; empty if they can."""
    if not registry.why_not(action):
        return ""
    if not may(registry.role, action.role):
        return tr("This needs the role {needed}; you are {role}.").format(
            needed=action.role, role=registry.role
        )
    return tr("Not possible now")


class Palette(QDialog):
    """A line to type in, and below it what fits; Enter does the one that is marked."""

    def __init__(
        self,
        registry: Registry,
        parent: QWidget,
        places: Callable[[str], list[Action]] = lambda _: [],
    ) -> None:
        """`places` makes actions of words, for what is too much to be in the registry."""
        super().__init__(parent, Qt.WindowType.Popup)
        self._above = parent
        self._registry = registry
        self._places = places
        self._shown: list[Action] = []
        self.words = QLineEdit()
        self.words.setPlaceholderText(tr("What do you want to do?"))
        self.words.setAccessibleName(tr("Words of an action"))
        self.words.setClearButtonEnabled(True)
        self.words.textChanged.connect(self._find)
        self.words.returnPressed.connect(self._run)
        self.words.installEventFilter(self)
        self.found = QListWidget()
        self.found.setAccessibleName(tr("Actions that fit"))
        self.found.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.found.activated.connect(self._run)
        self.found.itemClicked.connect(lambda _: self._run())
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 8)
        column.addWidget(self.words)
        column.addWidget(self.found)
        self.resize(560, 380)

    def showEvent(self, event: QShowEvent) -> None:
        """Begin with all of them, in the middle of the window's upper half."""
        above = self._above
        place = above.mapToGlobal(above.rect().topLeft())
        self.move(place.x() + (above.width() - self.width()) // 2, place.y() + 72)
        self.words.clear()
        self._find("")
        self.words.setFocus()
        super().showEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Arrows move in the list while one types."""
        if (
            watched is self.words
            and isinstance(event, QKeyEvent)
            and event.type() == QEvent.Type.KeyPress
            and event.key() in _KEYS
        ):
            step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: 8}
            self._mark(self.found.currentRow() + step.get(Qt.Key(event.key()), -8))
            return True
        return super().eventFilter(watched, event)

    def _find(self, words: str) -> None:
        self.found.clear()
        self._shown = [*self._registry.find(words), *self._places(words)]
        for action in self._shown:
            keys = QKeySequence(action.shortcut).toString(QKeySequence.SequenceFormat.NativeText)
            item = QListWidgetItem(f"{action.text}    {keys}" if keys else action.text)
            if why := why_not(self._registry, action):
                item.setFlags(Qt.ItemFlag.NoItemFlags)
                item.setToolTip(why)
                item.setText(f"{item.text()}    ({why})")
            self.found.addItem(item)
        if not self.found.count():
            nothing = QListWidgetItem(tr("Nothing fits. Try other words."))
            nothing.setFlags(Qt.ItemFlag.NoItemFlags)
            self.found.addItem(nothing)
        self._mark(0)

    def _mark(self, row: int) -> None:
        self.found.setCurrentRow(max(0, min(row, self.found.count() - 1)))

    def _run(self, _: QModelIndex | None = None) -> None:
        row = self.found.currentRow()
        if not 0 <= row < len(self._shown) or self._registry.why_not(self._shown[row]):
            return
        action = self._shown[row]
        self.accept()
        action.run()
