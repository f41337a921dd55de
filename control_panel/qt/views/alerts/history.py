"""What fired and when: the episodes, the newest first."""

from collections.abc import Callable, Sequence
from datetime import datetime

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QStackedLayout, QVBoxLayout, QWidget

from control_panel.model.things import Episode
from control_panel.qt import words
from control_panel.qt.forms import Empty
from control_panel.qt.rows import Column, Rows, Table
from control_panel.qt.texts import tr
from control_panel.qt.views.alerts import wording


class HistoryTab(QWidget):
    """Episodes, some hundred at a time."""

    more_wanted = Signal()
    opened = Signal(object)

    def __init__(self, clock: Callable[[], datetime]) -> None:
        super().__init__()
        self.episodes: Sequence[Episode] = ()

        def lasted(one: Episode) -> str:
            return wording.lasted(one.began, one.ended, clock())

        def state(one: Episode) -> str:
            return tr("fires still") if one.ended is None else words.moment(one.ended)

        def known(one: Episode) -> str:
            if not one.late:
                return ""
            return tr("Came with a backlog: history, so nobody was told")

        self.table = Table(
            Rows(
                [
                    Column(
                        "severity", tr("Severity"),
                        lambda one: wording.severity_word(one.severity), 95,
                        mark=lambda one: one.severity,
                    ),
                    Column("rule", tr("Rule"), lambda one: one.rule, 115),
                    Column("device", tr("Device"), lambda one: one.device, 110),
                    Column("channel", tr("Channel"), lambda one: one.channel, 100),
                    Column("began", tr("Began"), lambda one: words.moment(one.began), 155),
                    Column("ended", tr("Ended"), state, 155),
                    Column("lasted", tr("Lasted"), lasted, 85),
                    Column(
                        "worst", tr("Worst"),
                        lambda one: wording.value(one.value if one.worst is None else one.worst),
                        70, right=True,
                    ),
                    Column("by", tr("Seen by"), lambda one: one.acknowledged_by or "", 80),
                    Column(
                        "late", tr("Late"), lambda one: tr("late") if one.late else "", 60,
                        tip=known,
                    ),
                ],
                lambda one: one.episode,
            ),
            tr("History of alerts"),
        )  # fmt: skip
        self.table.opened.connect(self._open)
        self.empty = Empty(
            tr("Nothing has fired yet."),
            tr("What fires is kept here, with when and how bad it was."),
        )
        self.count = QLabel()
        self.more = QPushButton(tr("Show older ones"))
        self.more.clicked.connect(self.more_wanted)
        self._stack = QStackedLayout()
        self._stack.addWidget(self.table)
        self._stack.addWidget(self.empty)
        row = QHBoxLayout()
        row.addWidget(self.count, 1)
        row.addWidget(self.more)
        column = QVBoxLayout(self)
        column.addLayout(self._stack, 1)
        column.addLayout(row)
        self.show_episodes((), more=False)

    def show_episodes(self, episodes: Sequence[Episode], *, more: bool) -> None:
        """Show these; `more`: there are older ones."""
        self.episodes = episodes
        self.table.show_rows(episodes)
        self._stack.setCurrentWidget(self.table if episodes else self.empty)
        self.more.setVisible(more)
        text = tr("The {n} newest") if more else tr("{n} in all")
        self.count.setText(text.format(n=words.count(len(episodes))) if episodes else "")

    def _open(self, episode: object) -> None:
        found = next((one for one in self.episodes if one.episode == episode), None)
        if found is not None:
            self.opened.emit(found)
