"""What a device measures, and from which sources."""

from datetime import UTC, datetime
from functools import partial

from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from control_panel.client.api import route
from control_panel.model.live import Changes
from control_panel.model.newest_table import NewestTable
from control_panel.model.things import Channel
from control_panel.qt import words
from control_panel.qt.inline import Said, heading
from control_panel.qt.panel import Panel
from control_panel.qt.readings import newest_columns
from control_panel.qt.rows import Column, Rows, Table
from control_panel.qt.sentences import heard
from control_panel.qt.texts import tr
from control_panel.qt.views.devices import wording
from wire.status import SourceStatus

_SOURCE_MARKS = {
    "running": "running",
    "failing": "failed",
    "finished": "over",
    "stopped": "stopped",
}


class Channels(QWidget):
    """Channels with their newest values, as they come, and the sources that they come from."""

    def __init__(self, panel: Panel, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._panel = panel
        self._name = name
        self._newest = NewestTable(panel.live)
        self.said = Said()
        self.facts = QLabel()
        self.facts.setWordWrap(True)
        self.channels = Table(
            Rows(newest_columns(self._newest, panel.clock, device=False), lambda row: row.key),
            tr("Channels"),
        )
        self.no_channels = QLabel(
            tr("No reading has come yet. Channels appear here with the first one.")
        )
        self.sources = Table(Rows(self._source_columns(), lambda one: one.name), tr("Sources"))
        self.no_sources = QLabel(tr("The device has not said yet what it reads from."))
        column = QVBoxLayout(self)
        column.addWidget(self.said)
        column.addWidget(self.facts)
        column.addWidget(heading(tr("Channels")))
        column.addWidget(self.channels, 3)
        column.addWidget(self.no_channels)
        column.addWidget(heading(tr("Sources")))
        column.addWidget(self.sources, 2)
        column.addWidget(self.no_sources)
        column.addStretch(0)
        known = {*panel.live.newest, *panel.live.described}
        self._newest.look(key for key in known if key[0] == name)
        self._end = panel.live.listen(self._heard)
        self.refresh()

    def ask(self) -> None:
        """Ask for the channels that are stored."""
        self._panel.door.ask(
            partial(self._panel.api.every, route("channels"), Channel, {"device": self._name}),
            self._stored,
            self.said.fail,
            self,
        )

    def refresh(self) -> None:
        """Show what is known; ages grow also when nothing comes."""
        rows = self._newest.rows()
        self.channels.show_rows(rows)
        self.channels.viewport().update()
        self.channels.setVisible(bool(rows))
        self.no_channels.setVisible(not rows)
        status = self._panel.live.statuses.get(self._name)
        sources = status.sources if status is not None else ()
        self.sources.show_rows(sources)
        self.sources.setVisible(bool(sources))
        self.no_sources.setVisible(not sources)
        self.facts.setText(self._facts())

    def close_down(self) -> None:
        """Listen no more."""
        self._end()

    def _stored(self, channels: list[Channel]) -> None:
        self.said.clear()
        self._newest.take(channels)
        self.refresh()

    def _heard(self, changes: Changes) -> None:
        mine = [key for key in changes.channels | changes.added if key[0] == self._name]
        self._newest.look(mine)
        if self.isVisible() and (mine or self._name in changes.devices):
            self.refresh()

    def _facts(self) -> str:
        status, meta = (
            self._panel.live.statuses.get(self._name),
            self._panel.live.metas.get(self._name),
        )
        facts = []
        if meta is not None:
            facts += [text for text in (meta.model, meta.os) if text]
        if status is not None:
            if status.agent:
                facts.append(tr("agent {version}").format(version=status.agent))
            if status.clock:
                facts.append(tr("clock: {state}").format(state=wording.clock(status.clock)))
            if status.buffer is not None:
                held = sum(last - first + 1 for first, last in status.buffer.held)
                facts.append(tr("packs that wait on the device: {n}").format(n=words.count(held)))
        return "   ·   ".join(facts)

    def _source_columns(self) -> list[Column]:
        names = {
            "running": tr("Running"),
            "failing": tr("Failing"),
            "finished": tr("Finished"),
            "stopped": tr("Stopped"),
        }

        def since(one: SourceStatus) -> str:
            at = None if one.since is None else datetime.fromtimestamp(one.since, UTC)
            return words.moment(at)

        return [
            Column("name", tr("Source"), lambda one: one.name, 150),
            Column("kind", tr("Kind"), lambda one: one.kind, 110),
            Column("state", tr("State"), lambda one: names[one.state], 110,
                   mark=lambda one: _SOURCE_MARKS[one.state]),
            Column("since", tr("Since"), since, 165),
            Column("readings", tr("Readings"), lambda one: words.count(one.readings), 95,
                   right=True, tip=lambda _: tr("since the agent was started")),
            Column("errors", tr("Errors"), lambda one: words.count(one.errors), 75, right=True,
                   tip=lambda _: tr("since the agent was started")),
            Column("reason", tr("Reason"), lambda one: heard(one.reason), 240),
        ]  # fmt: skip
