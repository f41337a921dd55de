"""Alerts: what fires, what somebody sees to, what fired, and who is told by which rules."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, NamedTuple

from PySide6.QtCore import QTimer
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from control_panel.client.api import Api, route
from control_panel.client.errors import ClientError
from control_panel.model.alerts import standing
from control_panel.model.things import (
    Acknowledgement,
    Alert,
    Episode,
    Event,
    NotificationTarget,
    Page,
    Rule,
    Snooze,
)
from control_panel.qt import words
from control_panel.qt.inline import Said
from control_panel.qt.panel import Panel, Place
from control_panel.qt.tabs import tabbed
from control_panel.qt.texts import tr
from control_panel.qt.theme import MARGINS
from control_panel.qt.views.alerts import wording
from control_panel.qt.views.alerts.history import HistoryTab
from control_panel.qt.views.alerts.rules import RulesTab
from control_panel.qt.views.alerts.standing import Snoozes, StandingTab
from control_panel.qt.views.alerts.targets import TargetsTab

ASK_MS, TICK_MS, SETTLE_MS = 15_000, 5_000, 300
_KINDS = ("alert", "alert-rule", "snooze", "maintenance", "notification-target")
_HISTORY = 200


class Known(NamedTuple):
    """What the server answers about alerts."""

    alerts: list[Alert]
    snoozes: list[Snooze]
    rules: list[Rule]
    targets: list[NotificationTarget]
    history: Page[Episode]


def ask(api: Api, role: str) -> Known:
    """Ask for all of it, in a worker. Raises ClientError."""
    return Known(
        api.every(route("alerts"), Alert),
        api.every(route("snoozes"), Snooze),
        api.every(route("alert-rules"), Rule),
        [] if role == "viewer" else api.every(route("notification-targets"), NotificationTarget),
        api.get(route("alerts", "history"), Page[Episode], {"limit": _HISTORY}),
    )


class AlertsView(QWidget):
    """Five tabs; asks anew when an event says that something is different."""

    def __init__(self, panel: Panel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._panel = panel
        self._known: Known | None = None
        self._older: list[Episode] = []
        self._cursor: str | None = None
        self._asking = self._again = False
        why_not = (
            tr("You may look; to see to alerts takes the role operator.")
            if panel.role == "viewer"
            else ""
        )
        self.trouble, self.said = Said(), Said()
        self.firing = StandingTab(panel, why_not, acknowledged=False)
        self.acknowledged = StandingTab(panel, why_not, acknowledged=True)
        self.history = HistoryTab(panel.clock)
        self.rules = RulesTab(panel, why_not)
        self.targets = TargetsTab(panel)
        self.snoozes = Snoozes(why_not)
        self.tabs = tabbed(
            tr("Alerts"),
            (self.firing, tr("Firing")),
            (self.acknowledged, tr("Acknowledged")),
            (self.history, tr("History")),
            (self.rules, tr("Rules")),
            (self.targets, tr("Notification targets")),
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(*MARGINS)
        column.addWidget(self.trouble)
        column.addWidget(self.said)
        column.addWidget(self.tabs, 1)
        column.addWidget(self.snoozes)
        self._connect()
        self._asks, self._ticks, self._settle = QTimer(self), QTimer(self), QTimer(self)
        self._asks.timeout.connect(self.ask)
        self._ticks.timeout.connect(self._tick)
        self._settle.setSingleShot(True)
        self._settle.timeout.connect(self.ask)
        self._unlisten = panel.events.listen(_KINDS, self._take)

    def shown(self) -> None:
        """Come to the front: look at once, and go on looking."""
        self._asks.start(ASK_MS)
        self._ticks.start(TICK_MS)
        self.ask()

    def close_down(self) -> None:
        """Ask no more."""
        self._unlisten()
        for timer in (self._asks, self._ticks, self._settle):
            timer.stop()

    def show_place(self, subject: str) -> None:
        """Show the tab of that name, or the rule."""
        names = ("firing", "acknowledged", "history", "rules", "targets")
        if subject in names:
            self.tabs.setCurrentIndex(names.index(subject))
        elif any(rule.name == subject for rule in self.rules.rules):
            self.tabs.setCurrentWidget(self.rules)
            self.rules.choose(subject)

    def showEvent(self, event: QShowEvent) -> None:
        """Go on when the window is no icon any more."""
        super().showEvent(event)
        if event.spontaneous():
            self.shown()

    def hideEvent(self, event: QHideEvent) -> None:
        """Ask nothing while nobody looks."""
        for timer in (self._asks, self._ticks, self._settle):
            timer.stop()
        super().hideEvent(event)

    def ask(self) -> None:
        """Ask for everything anew."""
        if self._asking:
            self._again = True
            return
        self._asking = True
        self._panel.door.ask(
            lambda: ask(self._panel.api, self._panel.role), self._answered, self._failed, self
        )

    def _connect(self) -> None:
        self.firing.acknowledge.connect(self._acknowledge)
        self.firing.rules_wanted.connect(lambda: self.tabs.setCurrentWidget(self.rules))
        self.acknowledged.take_back.connect(self._unacknowledge)
        for tab in (self.firing, self.acknowledged):
            tab.snooze.connect(self._snooze)
            tab.opened.connect(self._open)
        self.snoozes.ended.connect(self._end_snooze)
        self.history.opened.connect(self._open)
        self.history.more_wanted.connect(self._more)
        self.rules.changed.connect(self.ask)
        self.targets.changed.connect(self.ask)

    def _take(self, _event: Event) -> None:
        # Many can come at once; the answer to the last question tells of all.
        if self.isVisible():
            self._settle.start(SETTLE_MS)

    def _answered(self, known: Known) -> None:
        self._asking = False
        self._known = known
        self.trouble.clear()
        found = standing(known.alerts)
        self.firing.show_alerts(found.firing, pending=len(found.pending))
        self.acknowledged.show_alerts(found.acknowledged)
        self.tabs.setTabText(0, _counted(tr("Firing"), len(found.firing)))
        self.tabs.setTabText(1, _counted(tr("Acknowledged"), len(found.acknowledged)))
        self.rules.show_rules(known.rules)
        self.targets.show_targets(known.targets)
        self.snoozes.show_snoozes(known.snoozes, {rule.id: rule.name for rule in known.rules})
        if not self._older:
            self._cursor = known.history.next
        self._show_history()
        if self._again:
            self._again = False
            self.ask()

    def _failed(self, error: ClientError) -> None:
        self._asking = self._again = False
        self.trouble.fail(error)

    def _tick(self) -> None:
        self.firing.refresh_ages()
        self.acknowledged.refresh_ages()

    def _show_history(self) -> None:
        if self._known is not None:
            newest = self._known.history.items
            have = {one.episode for one in newest}
            older = [one for one in self._older if one.episode not in have]
            self.history.show_episodes([*newest, *older], more=self._cursor is not None)

    def _more(self) -> None:
        cursor = self._cursor
        self._panel.door.ask(
            lambda: self._panel.api.get(
                route("alerts", "history"), Page[Episode], {"limit": _HISTORY, "cursor": cursor}
            ),
            self._take_older,
            self._refused,
            self,
        )

    def _take_older(self, page: Page[Episode]) -> None:
        self._older += page.items
        self._cursor = page.next
        self._show_history()

    def _acknowledge(self, alerts: Sequence[Alert], note: str) -> None:
        api, paths = self._panel.api, [_acknowledgement(alert) for alert in alerts]

        def back(_: object) -> Callable[[], Any]:
            return partial(_delete, api, paths)

        self._do(
            lambda: [api.put(path, Acknowledgement, {"note": note}) for path in paths],
            tr("Acknowledged: {alerts}").format(alerts=wording.subjects(alerts)),
            back,
        )

    def _unacknowledge(self, alerts: Sequence[Alert]) -> None:
        api = self._panel.api
        notes = {_acknowledgement(alert): {"note": alert.note or ""} for alert in alerts}

        def back(_: object) -> Callable[[], Any]:
            return lambda: [api.put(path, Acknowledgement, note) for path, note in notes.items()]

        self._do(
            partial(_delete, api, list(notes)),
            tr("Acknowledged no longer: {alerts}").format(alerts=wording.subjects(alerts)),
            back,
        )

    def _snooze(self, alerts: Sequence[Alert], seconds: float) -> None:
        api = self._panel.api
        rules = {rule.name: rule.id for rule in self.rules.rules}
        until = self._panel.clock() + timedelta(seconds=seconds)
        bodies = [
            {"rule": rules.get(alert.rule), "device": alert.device, "channel": alert.channel,
             "until": until}
            for alert in alerts
        ]  # fmt: skip

        def back(made: list[Snooze]) -> Callable[[], Any]:
            return partial(_end_like, api, made)

        self._do(
            lambda: [api.post(route("snoozes"), Snooze, body) for body in bodies],
            tr("For {span} nobody is told about: {alerts}").format(
                alerts=wording.subjects(alerts), span=words.span(seconds)
            ),
            back,
        )

    def _end_snooze(self, number: int) -> None:
        api = self._panel.api
        known = self._known.snoozes if self._known is not None else []
        ended = next((one for one in known if one.id == number), None)
        if ended is None:
            return  # it has ended by itself meanwhile
        body = {"rule": ended.rule, "device": ended.device, "channel": ended.channel,
                "until": ended.until, "reason": ended.reason}  # fmt: skip
        self._do(
            lambda: api.delete(route("snoozes", number)),
            tr("The snooze is over: what still fires is told now."),
            lambda _: lambda: api.post(route("snoozes"), Snooze, body),
        )

    def _do(
        self,
        act: Callable[[], Any],
        said: str,
        back: Callable[[Any], Callable[[], Any]],
    ) -> None:
        """Do something at the server, say so, and offer to take it back."""

        def done(answer: Any) -> None:
            undo = back(answer)
            self._panel.history.add(said, lambda: self._undo(undo))
            self.said.clear()
            self.ask()

        self._panel.door.ask(act, done, self._refused, self)

    def _undo(self, act: Callable[[], Any]) -> None:
        self._panel.door.ask(act, lambda _: self.ask(), self._refused, self)

    def _refused(self, error: ClientError) -> None:
        self.said.fail(error)
        self.ask()

    def _open(self, subject: Alert | Episode | None) -> None:
        if subject is not None:
            self._panel.goto(Place(view="devices", subject=subject.device))


def _delete(api: Api, paths: Sequence[str]) -> None:
    for path in paths:
        api.delete(path)


def _end_like(api: Api, snoozes: Sequence[Snooze]) -> None:
    """End those that are silent about the same until the same time: they may have new numbers."""
    ended = {(one.rule, one.device, one.channel, one.until) for one in snoozes}
    for one in api.every(route("snoozes"), Snooze):
        if (one.rule, one.device, one.channel, one.until) in ended:
            api.delete(route("snoozes", one.id))


def _acknowledgement(alert: Alert) -> str:
    return route("alerts", alert.episode or 0, "acknowledgement")


def _counted(text: str, number: int) -> str:
    return f"{text} ({words.count(number)})" if number else text
