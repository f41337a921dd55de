"""What is said and asked in its place, instead of in a window of its own."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from control_panel.client.errors import ClientError
from control_panel.qt.marks import Mark
from control_panel.qt.sentences import heard
from control_panel.qt.texts import tr

_MARKS = {"good": "running", "bad": "failed", "warning": "stalled", "notice": "info"}


class Said(QFrame):
    """A sentence about what has just happened; hidden as long as there is none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self._mark = Mark()
        self._text = QLabel()
        self._text.setWordWrap(True)
        self._text.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.action = QPushButton()
        self.action.setVisible(False)
        self.action.clicked.connect(self._act)
        self.dismiss = QPushButton(tr("Close"))
        self.dismiss.setAccessibleName(tr("Close this message"))
        self.dismiss.clicked.connect(self.clear)
        self._then: Callable[[], None] | None = None
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 6, 10, 6)
        row.addWidget(self._mark, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self._text, 1)
        row.addWidget(self.action)
        row.addWidget(self.dismiss)
        self.hide()

    def text(self) -> str:
        """Return what it says."""
        return self._text.text()

    def say(
        self,
        text: str,
        tone: str = "notice",
        action: str = "",
        then: Callable[[], None] | None = None,
    ) -> None:
        """Say something in the tone good, bad, warning or notice, with a thing to do about it."""
        if text == self._text.text() and not self.isHidden():
            return
        self._text.setText(text)
        self._text.setAccessibleName(text)
        self._mark.show_state(_MARKS[tone])
        self._then = then
        self.action.setText(action)
        self.action.setVisible(bool(action))
        self.show()
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, text))

    def fail(self, error: ClientError) -> None:
        """Say what went wrong and what to do next."""
        self.say(f"{_sentence(heard(error.said))} {_sentence(heard(error.fix))}", "bad")

    def clear(self) -> None:
        """Say nothing more."""
        self._text.clear()
        self.hide()

    def _act(self) -> None:
        then = self._then
        self.clear()
        if then is not None:
            then()


def _sentence(text: str) -> str:
    text = text.strip()
    return text if not text or text[-1] in ".!?" else text + "."


class Confirmation(QFrame):
    """A question with what it brings about; Escape or Cancel takes it away."""

    confirmed = Signal()
    cancelled = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.title = QLabel()
        font = self.title.font()
        font.setBold(True)
        self.title.setFont(font)
        self.text = QLabel()
        self.text.setWordWrap(True)
        self.text.setTextFormat(Qt.TextFormat.PlainText)
        self.yes = QPushButton()
        self.no = QPushButton(tr("Cancel"))
        self.no.setAccessibleName(tr("Cancel"))
        self.yes.clicked.connect(self._confirm)
        self.no.clicked.connect(self.cancel)
        buttons = QHBoxLayout()
        buttons.addWidget(self.yes)
        buttons.addWidget(self.no)
        buttons.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 10, 12, 10)
        column.addWidget(self.title)
        column.addWidget(self.text)
        column.addLayout(buttons)
        self.hide()

    def ask(self, title: str, consequences: Sequence[str] | None, yes: str) -> None:
        """Show it; None: what it brings about is still being asked, and nobody can confirm."""
        fresh = self.isHidden() or title != self.title.text()
        self.title.setText(title)
        known = consequences is not None
        self.text.setText(
            "\n".join(f"•  {one}" for one in consequences)
            if consequences is not None
            else tr("Asking the server what this brings about …")
        )
        self.text.setAccessibleName(self.text.text())
        self.yes.setText(yes)
        # Apart from the button that asked: often both say the same.
        self.yes.setAccessibleName(tr("Yes: {action}").format(action=yes))
        self.yes.setEnabled(known)
        self.show()
        if fresh:
            self.no.setFocus(Qt.FocusReason.OtherFocusReason)
        if known:
            said = f"{title} {self.text.text()}"
            QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, said))

    def cancel(self) -> None:
        """Take it away without doing anything."""
        self._away()
        self.cancelled.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape cancels."""
        if event.key() == Qt.Key.Key_Escape:
            self.cancel()
        else:
            super().keyPressEvent(event)

    def _confirm(self) -> None:
        self._away()
        self.confirmed.emit()

    def _away(self) -> None:
        self.yes.setEnabled(False)
        self.hide()


def heading(text: str) -> QLabel:
    """Return the heading of a part of a view."""
    label = QLabel(text)
    font = label.font()
    font.setBold(True)
    label.setFont(font)
    return label
