"""What needs attention, a row each: mark, sentence, since when, and where it leads."""

from collections.abc import Callable
from datetime import datetime

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from control_panel.model.attention import Matter, What
from control_panel.model.places import Place
from control_panel.qt import words
from control_panel.qt.inline import heading
from control_panel.qt.marks import Mark
from control_panel.qt.sentences import heard
from control_panel.qt.texts import tr
from control_panel.qt.views.overview import wording

_MOST = 50


class Matters(QFrame):
    """The list, the most urgent first; it stays as it is while nothing changes."""

    def __init__(self, goto: Callable[[Place], None]) -> None:
        super().__init__()
        self.setObjectName("card")
        self._goto = goto
        self._shown: list[Matter] | None = None
        self.rows: list[MatterRow] = []
        self.title = heading(tr("What needs attention"))
        self.calm = QLabel(tr("Looking …"))
        self.calm.setWordWrap(True)
        self._calm_mark = Mark()
        calm = QHBoxLayout()
        calm.setSpacing(10)
        calm.addWidget(self._calm_mark, 0, Qt.AlignmentFlag.AlignTop)
        calm.addWidget(self.calm, 1)
        self._calm_row = QWidget()
        self._calm_row.setLayout(calm)
        calm.setContentsMargins(0, 6, 0, 6)
        self._list = QVBoxLayout()
        self._list.setContentsMargins(0, 0, 6, 0)
        self._list.setSpacing(0)
        inner = QWidget()
        around = QVBoxLayout(inner)
        around.setContentsMargins(0, 0, 0, 0)
        around.addWidget(self._calm_row)
        around.addLayout(self._list)
        around.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidget(inner)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.viewport().setAutoFillBackground(False)
        inner.setAutoFillBackground(False)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 12, 8, 12)
        column.addWidget(self.title)
        column.addWidget(scroll, 1)

    def show_matters(self, matters: list[Matter], calm: str, now: datetime) -> None:
        """Show them; `calm` is said if there are none."""
        self._calm_row.setVisible(not matters)
        self.calm.setText(calm)
        self._calm_mark.show_state("done" if self._shown is not None else "starting")
        if matters != self._shown:
            self._show_rows(matters)
        for row in self.rows:
            row.age(now)

    def _show_rows(self, matters: list[Matter]) -> None:
        focused = next((row.matter.place for row in self.rows if row.button.hasFocus()), None)
        for row in self.rows:
            self._list.removeWidget(row)
            row.hide()
            row.deleteLater()
        self._shown = list(matters)
        self._calm_mark.show_state("done")
        self.rows = [MatterRow(matter, self._goto) for matter in matters[:_MOST]]
        for row in self.rows:
            self._list.addWidget(row)
            if row.matter.place == focused:
                row.button.setFocus()
        self.title.setText(
            tr("What needs attention ({count})").format(count=words.count(len(matters)))
            if matters
            else tr("What needs attention")
        )


class MatterRow(QWidget):
    """One of them."""

    def __init__(self, matter: Matter, goto: Callable[[Place], None]) -> None:
        super().__init__()
        self.matter = matter
        text = wording.sentence(matter)
        self.said = QLabel(text)
        self.said.setWordWrap(True)
        self.said.setTextFormat(Qt.TextFormat.PlainText)
        self._since = QLabel()
        self._since.setObjectName("faint")
        self._since.setWordWrap(True)
        self._since.setTextFormat(Qt.TextFormat.PlainText)
        self.button = QPushButton(wording.button(matter))
        self.button.setAccessibleName(f"{wording.weight_word(matter.weight)}: {text}")
        place = matter.place
        if place is not None:
            self.button.clicked.connect(lambda: goto(place))
        self.button.setVisible(place is not None)
        mark = Mark(wording.MARKS[matter.weight])
        mark.setToolTip(wording.weight_word(matter.weight))
        told = QVBoxLayout()
        told.setSpacing(1)
        told.addWidget(self.said)
        told.addWidget(self._since)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 7, 0, 7)
        row.setSpacing(10)
        row.addWidget(mark, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addLayout(told, 1)
        row.addWidget(self.button, 0, Qt.AlignmentFlag.AlignVCenter)

    def age(self, now: datetime) -> None:
        """Say since when."""
        since = self.matter.since
        parts = [heard(self.matter.reason)]
        if since is not None:
            age = (now - since).total_seconds()
            if self.matter.what is What.DEVICE:
                parts.append(tr("last seen {ago}").format(ago=words.ago(age)))
            else:
                parts.append(tr("for {span}").format(span=words.span(age)))
        text = " · ".join(part for part in parts if part)
        self._since.setText(text)
        self._since.setVisible(bool(text))
