"""The button that proves it, how far the proof is, and what it found."""

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from control_panel.client.api import route
from control_panel.client.errors import ClientError
from control_panel.model.things import Event, Page, Verification
from control_panel.qt.forms import primary
from control_panel.qt.inline import Said
from control_panel.qt.marks import Mark
from control_panel.qt.panel import Panel
from control_panel.qt.texts import tr
from control_panel.qt.views.completeness import wording

_LOOK_MS = 2000
_TONES = {"good": "running", "bad": "failed", "notice": "starting"}


class Proof(QFrame):
    """Asks the server to compare everything, and shows the newest such comparison."""

    def __init__(self, panel: Panel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self._panel = panel
        self._why_not = (
            tr("You may look; to have it proved takes the role operator.")
            if panel.role == "viewer"
            else ""
        )
        self._asking = False
        self.newest: Verification | None = None
        self.mark = Mark("stopped")
        self.text = QLabel()
        self.text.setWordWrap(True)
        self.text.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.button = primary(QPushButton(tr("Prove it")))
        self.button.setAccessibleDescription(
            tr("Compares every aggregate with the readings, and looks for every pack")
        )
        self.button.clicked.connect(self._begin)
        self.busy = QProgressBar()
        self.busy.setRange(0, 0)
        self.busy.setTextVisible(False)
        self.busy.setMaximumHeight(6)
        self.busy.setAccessibleName(tr("The proof goes on"))
        self.details = QPlainTextEdit()
        self.details.setReadOnly(True)
        self.details.setTabChangesFocus(True)
        self.details.setAccessibleName(tr("What was found"))
        self.details.setMaximumHeight(110)
        self.trouble = Said()
        row = QHBoxLayout()
        row.addWidget(self.mark)
        row.addWidget(self.text, 1)
        row.addWidget(self.button)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 10, 12, 10)
        column.addLayout(row)
        column.addWidget(self.busy)
        column.addWidget(self.details)
        column.addWidget(self.trouble)
        self._looks = QTimer(self)
        self._looks.timeout.connect(self.look)
        self._unlisten = panel.events.listen({"verification"}, self._take)
        self._draw()

    def look(self) -> None:
        """Ask for the newest proof."""
        if self._asking:
            return
        self._asking = True
        self._panel.door.ask(
            lambda: self._panel.api.get(route("verifications"), Page[Verification]),
            self._listed,
            self._failed,
            self,
        )

    def rest(self) -> None:
        """Ask nothing while nobody looks."""
        self._looks.stop()

    def close_down(self) -> None:
        """Ask no more."""
        self._unlisten()
        self._looks.stop()

    def _begin(self) -> None:
        self.button.setEnabled(False)
        self.trouble.clear()
        self._panel.door.ask(
            lambda: self._panel.api.post(route("verifications"), Verification),
            self._show,
            self._failed,
            self,
        )

    def _take(self, event: Event) -> None:
        if self.isVisible() and event.what != "progress":
            self.look()

    def _listed(self, page: Page[Verification]) -> None:
        self._asking = False
        if page.items:
            self._show(page.items[0])
        else:
            self._draw()

    def _show(self, found: Verification) -> None:
        self.newest = found
        self._draw()

    def _failed(self, error: ClientError) -> None:
        self._asking = False
        self.trouble.fail(error)
        self._draw()

    def _draw(self) -> None:
        found = self.newest
        running = found is not None and found.state == "running"
        self.busy.setVisible(running)
        if found is None:
            self.mark.show_state("stopped")
            self.text.setText(
                tr(
                    "Nobody has had it proved since the server was started. A proof compares every "
                    "aggregate with the readings it is made of, and looks for every pack."
                )
            )
        else:
            text, tone = wording.verification(found)
            self.mark.show_state(_TONES[tone])
            self.text.setText(text)
        details = "\n".join(found.details) if found is not None else ""
        if details != self.details.toPlainText():
            self.details.setPlainText(details)
        self.details.setVisible(bool(details))
        why = self._why_not or (tr("A proof is under way.") if running else "")
        self.button.setEnabled(not why)
        self.button.setToolTip(why)
        if running and not self._looks.isActive() and self.isVisible():
            self._looks.start(_LOOK_MS)
        elif not running:
            self._looks.stop()
