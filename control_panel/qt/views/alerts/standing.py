"""What fires now: one tab for what nobody has seen, one for what was acknowledged."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from control_panel.model.things import Alert, Snooze
from control_panel.qt import words
from control_panel.qt.dashboards import DashboardButton
from control_panel.qt.forms import Empty
from control_panel.qt.inline import heading
from control_panel.qt.panel import Panel
from control_panel.qt.rows import Column, Rows, Table
from control_panel.qt.texts import tr
from control_panel.qt.views.alerts import wording

_BEFORE = timedelta(hours=1)
SNOOZES_S = (3600, 4 * 3600, 24 * 3600, 7 * 24 * 3600)


def columns(clock: Callable[[], datetime], *, acknowledged: bool) -> list[Column]:
    """Return the columns of a table of alerts."""

    def ago(alert: Alert) -> str:
        return words.ago((clock() - alert.since).total_seconds())

    found = [
        Column(
            "severity", tr("Severity"), lambda one: wording.severity_word(one.severity), 100,
            mark=lambda one: one.severity,
        ),
        Column("rule", tr("Rule"), lambda one: one.rule, 170),
        Column("device", tr("Device"), lambda one: one.device, 140),
        Column("channel", tr("Channel"), lambda one: one.channel, 150),
        Column("value", tr("Value"), lambda one: wording.value(one.value), 90, right=True),
        Column("since", tr("Since"), ago, 130, tip=lambda one: words.moment(one.since)),
    ]  # fmt: skip
    if acknowledged:
        found += [
            Column("by", tr("Seen by"), lambda one: one.acknowledged_by or "", 110),
            Column("note", tr("Note"), lambda one: one.note or "", 200),
        ]
    return found


class StandingTab(QWidget):
    """Alerts in a table, and below it what can be said about the chosen ones."""

    acknowledge = Signal(list, str)
    take_back = Signal(list)
    snooze = Signal(list, float)
    opened = Signal(object)
    rules_wanted = Signal()

    def __init__(self, panel: Panel, why_not: str, *, acknowledged: bool) -> None:
        super().__init__()
        self._panel = panel
        self._why_not = why_not
        self._acknowledged = acknowledged
        self.alerts: Sequence[Alert] = ()
        name = tr("Acknowledged alerts") if acknowledged else tr("Firing alerts")
        self.table = Table(
            Rows(columns(panel.clock, acknowledged=acknowledged), _key), name, many=True
        )
        self.table.selected.connect(self._chosen)
        self.table.opened.connect(lambda _: self.opened.emit(self.chosen()))
        self.empty = (
            Empty(
                tr("Nothing is acknowledged."),
                tr("Acknowledge an alert to say that you see to it."),
            )
            if acknowledged
            else Empty(
                tr("Nothing fires."),
                tr("Rules say what is watched for."),
                tr("Show the rules"),
                self.rules_wanted.emit,
            )
        )
        self.pending = QLabel()
        self.note = QLineEdit()
        self.note.setMaxLength(200)
        self.note.setPlaceholderText(tr("Note for the others, such as: on my way"))
        self.note.setAccessibleName(tr("Note"))
        self.note.returnPressed.connect(self._say)
        self.say = QPushButton(tr("Take back") if acknowledged else tr("Acknowledge"))
        self.say.setAccessibleName(
            tr("Take the acknowledgement back") if acknowledged else tr("Acknowledge the alert")
        )
        self.say.clicked.connect(self._say)
        self.how_long = QComboBox()
        self.how_long.setAccessibleName(tr("How long nobody is told"))
        for seconds in SNOOZES_S:
            self.how_long.addItem(words.span(seconds), seconds)
        self.hold = QPushButton(tr("Snooze"))
        self.hold.setAccessibleName(tr("Snooze: nobody is told about this channel and rule"))
        self.hold.clicked.connect(self._hold)
        self.dashboard = DashboardButton(panel.dashboards, tr("Dashboard"), self._open_dashboard)
        self.dashboard.setAccessibleName(tr("Open the channel's dashboard in Grafana"))
        self._lay_out()
        self.show_alerts(())

    def show_alerts(self, alerts: Sequence[Alert], pending: int = 0) -> None:
        """Show these; the first is chosen if none was. `pending` may fire soon."""
        self.pending.setText(wording.pending(pending) if pending else "")
        self.pending.setVisible(bool(pending))
        self.alerts = alerts
        self.table.show_rows(alerts)
        if alerts and self.table.chosen() is None:
            self.table.choose(_key(alerts[0]))
        self._stack.setCurrentWidget(self.table if alerts else self.empty)
        self._below.setVisible(bool(alerts))
        self._chosen()

    def chosen(self) -> Alert | None:
        """Return the alert that is chosen."""
        key = self.table.chosen()
        return next((one for one in self.alerts if _key(one) == key), None)

    def all_chosen(self) -> list[Alert]:
        """Return the alerts that are chosen."""
        keys = set(self.table.all_chosen())
        return [one for one in self.alerts if _key(one) in keys]

    def refresh_ages(self) -> None:
        """Draw the ages anew."""
        self.table.viewport().update()

    def _lay_out(self) -> None:
        self._stack = QStackedLayout()
        self._stack.addWidget(self.table)
        self._stack.addWidget(self.empty)
        self._below = QWidget()
        row = QHBoxLayout(self._below)
        row.setContentsMargins(0, 0, 0, 0)
        if not self._acknowledged:
            row.addWidget(self.note, 1)
        row.addWidget(self.say)
        if self._acknowledged:
            row.addStretch(1)
        row.addSpacing(24)
        row.addWidget(QLabel(tr("Tell nobody for")))
        row.addWidget(self.how_long)
        row.addWidget(self.hold)
        row.addSpacing(24)
        row.addWidget(self.dashboard)
        column = QVBoxLayout(self)
        column.addLayout(self._stack, 1)
        column.addWidget(self.pending)
        column.addWidget(self._below)

    def _chosen(self) -> None:
        alerts = self.all_chosen()
        can = bool(alerts) and not self._why_not
        for widget in (self.note, self.say, self.how_long, self.hold):
            widget.setEnabled(can)
            widget.setToolTip(self._why_not)
            widget.setAccessibleDescription(self._why_not)
        if can and any(alert.episode is None for alert in alerts):
            self.say.setEnabled(False)

    def _say(self) -> None:
        alerts = self.all_chosen()
        if not alerts or not self.say.isEnabled():
            return
        if self._acknowledged:
            self.take_back.emit(alerts)
        else:
            self.acknowledge.emit(alerts, self.note.text().strip())
            self.note.clear()

    def _open_dashboard(self) -> None:
        """Open it at the time of the alert, from some time before it began."""
        alert = self.chosen()
        if alert is not None:
            self._panel.dashboards.open_device(
                alert.device, alert.since - _BEFORE, self._panel.clock(), alert.channel
            )

    def _hold(self) -> None:
        alerts = self.all_chosen()
        if alerts:
            self.snooze.emit(alerts, float(self.how_long.currentData()))


class Snoozes(QWidget):
    """What is held back now, each with a button that ends it; nothing as long as there is none."""

    ended = Signal(int)

    def __init__(self, why_not: str) -> None:
        super().__init__()
        self._why_not = why_not
        self._shown: list[str] = []
        self.buttons: dict[int, QPushButton] = {}
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._lines: list[QWidget] = []
        self._column.addWidget(heading(tr("Snoozed")))
        self.hide()

    def show_snoozes(self, snoozes: Sequence[Snooze], rules: dict[int, str]) -> None:
        """Show these."""
        said = [f"{one.id} {wording.snoozed(one, rules)}" for one in snoozes]
        if said == self._shown:
            return
        self._shown = said
        for line in self._lines:
            self._column.removeWidget(line)
            line.deleteLater()
        self._lines, self.buttons = [], {}
        for snooze in snoozes:
            self._add(snooze, wording.snoozed(snooze, rules))
        self.setVisible(bool(snoozes))

    def _add(self, snooze: Snooze, text: str) -> None:
        line = QWidget()
        row = QHBoxLayout(line)
        row.setContentsMargins(0, 0, 0, 0)
        button = self.buttons[snooze.id] = QPushButton(tr("End"))
        button.setAccessibleName(tr("End this snooze: {text}").format(text=text))
        button.setEnabled(not self._why_not)
        button.setToolTip(self._why_not)
        button.clicked.connect(lambda: self.ended.emit(snooze.id))
        row.addWidget(QLabel(text), 1)
        row.addWidget(button)
        self._column.addWidget(line)
        self._lines.append(line)


def _key(alert: Alert) -> tuple[str, str, str]:
    return alert.rule, alert.device, alert.channel
