"""What a device is told to do at once, and what has become of it."""

import json
import uuid
from datetime import timedelta
from functools import partial
from typing import Any

from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from control_panel.client.api import route
from control_panel.client.errors import ClientError, Refused
from control_panel.model.actions import may
from control_panel.model.things import Command, Page
from control_panel.qt import words
from control_panel.qt.inline import Confirmation, Said
from control_panel.qt.panel import Panel
from control_panel.qt.rows import Column, Rows, Table
from control_panel.qt.sentences import heard
from control_panel.qt.texts import tr
from control_panel.qt.views.devices import wording

_SHOWN = 100


class Commands(QWidget):
    """Buttons, and below them the newest commands, each with the device's own answer."""

    def __init__(self, panel: Panel, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._panel = panel
        self._name = name
        self.said = Said()
        self.source = QComboBox()
        self.source.setAccessibleName(tr("Source"))
        self.source.setMinimumWidth(160)
        self.interval = QDoubleSpinBox()
        self.interval.setDecimals(3)
        self.interval.setRange(0.001, 31_536_000)
        self.interval.setValue(1)
        self.interval.setSuffix(" s")
        self.interval.setStepType(QDoubleSpinBox.StepType.AdaptiveDecimalStepType)
        self.interval.setAccessibleName(tr("Interval in seconds"))
        self.away = QComboBox()
        self.away.setAccessibleName(tr("If the device is away"))
        for text, wait_s in (
            (tr("say so"), 0),
            (tr("wait for an hour"), 3600),
            (tr("wait until it is back"), None),
        ):
            self.away.addItem(text, wait_s)
        self.start = self._button(tr("Start sampling"), self._sampling, True)
        self.stop = self._button(tr("Stop sampling"), self._sampling, False)
        self.set_interval = self._button(tr("Set interval"), self._interval)
        self.identify = self._button(tr("Identify"), self._identify)
        self.identify.setToolTip(self.identify.toolTip() or tr("Blinks a board's light for 10 s"))
        self.diagnose = self._button(tr("Diagnose"), self._tell, "diagnose", {})
        self.restart = self._button(tr("Restart agent …"), self._ask_restart)
        self.confirmation = Confirmation()
        self.confirmation.confirmed.connect(lambda: self._tell("restart", {}))
        first, second = QHBoxLayout(), QHBoxLayout()
        for part in (QLabel(tr("Source")), self.source, self.start, self.stop, self.interval,
                     self.set_interval, self.identify):  # fmt: skip
            first.addWidget(part)
        first.addStretch(1)
        for part in (self.diagnose, self.restart, QLabel(tr("If the device is away:")), self.away):
            second.addWidget(part)
        second.addStretch(1)
        self.table = Table(Rows(self._columns(), lambda one: one.id), tr("Commands"))
        self.table.selected.connect(self._show_answer)
        self.empty = QLabel(tr("This device was told nothing yet."))
        self.withdraw = QPushButton(tr("Withdraw"))
        self.withdraw.setAccessibleName(tr("Withdraw the selected command"))
        self.withdraw.clicked.connect(self._withdraw)
        self.answer = QPlainTextEdit()
        self.answer.setReadOnly(True)
        self.answer.setAccessibleName(tr("The device's answer"))
        self.answer.setPlaceholderText(tr("Select a command to see the device's answer."))
        self.answer.setTabChangesFocus(True)
        below = QHBoxLayout()
        below.addWidget(self.withdraw)
        below.addStretch(1)
        column = QVBoxLayout(self)
        column.addWidget(self.said)
        column.addLayout(first)
        column.addLayout(second)
        column.addWidget(self.confirmation)
        column.addWidget(self.table, 3)
        column.addWidget(self.empty)
        column.addLayout(below)
        column.addWidget(self.answer, 2)
        self.refresh()
        self._show([])

    def ask(self) -> None:
        """Ask for the newest commands."""
        self._panel.door.ask(
            partial(self._panel.api.get, route("devices", self._name, "commands"), Page[Command],
                    {"limit": _SHOWN}),
            lambda page: self._show(list(page.items)),
            self.said.fail,
            self,
        )  # fmt: skip

    def refresh(self) -> None:
        """Offer the sources that the device has."""
        status = self._panel.live.statuses.get(self._name)
        names = [one.name for one in status.sources] if status is not None else []
        if [self.source.itemData(n) for n in range(self.source.count())] != [None, *names]:
            chosen = self.source.currentData()
            self.source.clear()
            self.source.addItem(tr("all sources"), None)
            for name in names:
                self.source.addItem(name, name)
            self.source.setCurrentIndex(max(0, self.source.findData(chosen)))

    def close_down(self) -> None:
        """Nothing to end."""

    def _button(self, text: str, act: Any, *arguments: Any) -> QPushButton:
        button = QPushButton(text)
        button.setAccessibleName(text)
        button.clicked.connect(lambda: act(*arguments))
        if not may(self._panel.role, "operator"):
            button.setEnabled(False)
            button.setToolTip(wording.need(self._panel.role, "operator"))
        return button

    def _sampling(self, on: bool) -> None:
        self._tell("sampling", {"on": on, **self._chosen()})

    def _interval(self) -> None:
        if not self._chosen():
            self.said.say(tr("Choose the source whose interval is to be set."), "notice")
            self.source.setFocus()
            return
        self._tell("interval", {**self._chosen(), "interval_s": self.interval.value()})

    def _identify(self) -> None:
        self._tell("identify", self._chosen())

    def _chosen(self) -> dict[str, Any]:
        source = self.source.currentData()
        return {} if source is None else {"source": source}

    def _ask_restart(self) -> None:
        self.confirmation.ask(
            tr("Restart the agent on {device}?").format(device=self._name),
            [tr("For a few seconds nothing is read; what waits to be sent stays on the device.")],
            tr("Restart"),
        )

    def _tell(self, command: str, arguments: dict[str, Any]) -> None:
        asked = {
            "id": uuid.uuid4().hex,
            "command": command,
            "arguments": arguments,
            "wait_s": self.away.currentData(),
        }
        self._panel.door.ask(
            partial(self._panel.api.post, route("devices", self._name, "commands"), Command, asked),
            self._told,
            partial(self._not_told, command, arguments),
            self,
        )

    def _told(self, command: Command) -> None:
        self.said.clear()  # how it stands is said in its row, and below
        self._show([command, *(one for one in self.table.rows.rows if one.id != command.id)])
        self.table.choose(command.id)
        self.ask()

    def _not_told(self, command: str, arguments: dict[str, Any], error: ClientError) -> None:
        if not (isinstance(error, Refused) and error.kind == "device-away"):
            self.said.fail(error)
            return

        def wait() -> None:
            self.away.setCurrentIndex(2)
            self._tell(command, arguments)

        self.said.say(_sentence(error.said), "warning", tr("Wait until it is back"), wait)

    def _show(self, commands: list[Command]) -> None:
        self.table.show_rows(commands)
        self.table.setVisible(bool(commands))
        self.empty.setVisible(not commands)
        self.answer.setVisible(bool(commands))
        self.withdraw.setVisible(bool(commands))
        self._show_answer()

    def _selected(self) -> Command | None:
        chosen = self.table.chosen()
        return next((one for one in self.table.rows.rows if one.id == chosen), None)

    def _show_answer(self) -> None:
        command = self._selected()
        text = "" if command is None else answer_text(command)
        if self.answer.toPlainText() != text:
            self.answer.setPlainText(text)
        waits = command is not None and command.state == "queued"
        allowed = may(self._panel.role, "operator")
        self.withdraw.setEnabled(waits and allowed)
        self.withdraw.setToolTip(
            wording.need(self._panel.role, "operator")
            if not allowed
            else "" if waits else tr("Only what still waits can be withdrawn.")
        )  # fmt: skip

    def _withdraw(self) -> None:
        command = self._selected()
        if command is not None:
            path = route("devices", self._name, "commands", command.id)
            self._panel.door.ask(
                partial(self._panel.api.delete, path), lambda _: self.ask(), self.said.fail, self
            )

    def _columns(self) -> list[Column]:
        return [
            Column("time", tr("Time"), lambda one: words.moment(one.created), 165),
            Column("what", tr("What"), what, 260),
            Column("by", tr("By"), lambda one: one.person, 110),
            Column("state", tr("State"), lambda one: wording.command_state(one.state), 110,
                   mark=lambda one: wording.COMMAND_MARKS.get(one.state, "over")),
            Column("took", tr("After"), self._took, 80, right=True),
            Column("note", tr("How it stands"), lambda one: heard(one.note), 300),
        ]  # fmt: skip

    def _took(self, one: Command) -> str:
        open_still = one.state in {"queued", "sent"}
        lasted: timedelta = (self._panel.clock() if open_still else one.since) - one.created
        return words.span(lasted.total_seconds())


def what(command: Command) -> str:
    """Return what a device was told, in words."""
    arguments = command.arguments
    source = arguments.get("source") or tr("all sources")
    match command.command:
        case "sampling" if arguments.get("on"):
            return tr("Start sampling: {source}").format(source=source)
        case "sampling":
            return tr("Stop sampling: {source}").format(source=source)
        case "interval":
            return tr("Interval of {source}: {n} s").format(
                source=source, n=words.number(arguments.get("interval_s"))
            )
        case "identify":
            return tr("Identify: {source}").format(source=source)
        case "restart":
            return tr("Restart the agent")
        case "diagnose":
            return tr("Diagnose")
    return command.command


def answer_text(command: Command) -> str:
    """Return how a command stands and what the device has answered, to be read."""
    lines = [_sentence(heard(command.note))]
    if command.error:
        lines.append(tr("The device says: {error}").format(error=command.error))
    result = command.result or {}
    checks = result.get("checks")
    if isinstance(checks, list):
        lines += ["", *(_check(one) for one in checks if isinstance(one, dict))]
    elif result:
        lines += ["", json.dumps(result, indent=2, ensure_ascii=False)]
    return "\n".join(lines)


def _check(check: dict[str, Any]) -> str:
    good = check.get("ok", check.get("good"))
    sign = "✓" if good is True else "✗" if good is False else "•"
    rest = [str(value) for key, value in check.items() if key not in {"ok", "good"} and value]
    return f"{sign} {': '.join(rest[:2])}" + "".join(f"\n    {line}" for line in rest[2:])


def _sentence(text: str) -> str:
    text = text.strip()
    text = text[:1].upper() + text[1:]
    return text if not text or text[-1] in ".!?…" else text + "."
