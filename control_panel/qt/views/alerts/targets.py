"""Whom alerts are told to, each with a test."""

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QStackedLayout, QVBoxLayout, QWidget

from control_panel.client.api import route
from control_panel.client.errors import ClientError
from control_panel.model.things import NotificationTarget, Tested
from control_panel.qt import words
from control_panel.qt.forms import Empty
from control_panel.qt.inline import Said
from control_panel.qt.panel import Panel
from control_panel.qt.rows import Column, Rows, Table
from control_panel.qt.texts import tr
from control_panel.qt.views.alerts import wording

_TEST_WITHIN_S = 45.0


class TargetsTab(QWidget):
    """Targets as administrators made them; any can be tested by an administrator."""

    changed = Signal()

    def __init__(self, panel: Panel) -> None:
        super().__init__()
        self._panel = panel
        self._why_not = (
            "" if panel.role == "admin" else tr("Only administrators make and test targets.")
        )
        self.targets: Sequence[NotificationTarget] = ()
        self.table = Table(
            Rows(
                [
                    Column("name", tr("Target"), lambda one: one.name, 160),
                    Column("kind", tr("Told by"), wording.target_kind, 260),
                    Column(
                        "severity", tr("From severity"),
                        lambda one: wording.severity_word(one.severity), 120,
                        mark=lambda one: one.severity,
                    ),
                    Column(
                        "most", tr("At most"),
                        lambda one: tr("{n} an hour").format(n=words.count(one.most_an_hour)), 110,
                    ),
                    Column(
                        "enabled", tr("State"),
                        lambda one: tr("on") if one.enabled else tr("off"), 70,
                        stale=lambda one: not one.enabled,
                    ),
                ],
                lambda one: one.id,
            ),
            tr("Notification targets"),
        )  # fmt: skip
        self.table.selected.connect(self._chosen)
        self.empty = Empty(tr("Nobody is told of alerts yet."))
        self.said = Said()
        self.test = QPushButton(tr("Send a test"))
        self.test.clicked.connect(self._test)
        self.here = QPushButton(tr("Tell every open panel"))
        self.here.clicked.connect(self._tell_panels)
        self._stack = QStackedLayout()
        self._stack.addWidget(self.table)
        self._stack.addWidget(self.empty)
        row = QHBoxLayout()
        row.addWidget(self.test)
        row.addWidget(self.here)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.addLayout(self._stack, 1)
        column.addWidget(self.said)
        column.addLayout(row)
        self.show_targets(())

    def show_targets(self, targets: Sequence[NotificationTarget]) -> None:
        """Show these."""
        self.targets = targets
        self.table.show_rows(targets)
        if targets and self.table.chosen() is None:
            self.table.choose(targets[0].id)
        if self._panel.role == "viewer":
            self.empty.show_text(
                tr("Notification targets are shown to operators and administrators only.")
            )
        elif self._panel.role == "admin":
            self.empty.show_text(
                tr("Nobody is told of alerts yet."),
                tr("E-mail and webhooks are set up on the server: fieldline alert target add."),
                tr("Tell every open panel"),
                self._tell_panels,
            )
        else:
            self.empty.show_text(
                tr("Nobody is told of alerts yet."), tr("An administrator can add a target.")
            )
        self._stack.setCurrentWidget(self.table if targets else self.empty)
        self.here.setVisible(bool(targets) and not any(one.kind == "desktop" for one in targets))
        self._chosen()

    def _chosen(self) -> None:
        self.test.setVisible(bool(self.targets))
        self.test.setEnabled(self.table.chosen() is not None and not self._why_not)
        self.here.setEnabled(not self._why_not)
        for button in (self.test, self.here):
            button.setToolTip(self._why_not)
            button.setAccessibleDescription(self._why_not)

    def _test(self) -> None:
        target = next((one for one in self.targets if one.id == self.table.chosen()), None)
        if target is None:
            return
        self.said.say(tr("Sending a test to {name} …").format(name=target.name))
        self.test.setEnabled(False)
        self._panel.door.ask(
            lambda: self._panel.api.post(
                route("notification-targets", target.id, "test"), Tested, within_s=_TEST_WITHIN_S
            ),
            lambda tested: self._tested(target.name, tested),
            self._failed,
            self,
        )

    def _tested(self, name: str, tested: Tested) -> None:
        text = tr("The test was sent to {name}: {said}") if tested.sent else tr(
            "The test did not reach {name}: {said}"
        )  # fmt: skip
        self.said.say(
            text.format(name=name, said=tested.said).strip(), "good" if tested.sent else "bad"
        )
        self._chosen()

    def _tell_panels(self) -> None:
        body = {"name": tr("Every open panel"), "kind": "desktop"}
        self._panel.door.ask(
            lambda: self._panel.api.post(route("notification-targets"), NotificationTarget, body),
            self._added,
            self._failed,
            self,
        )

    def _added(self, target: NotificationTarget) -> None:
        def take_back() -> None:
            self._panel.door.ask(
                lambda: self._panel.api.delete(
                    route("notification-targets", target.id), seen=target.version
                ),
                lambda _: self.changed.emit(),
                self._failed,
                self,
            )

        self._panel.history.add(tr("Every open panel is told of alerts"), take_back)
        self.changed.emit()

    def _failed(self, error: ClientError) -> None:
        self.said.fail(error)
        self._chosen()
