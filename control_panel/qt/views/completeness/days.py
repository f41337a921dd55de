"""A device's days: what of each has arrived, and why what is lost is lost."""

from functools import partial
from typing import NamedTuple

from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from control_panel.client.api import Api, route
from control_panel.model.completeness import Day, days
from control_panel.model.things import CompletenessDay, Loss
from control_panel.qt import words
from control_panel.qt.inline import Said, heading
from control_panel.qt.panel import Panel
from control_panel.qt.rows import Column, Rows, Table
from control_panel.qt.texts import tr
from control_panel.qt.views.completeness import wording
from control_panel.qt.views.completeness.bars import BarDelegate

_BAR = 2


class _Found(NamedTuple):
    device: str
    days: list[CompletenessDay]
    losses: list[Loss]


class Days(QWidget):
    """Of the device that is chosen; asks when another one is, or when it is told to."""

    def __init__(self, panel: Panel) -> None:
        super().__init__()
        self._panel = panel
        self._device = ""
        self.title = heading("")
        self.trouble = Said()
        self.why = QLabel()
        self.why.setWordWrap(True)
        self.table = Table(Rows(_columns(), lambda day: day.day), tr("Completeness by day"))
        self.table.setItemDelegateForColumn(_BAR, BarDelegate(self.table))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.title)
        column.addWidget(self.trouble)
        column.addWidget(self.why)
        column.addWidget(self.table, 1)
        self.show_device("")

    def show_device(self, device: str) -> None:
        """Show another device's days; none without a name."""
        self.setVisible(bool(device))
        if device != self._device:
            self._device = device
            self.title.setText(tr("{device} by day").format(device=device))
            self.trouble.clear()
            self.why.hide()
            self.table.show_rows([])
            self.ask()

    def ask(self) -> None:
        """Ask for the days anew."""
        if self._device:
            found = partial(_ask, self._panel.api, self._device)
            self._panel.door.ask(found, self._answered, self.trouble.fail, self)

    def _answered(self, found: _Found) -> None:
        if found.device != self._device:  # another one was chosen meanwhile
            return
        self.trouble.clear()
        self.table.show_rows(days(found.days))
        self.why.setText(wording.losses(found.losses))
        self.why.setVisible(bool(found.losses))


def _ask(api: Api, device: str) -> _Found:
    asked = {"device": device}
    return _Found(
        device,
        api.every(route("completeness", "days"), CompletenessDay, asked),
        api.every(route("completeness", "losses"), Loss, asked),
    )


def _columns() -> list[Column]:
    def of(day: Day) -> str:
        return wording.of(day.tally)

    return [
        Column("day", tr("Day (UTC)"), lambda day: words.day(day.day), 130),
        Column(
            "verdict", tr("State"), lambda day: wording.verdict_word(day.tally.verdict), 145,
            mark=lambda day: wording.MARKS[day.tally.verdict],
        ),
        Column("bar", tr("Packs"), lambda day: wording.percent(day.tally), 190),
        Column("of", tr("Stored"), of, 130, right=True),
        Column("percent", tr("Share"), lambda day: wording.percent(day.tally), 75, right=True),
        Column(
            "on_device", tr("On the device"), lambda day: words.count(day.tally.on_device), 100,
            right=True,
        ),
        Column("lost", tr("Lost"), lambda day: words.count(day.tally.lost), 60, right=True),
        Column("missing", tr("Missing"), lambda day: words.count(day.tally.missing), 60,
               right=True),
    ]  # fmt: skip
