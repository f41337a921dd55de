"""All devices as a table that is filtered by words and by status."""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import msgspec
from PySide6.QtCore import QEvent, QLocale, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QShowEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from control_panel.client.api import route
from control_panel.model.actions import may
from control_panel.model.devices_table import COLUMNS, DevicesTable, Row, Shown
from control_panel.model.fleet import STATUSES
from control_panel.model.live import Changes
from control_panel.model.things import Completeness
from control_panel.qt import words
from control_panel.qt.flow import Flow
from control_panel.qt.forms import primary
from control_panel.qt.panel import Panel
from control_panel.qt.rows import Column, Rows, Table, mark_icon
from control_panel.qt.sentences import heard
from control_panel.qt.statuses import MARKS, status_word
from control_panel.qt.texts import tr
from control_panel.qt.theme import MARGINS
from control_panel.qt.views.devices import wording

_REFRESH_MS = 1_000
_COMPLETENESS_MS = 60_000


class FleetTable(QWidget):
    """The table, its filter and its chips."""

    opened = Signal(str)
    register_one = Signal()
    register_many = Signal()

    def __init__(self, panel: Panel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._panel = panel
        self.devices = DevicesTable()
        self._dirty: set[str] = set()
        self.filter = QLineEdit()
        self.filter.setPlaceholderText(tr("Filter by name, label, site, status or reason"))
        self.filter.setAccessibleName(tr("Filter devices"))
        self.filter.setClearButtonEnabled(True)
        self.filter.setMinimumWidth(260)
        self.filter.setMaximumWidth(460)
        self.filter.textChanged.connect(self._asked)
        self.one = primary(QPushButton(tr("Register a device …")))
        self.many = QPushButton(tr("Register many …"))
        for button, signal in ((self.one, self.register_one), (self.many, self.register_many)):
            button.setAccessibleName(button.text())
            button.clicked.connect(signal)
            if not may(panel.role, "admin"):
                button.setEnabled(False)
                button.setToolTip(wording.need(panel.role, "admin"))
        above = QHBoxLayout()
        above.addWidget(self.filter, 1)
        self._count = QLabel()
        above.addWidget(self._count)
        above.addStretch(1)
        above.addWidget(self.many)
        above.addWidget(self.one)
        self.chips = {word: self._chip(word) for word in STATUSES}
        self._chips = Flow(list(self.chips.values()))
        self.table = Table(Rows(self._columns(), lambda row: row.name), tr("Devices"))
        self.table.opened.connect(lambda name: self.opened.emit(str(name)))
        header = self.table.horizontalHeader()
        header.setSectionsClickable(True)
        header.setSortIndicatorShown(True)
        header.sectionClicked.connect(self._sorted)
        self._empty = QLabel()
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty.setWordWrap(True)
        self._stack = QStackedLayout()
        self._stack.addWidget(self.table)
        self._stack.addWidget(self._empty)
        column = QVBoxLayout(self)
        column.setContentsMargins(*MARGINS)
        column.addLayout(above)
        column.addWidget(self._chips)
        column.addLayout(self._stack, 1)
        self.setTabOrder(self.filter, self.table)
        self._show_sort()
        self._ends = [
            panel.fleet.listen(self._fleet_changed),
            panel.live.listen(self._live_changed),
            panel.events.listen((), lambda _event: self._ask_completeness()),
        ]
        self._timer = QTimer(self, interval=_REFRESH_MS)
        self._timer.timeout.connect(self.refresh)
        self._timer.start()
        self._slow = QTimer(self, interval=_COMPLETENESS_MS)
        self._slow.timeout.connect(self._ask_completeness)
        self._slow.start()
        self._dirty.update(panel.fleet.devices)
        self._take()
        self._ask_completeness()

    def state(self) -> dict[str, Any]:
        """Return what is to be remembered, as plain values."""
        shown = self.devices.shown
        return {
            "words": shown.words,
            "statuses": sorted(shown.statuses),
            "sort": shown.sort,
            "descending": shown.descending,
            "widths": self.table.widths(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take what was remembered; whatever is of no use there is passed over."""
        widths = state.get("widths")
        if isinstance(widths, dict):
            self.table.set_widths(widths.items())
        try:
            shown = msgspec.convert(
                {key: state[key] for key in Shown.__struct_fields__ if key in state}, Shown
            )
        except msgspec.ValidationError:
            return
        if shown.sort not in COLUMNS:
            shown = msgspec.structs.replace(shown, sort="status")
        self.devices.show(shown)
        self.filter.blockSignals(True)
        self.filter.setText(shown.words)
        self.filter.blockSignals(False)
        for word, chip in self.chips.items():
            chip.setChecked(word in shown.statuses)
        self._show_sort()
        self._show()

    def refresh(self) -> None:
        """Show what has come since the last time; ages grow also when nothing comes."""
        if self.isVisible():
            self._take()
            self.table.viewport().update()

    def showEvent(self, event: QShowEvent) -> None:
        """What came while it was hidden is shown at once."""
        super().showEvent(event)
        self._take()

    def changeEvent(self, event: QEvent) -> None:
        """Marks are drawn in the colours of the scheme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "chips"):
            for word, chip in self.chips.items():
                chip.setIcon(mark_icon(MARKS[word]))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape empties the filter."""
        if event.key() == Qt.Key.Key_Escape and (self.filter.text() or self.devices.shown.statuses):
            self.clear_filter()
        else:
            super().keyPressEvent(event)

    def clear_filter(self) -> None:
        """Show all devices."""
        for chip in self.chips.values():
            chip.setChecked(False)
        self.filter.clear()
        self._asked()

    def only(self, statuses: Iterable[str]) -> None:
        """Show the devices of these statuses."""
        wanted = set(statuses)
        self.filter.clear()
        for word, chip in self.chips.items():
            chip.setChecked(word in wanted)
        self._asked()

    def close_down(self) -> None:
        """Listen no more."""
        self._timer.stop()
        self._slow.stop()
        for end in self._ends:
            end()

    def _columns(self) -> list[Column]:
        clock, locale = self._panel.clock, QLocale()

        def age(row: Row) -> float | None:
            if row.last_seen is None:
                return None
            return (clock() - row.last_seen).total_seconds()

        def unsent(row: Row) -> str:
            if row.unsent is None:
                return wording.DASH
            text = words.count(row.unsent)
            return text if row.fill is None else f"{text} ({_percent(row.fill, 0, locale)})"

        def away(row: Row) -> bool:
            return row.status in {"offline", "revoked", "never seen"}

        return [
            Column("status", tr("Status"), lambda row: status_word(row.status), 135,
                   mark=lambda row: MARKS.get(row.status, "over"),
                   tip=lambda row: heard(row.reason) or status_word(row.status)),
            Column("name", tr("Name"), lambda row: row.name, 135),
            Column("label", tr("Label"), lambda row: row.label, 85),
            Column("site", tr("Site"), lambda row: row.site, 75),
            Column("last seen", tr("Last seen"), lambda row: words.ago(age(row)), 95,
                   tip=lambda row: words.moment(row.last_seen)),
            Column("clock", tr("Clock"), lambda row: wording.clock(row.clock), 85, stale=away),
            Column("unsent", tr("Unsent packs"), unsent, 100, right=True, stale=away,
                   tip=lambda _: tr("Packs that wait on the device, and how much of its "
                                      "buffer they take")),
            Column("agent", tr("Agent"), lambda row: row.agent or wording.DASH, 65),
            Column("complete", tr("Complete"),
                   lambda row: _share(row.complete, locale), 80, right=True,
                   tip=lambda _: tr("The share of the device's packs that are stored")),
            Column("reason", tr("Reason"), lambda row: heard(row.reason), 185),
        ]  # fmt: skip

    def _chip(self, word: str) -> QPushButton:
        chip = QPushButton()
        chip.setCheckable(True)
        chip.setIcon(mark_icon(MARKS[word]))
        chip.toggled.connect(self._asked)
        return chip

    def _asked(self, _: object = None) -> None:
        self.devices.show(
            msgspec.structs.replace(
                self.devices.shown,
                words=self.filter.text(),
                statuses=frozenset(word for word, chip in self.chips.items() if chip.isChecked()),
            )
        )
        self._show()

    def _sorted(self, section: int) -> None:
        shown, column = self.devices.shown, COLUMNS[section]
        turned = shown.sort == column and not shown.descending
        self.devices.show(msgspec.structs.replace(shown, sort=column, descending=turned))
        self._show_sort()
        self._show()

    def _show_sort(self) -> None:
        shown = self.devices.shown
        order = Qt.SortOrder.DescendingOrder if shown.descending else Qt.SortOrder.AscendingOrder
        self.table.horizontalHeader().setSortIndicator(COLUMNS.index(shown.sort), order)

    def _fleet_changed(self, names: frozenset[str]) -> None:
        self._dirty |= names
        if self.isVisible():
            self._take()

    def _live_changed(self, changes: Changes) -> None:
        self._dirty |= changes.devices
        newest = self._panel.live.newest
        for key in changes.channels:
            if key in newest:
                self.devices.heard(key[0], newest[key].received_utc)

    def _take(self) -> None:
        dirty, self._dirty = self._dirty, set()
        changed = self.devices.take(dirty, self._panel.fleet.devices, self._panel.live)
        if changed or not self._count.text():
            self._show()

    def _show(self) -> None:
        visible, all_of_them = self.devices.visible, len(self.devices)
        self.table.show_rows(visible)
        counts = self._panel.fleet.counts()
        for word, chip in self.chips.items():
            text = f" {status_word(word)}  {words.count(counts[word])}"  # apart from the mark
            if chip.text() != text:
                chip.setText(text)
                chip.setAccessibleName(
                    tr("Show devices that are {status}: {count}").format(
                        status=status_word(word), count=counts[word]
                    )
                )
            chip.setVisible(counts[word] > 0 or chip.isChecked())
        self._chips.arrange()
        self._count.setText(
            tr("Devices: {all}").format(all=words.count(all_of_them))
            if len(visible) == all_of_them
            else tr("Devices: {some} of {all}").format(
                some=words.count(len(visible)), all=words.count(all_of_them)
            )
        )
        if not visible:
            self._empty.setText(self._why_empty(all_of_them))
        self._stack.setCurrentIndex(0 if visible else 1)

    def _why_empty(self, all_of_them: int) -> str:
        if not self._panel.fleet.known:
            return tr("Asking the server for its devices …")
        if all_of_them:
            return tr("No device is like that. Escape shows all of them again.")
        if not may(self._panel.role, "admin"):
            return tr("There is no device yet. An administrator can register the first one.")
        return tr("There is no device yet. “Register a device …” shows what to do on the first.")

    def _ask_completeness(self) -> None:
        api = self._panel.api
        self._panel.door.ask(
            partial(api.every, route("completeness"), Completeness),
            self._complete,
            lambda _error: None,  # asked again in a minute; the line below says that it is away
            self,
        )

    def _complete(self, epochs: list[Completeness]) -> None:
        self.devices.complete(epochs)
        self._dirty.update(self._panel.fleet.devices)
        if self.isVisible():
            self._take()


def _percent(share: float, digits: int, locale: QLocale) -> str:
    return locale.toString(share * 100, "f", digits) + " %"


def _share(share: float | None, locale: QLocale) -> str:
    """A share is 100 % only if nothing at all is missing."""
    if share is None:
        return wording.DASH
    if share < 1:
        share = min(share, 0.9999)
    return _percent(share, 0 if share in {0.0, 1.0} else 2, locale)
