"""Small widgets that many views need: nothing there yet, a number that leads somewhere."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from control_panel.qt.marks import Mark


def large(label: QWidget, by: float, *, bold: bool = False) -> None:
    """Write in letters so many times as large as usual."""
    font = label.font()
    font.setPointSizeF(font.pointSizeF() * by)
    font.setBold(bold)
    label.setFont(font)


def primary(button: QPushButton) -> QPushButton:
    """Mark what most people want to do here; one a view at most."""
    button.setProperty("primary", True)
    return button


class Empty(QWidget):
    """Where there is nothing yet: a sentence, what to do next, and the button for it."""

    def __init__(
        self,
        said: str,
        next_step: str = "",
        button: str = "",
        then: Callable[[], None] | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.said = QLabel()
        large(self.said, 1.25)
        self.next_step = QLabel()
        self.button = primary(QPushButton())
        for label in (self.said, self.next_step):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            label.setWordWrap(True)
        column = QVBoxLayout(self)
        column.setSpacing(10)
        column.addStretch(2)
        column.addWidget(self.said)
        column.addWidget(self.next_step)
        column.addWidget(self.button, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(3)
        self._then: Callable[[], None] | None = then
        self.button.clicked.connect(self._act)
        self.show_text(said, next_step, button, then)

    def show_text(
        self,
        said: str,
        next_step: str = "",
        button: str = "",
        then: Callable[[], None] | None = None,
    ) -> None:
        """Say something else."""
        self.said.setText(said)
        self.next_step.setText(next_step)
        self.next_step.setVisible(bool(next_step))
        self.button.setText(button)
        self.button.setVisible(bool(button))
        self._then = then

    def _act(self) -> None:
        if self._then is not None:
            self._then()


class Card(QFrame):
    """A number, what it counts, and a note below; the number leads to its place."""

    def __init__(
        self, title: str, then: Callable[[], None], leads: str, parent: QWidget | None = None
    ) -> None:
        """`leads` says where the number leads, for whoever cannot see it and as tool tip."""
        super().__init__(parent)
        self.setObjectName("card")
        self._title = title
        self._leads = leads
        heading = QLabel(title)
        heading.setWordWrap(True)
        self.number = QPushButton("\N{EN DASH}")
        self.number.setObjectName("number")
        self.number.setCursor(Qt.CursorShape.PointingHandCursor)
        self.number.setToolTip(leads)
        large(self.number, 1.7, bold=True)
        self.number.clicked.connect(lambda: then())  # noqa: PLW0108 -- it is told a bool
        self.note = QLabel()
        self.note.setWordWrap(True)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 12, 14, 12)
        column.setSpacing(4)
        column.addWidget(heading)
        column.addWidget(self.number, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self.note)
        column.addStretch(1)

    def show_number(self, text: str, note: str = "", *, stale: bool = False) -> None:
        """Show a number with its unit, and what there is to say about it; `stale` greys it."""
        self.number.setText(text)
        if self.number.property("stale") != stale:
            self.number.setProperty("stale", stale)
            self.number.style().polish(self.number)
        self.number.setAccessibleName(f"{self._title}: {text}")
        self.number.setAccessibleDescription(self._leads)
        self.note.setText(note)


class Counted(QWidget):
    """A mark, a word and a number that leads to those it counts."""

    def __init__(self, mark: str, word: str, then: Callable[[], None]) -> None:
        super().__init__()
        self._word = word
        self.number = QPushButton("0")
        self.number.setObjectName("number")
        self.number.setCursor(Qt.CursorShape.PointingHandCursor)
        self.number.clicked.connect(lambda: then())  # noqa: PLW0108 -- it is told a bool
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(Mark(mark))
        row.addWidget(QLabel(word), 1)
        row.addWidget(self.number)

    def show_count(self, text: str) -> None:
        """Show how many there are."""
        self.number.setText(text)
        self.number.setAccessibleName(f"{self._word}: {text}")
