"""One stage: how it is in words and numbers, what can be done with it, and the end of its log."""

from collections.abc import Sequence
from datetime import datetime

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFontDatabase, QTextCursor
from PySide6.QtWidgets import (
    QCheckBox,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QScrollArea,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from control_panel.model.log_lines import readable
from control_panel.model.pipeline import Action, age, hindrance, new_lines
from control_panel.model.things import Stage
from control_panel.qt import words
from control_panel.qt.inline import heading
from control_panel.qt.marks import Mark
from control_panel.qt.sentences import heard
from control_panel.qt.texts import tr
from control_panel.qt.views.pipeline import wording

_MOST_LINES = 5000


class ActionButtons(QWidget):
    """Start, Stop, Restart; one that is not possible says why."""

    wanted = Signal(str)

    def __init__(self, stage: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.buttons: dict[Action, QPushButton] = {}
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        for action in Action:
            button = self.buttons[action] = QPushButton()
            button.clicked.connect(lambda _=False, action=action: self.wanted.emit(action))
            row.addWidget(button)
        self.show_for(stage)

    def show_for(self, stage: str) -> None:
        """Name the stage on the buttons; nothing: everything."""
        for action, button in self.buttons.items():
            button.setText(wording.action_word(action, stage))
            button.setAccessibleName(button.text())

    def show_reasons(self, reasons: dict[Action, str]) -> None:
        """Take an empty reason for possible."""
        for action, button in self.buttons.items():
            button.setEnabled(not reasons[action])
            button.setToolTip(reasons[action])
            button.setAccessibleDescription(reasons[action])


class LogTail(QWidget):
    """The end of a log; it follows what is written as long as its end is looked at."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._lines: Sequence[str] = ()
        self._stage = ""
        self.title = heading(tr("Log"))
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setMaximumBlockCount(_MOST_LINES)
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.text.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.text.setTabChangesFocus(True)
        self.follow = QCheckBox(tr("Follow"))
        self.follow.setChecked(True)
        self.follow.setAccessibleName(tr("Follow the log"))
        self.follow.setToolTip(tr("Go on to the newest line whenever one is written"))
        self.follow.toggled.connect(self._to_end)
        top = QHBoxLayout()
        top.addWidget(self.title)
        top.addStretch(1)
        top.addWidget(self.follow)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(top)
        column.addWidget(self.text, 1)

    def show_for(self, stage: str) -> None:
        """Begin with another stage."""
        self._stage, self._lines = stage, ()
        self.title.setText(tr("Log of {stage}").format(stage=wording.stage_name(stage)))
        self.text.setAccessibleName(self.title.text())
        self.text.clear()
        self.text.setPlaceholderText(tr("Looking …"))

    def show_lines(self, lines: Sequence[str]) -> None:
        """Show the tail as it is now; what was there stays where it is."""
        new = new_lines(self._lines, lines)
        self._lines = lines
        if new is None:
            self.text.clear()
            new = lines
        if not lines:
            self.text.setPlaceholderText(tr("It has said nothing yet."))
        if new:
            cursor = QTextCursor(self.text.document())
            cursor.movePosition(QTextCursor.MoveOperation.End)
            before = "" if self.text.document().isEmpty() else "\n"
            cursor.insertText(before + "\n".join(map(readable, new)))
            self._to_end(self.follow.isChecked())

    def refuse(self, why: str) -> None:
        """Say why there are no lines."""
        if not self._lines:
            self.text.clear()
            self.text.setPlaceholderText(why)

    def _to_end(self, follow: bool) -> None:
        if follow:
            bar = self.text.verticalScrollBar()
            bar.setValue(bar.maximum())


class StageDetails(QWidget):
    """The stage that was picked."""

    wanted = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.name = ""
        self.mark = Mark()
        self.title = heading("")
        self.title.setWordWrap(True)
        self.state = QLabel()
        self.state.setWordWrap(True)
        self.state.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.buttons = ActionButtons()
        self.buttons.wanted.connect(self.wanted)
        self.log = LogTail()
        top = QHBoxLayout()
        top.addWidget(self.mark)
        top.addWidget(self.title, 1)
        self._form = QFormLayout()
        self._form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        self._form.setHorizontalSpacing(18)
        self._form.setVerticalSpacing(5)
        self.facts: dict[str, QLabel] = {}
        for key, text in (
            ("since", tr("Since")),
            ("in", tr("Comes in")),
            ("out", tr("Goes on")),
            ("lag", tr("Waits")),
            ("newest", tr("Newest that went on")),
            ("errors", tr("Errors, last hour")),
            ("restarts", tr("Ended by itself")),
            ("needs", tr("Needs")),
            ("dependents", tr("Needed by")),
        ):
            value = self.facts[key] = QLabel()
            value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            value.setWordWrap(key in {"lag", "needs", "dependents"})
            self._form.addRow(text, value)
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 12, 0)
        column.addLayout(top)
        column.addWidget(self.state)
        column.addSpacing(4)
        column.addWidget(self.buttons, 0, Qt.AlignmentFlag.AlignLeft)
        column.addSpacing(4)
        column.addLayout(self._form)
        column.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidget(left)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setMinimumWidth(370)
        splitter = QSplitter()
        splitter.setChildrenCollapsible(False)
        splitter.addWidget(scroll)
        splitter.addWidget(self.log)
        splitter.setSizes([440, 560])
        splitter.setStretchFactor(1, 1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(splitter)

    def show_stage(self, stage: Stage, at: datetime, now: datetime, role: str) -> None:
        """Show one as it is."""
        if stage.name != self.name:
            self.name = stage.name
            name = wording.stage_name(stage.name)
            self.title.setText(f"{name} {words.NONE} {wording.purpose(stage.name)}")
            self.buttons.show_for(stage.name)
            self.log.show_for(stage.name)
        self.mark.show_state(stage.state)
        word = wording.state_word(stage.state)
        said = [f"{word[:1].upper()}{word[1:]}. {wording.state_meaning(stage.state)}"]
        if stage.reason:
            said.append(tr("Reason: {reason}.").format(reason=heard(stage.reason).rstrip(".")))
        if stage.busy:
            said.append(tr("It is {doing}.").format(doing=wording.busy_word(stage.busy)))
        _set(self.state, " ".join(said))
        since = (now - stage.since).total_seconds()
        _set(self.facts["since"], f"{words.moment(stage.since)}  ({words.span(since)})")
        _set(self.facts["in"], words.rate(stage.rate_in))
        _set(self.facts["out"], words.rate(stage.rate_out))
        _set(self.facts["lag"], _lag(stage))
        old = age(stage, at, now)
        _set(self.facts["newest"], words.NONE if old is None else words.ago(old))
        _set(self.facts["errors"], words.count(stage.errors))
        _set(self.facts["restarts"], _times(stage.restarts))
        _set(self.facts["needs"], _names(stage.needs))
        _set(self.facts["dependents"], _names(stage.dependents))
        self.buttons.show_reasons({
            action: "" if why is None else wording.why_not(why)
            for action in Action
            for why in [hindrance(stage, action, role)]
        })  # fmt: skip


def _lag(stage: Stage) -> str:
    if stage.lag is None:
        return words.NONE
    if not stage.lag:
        return tr("nothing")
    text = tr("{n} messages").format(n=words.count(stage.lag))
    if stage.lag_seconds is None:
        return text
    return tr("{messages}, the oldest for {span}").format(
        messages=text, span=words.span(stage.lag_seconds)
    )


def _times(number: int) -> str:
    if not number:
        return tr("never")
    return tr("once") if number == 1 else tr("{n} times").format(n=words.count(number))


def _names(stages: Sequence[str]) -> str:
    return ", ".join(map(wording.stage_name, stages)) or tr("nothing")


def _set(label: QLabel, text: str) -> None:
    if label.text() != text:
        label.setText(text)
