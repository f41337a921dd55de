"""The overview: what needs attention first, and the few numbers that say how it goes."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QVBoxLayout,
    QWidget,
)

from control_panel.client.api import route
from control_panel.client.errors import ClientError
from control_panel.model.actions import Action
from control_panel.model.attention import Seen, matters, oldest_unsent
from control_panel.model.fleet import SENDING, STATUSES
from control_panel.model.places import Place
from control_panel.model.things import Alert, Event, Pipeline, Storage
from control_panel.qt import words
from control_panel.qt.dashboards import DashboardButton
from control_panel.qt.forms import Card, Counted
from control_panel.qt.inline import heading
from control_panel.qt.panel import Panel
from control_panel.qt.statuses import MARKS, status_word
from control_panel.qt.texts import tr
from control_panel.qt.theme import MARGINS
from control_panel.qt.views.overview.matters import Matters

_TICK_MS = 1000
_PIPELINE_EVERY_S = 3
_STORAGE_EVERY_S = 60
_OLD = timedelta(seconds=15)
_DASHBOARD_SPAN = timedelta(hours=6)
Answer = TypeVar("Answer")


class OverviewView(QWidget):
    """Asks only while it is shown."""

    def __init__(self, panel: Panel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._panel = panel
        self._seen = Seen()
        self._answered: datetime | None = None
        """When the server has said last how the pipeline is."""
        self._asking: set[str] = set()
        self._seconds = 0
        goto = panel.goto
        self.matters = Matters(goto)
        self.rate = Card(
            tr("Messages a second"), lambda: goto(Place("pipeline")), tr("Show the pipeline")
        )
        self.unsent = Card(
            tr("Oldest unsent reading"), self._goto_unsent, tr("Show the device that holds it")
        )
        self.newest = Card(
            tr("Newest row"), lambda: goto(Place("pipeline", "stream")), tr("Show the stream")
        )
        self.sending = Card(
            tr("Devices that send"), lambda: goto(Place("devices")), tr("Show all devices")
        )
        self.counts = {
            status: Counted(
                MARKS[status],
                status_word(status),
                lambda status=status: goto(Place("devices", f"status:{status}")),  # type: ignore[misc]
            )
            for status in reversed(STATUSES)
        }
        self.dashboards = DashboardButton(
            panel.dashboards, tr("Dashboards in Grafana"), self._open_dashboards
        )
        self._lay_out()
        self._stops: list[Callable[[], None]] = [
            panel.registry.add(
                Action(
                    "overview.dashboards", tr("Open the dashboards in Grafana"),
                    self._open_dashboards, "View", enabled=lambda: panel.dashboards.known,
                    words="browser charts",
                )
            ),
            panel.fleet.listen(lambda _: self._soon.start()),
            panel.live.listen(lambda _: None if self._soon.isActive() else self._soon.start()),
            panel.events.listen(["alert", "alert-rule", "pipeline", "storage"], self._take),
        ]  # fmt: skip
        self._soon = QTimer(self, singleShot=True, interval=200)
        self._soon.timeout.connect(self._draw)
        self._tick = QTimer(self, interval=_TICK_MS)
        self._tick.timeout.connect(self._second)
        self._draw()

    def shown(self) -> None:
        """Ask everything now, and again while it is shown."""
        self._seconds = 0
        self._ask_pipeline()
        self._ask_alerts()
        self._ask_storage()
        self._panel.dashboards.look()
        self._tick.start()
        self._draw()

    def close_down(self) -> None:
        """Listen no more."""
        self._tick.stop()
        self._soon.stop()
        for stop in self._stops:
            stop()
        self._stops.clear()

    def _lay_out(self) -> None:
        numbers = QHBoxLayout()
        numbers.setSpacing(12)
        for card in (self.sending, self.rate, self.newest, self.unsent):
            numbers.addWidget(card, 1)
        by_status = QFrame()
        by_status.setObjectName("card")
        counts = QVBoxLayout(by_status)
        counts.setContentsMargins(14, 12, 14, 12)
        counts.addWidget(heading(tr("Devices by status")))
        for counted in self.counts.values():
            counts.addWidget(counted)
        counts.addStretch(1)
        counts.addWidget(self.dashboards)
        grid = QGridLayout()
        grid.setSpacing(12)
        grid.addWidget(self.matters, 0, 0)
        grid.addWidget(by_status, 0, 1)
        grid.setColumnStretch(0, 3)
        grid.setColumnStretch(1, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(*MARGINS)
        column.setSpacing(14)
        column.addLayout(numbers)
        column.addLayout(grid, 1)

    def _second(self) -> None:
        if not self.isVisible():
            self._tick.stop()
            return
        self._seconds += 1
        if self._seconds % _PIPELINE_EVERY_S == 0:
            self._ask_pipeline()
        if self._seconds % _STORAGE_EVERY_S == 0:
            self._ask_alerts()
            self._ask_storage()
        self._draw()

    def _take(self, event: Event) -> None:
        if not self.isVisible():
            return
        if event.kind == "pipeline":
            self._ask_pipeline()
        elif event.kind == "storage":
            self._ask_storage()
        elif event.kind.startswith("alert"):
            self._ask_alerts()
        else:
            self.shown()

    def _ask_pipeline(self) -> None:
        api = self._panel.api

        def done(found: Pipeline) -> None:
            self._answered = self._panel.clock()
            self._learn(self._seen._replace(pipeline=found))

        self._ask("pipeline", lambda: api.get(route("pipeline"), Pipeline), done)

    def _ask_alerts(self) -> None:
        api = self._panel.api
        self._ask(
            "alerts",
            lambda: api.every(route("alerts"), Alert, {"state": ["firing"]}),
            lambda found: self._learn(self._seen._replace(alerts=tuple(found))),
        )

    def _ask_storage(self) -> None:
        api = self._panel.api
        self._ask(
            "storage",
            lambda: api.get(route("storage"), Storage),
            lambda found: self._learn(self._seen._replace(storage=found)),
        )

    def _ask(
        self, what: str, function: Callable[[], Answer], done: Callable[[Answer], None]
    ) -> None:
        """Ask, unless the same is being asked. What fails is asked again later by itself."""
        if what in self._asking:
            return
        self._asking.add(what)

        def answered(found: Answer) -> None:
            self._asking.discard(what)
            done(found)

        def failed(_: ClientError) -> None:
            self._asking.discard(what)

        self._panel.door.ask(function, answered, failed, self)

    def _learn(self, seen: Seen) -> None:
        self._seen = seen
        self._draw()

    def _draw(self) -> None:
        now = self._panel.clock()
        fleet = self._panel.fleet
        seen = self._seen._replace(devices=fleet.devices if fleet.known else None)
        self._draw_numbers(now)
        counts = fleet.counts()
        for status, counted in self.counts.items():
            counted.show_count(words.count(counts[status]))
            counted.setVisible(bool(counts[status]) or status in {"online", "offline", "late"})
        known = seen.devices is not None and seen.pipeline is not None
        calm = tr("Nothing. Every device and every stage is as it should be.")
        self.matters.show_matters(matters(seen, now), calm if known else tr("Looking …"), now)

    def _draw_numbers(self, now: datetime) -> None:
        pipeline = self._seen.pipeline
        old = self._answered is None or now - self._answered > _OLD
        as_of = (
            tr("as of {ago}").format(ago=words.ago((now - self._answered).total_seconds()))
            if old and self._answered is not None
            else ""
        )
        stages = {stage.name: stage for stage in pipeline.stages} if pipeline is not None else {}
        bridge = stages.get("bridge")
        rate = bridge.rate_in if bridge is not None else None
        self.rate.show_number(
            words.rate(rate), as_of or tr("from devices to the server"), stale=old
        )
        newest = max((one.newest for one in stages.values() if one.newest), default=None)
        if newest is None:
            self.newest.show_number(words.NONE, as_of or tr("nothing is stored yet"), stale=old)
        else:
            self.newest.show_number(
                words.ago((now - newest).total_seconds()),
                as_of or words.moment(newest),
                stale=old,
            )
        self._draw_unsent(now)
        fleet = self._panel.fleet
        counts = fleet.counts()
        in_use = counts.total() - counts["revoked"]
        if not fleet.known:
            self.sending.show_number(words.NONE, tr("asking the server …"))
        elif not in_use:
            self.sending.show_number("0", tr("none is registered yet"))
        else:
            self.sending.show_number(
                words.count(sum(counts[status] for status in SENDING)),
                tr("of {count} registered").format(count=words.count(in_use)),
            )

    def _draw_unsent(self, now: datetime) -> None:
        statuses = self._panel.live.statuses
        unsent = oldest_unsent(statuses)
        if unsent is not None:
            self.unsent.show_number(
                words.ago((now - unsent.since).total_seconds()),
                tr("on {device}").format(device=unsent.device)
                if unsent.devices == 1
                else tr("on {device}; {count} devices hold some").format(
                    device=unsent.device, count=words.count(unsent.devices)
                ),
            )
        elif any(status.buffer is not None for status in statuses.values()):
            self.unsent.show_number(tr("none"), tr("everything measured is stored"))
        else:
            self.unsent.show_number(words.NONE, tr("no device has said yet"))

    def _goto_unsent(self) -> None:
        unsent = oldest_unsent(self._panel.live.statuses)
        self._panel.goto(Place("devices", unsent.device if unsent is not None else ""))

    def _open_dashboards(self) -> None:
        now = self._panel.clock()
        self._panel.dashboards.open_fleet(now - _DASHBOARD_SPAN, now)
