"""Completeness: what has arrived of each device, what is on the way, and what is lost."""

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QSplitter,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from control_panel.client.api import route
from control_panel.client.errors import ClientError
from control_panel.model.completeness import Row, Verdict, rows, total
from control_panel.model.things import Completeness
from control_panel.qt import words
from control_panel.qt.forms import Empty
from control_panel.qt.inline import Said
from control_panel.qt.panel import Panel, Place
from control_panel.qt.rows import Column, Rows, Table
from control_panel.qt.texts import tr
from control_panel.qt.theme import MARGINS
from control_panel.qt.views.completeness import wording
from control_panel.qt.views.completeness.bars import Bar, BarDelegate, Legend
from control_panel.qt.views.completeness.days import Days
from control_panel.qt.views.completeness.proof import Proof

ASK_MS = 15_000
_BAR = 3


class CompletenessView(QWidget):
    """Asks the server every so often while it is looked at."""

    def __init__(self, panel: Panel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._panel = panel
        self._rows: list[Row] = []
        self._asking = False
        self._wanted = ""
        self.trouble = Said()
        self.summary = QLabel(tr("Asking the server what has arrived …"))
        self.summary.setWordWrap(True)
        self.bar = Bar()
        self.filter = QLineEdit()
        self.filter.setPlaceholderText(tr("Filter devices"))
        self.filter.setAccessibleName(tr("Filter devices"))
        self.filter.setClearButtonEnabled(True)
        self.filter.textChanged.connect(self._show)
        self.incomplete = QCheckBox(tr("Only what is not complete"))
        self.incomplete.toggled.connect(self._show)
        self.table = Table(Rows(_columns(), lambda row: (row.device, row.epoch)),
                           tr("Completeness by device"))  # fmt: skip
        self.table.setItemDelegateForColumn(_BAR, BarDelegate(self.table))
        self.table.selected.connect(self._chosen)
        self.table.opened.connect(lambda key: panel.goto(Place(view="devices", subject=key[0])))
        self.empty = Empty(
            tr("No device has sent anything yet."),
            tr("Register a device; what has arrived of its readings is counted here."),
            tr("Go to the devices"),
            lambda: panel.goto(Place(view="devices")),
        )
        self.days = Days(panel)
        self.none = Empty(tr("No device fits."), tr("Change the filter to see others."))
        self.chosen = QLabel()
        self.chosen.setWordWrap(True)
        self.honest = QLabel(wording.honest())
        self.honest.setWordWrap(True)
        self.honest.setEnabled(True)
        self.proof = Proof(panel)
        self._lay_out()
        self._asks = QTimer(self)
        self._asks.timeout.connect(self.ask)
        self._unlisten = panel.events.listen((), lambda _: self.ask() if self.isVisible() else None)

    def shown(self) -> None:
        """Come to the front: look at once, and go on looking."""
        self._asks.start(ASK_MS)
        self.ask()
        self.proof.look()

    def close_down(self) -> None:
        """Ask no more."""
        self._unlisten()
        self._asks.stop()
        self.proof.close_down()

    def show_place(self, subject: str) -> None:
        """Choose the device of that name, as soon as it is known."""
        self._wanted = subject
        self._choose_wanted()

    def showEvent(self, event: QShowEvent) -> None:
        """Go on when the window is no icon any more."""
        super().showEvent(event)
        if event.spontaneous():
            self.shown()

    def hideEvent(self, event: QHideEvent) -> None:
        """Ask nothing while nobody looks."""
        self._asks.stop()
        self.proof.rest()
        super().hideEvent(event)

    def ask(self) -> None:
        """Ask for everything anew."""
        if self._asking:
            return
        self._asking = True
        self._panel.door.ask(
            lambda: self._panel.api.every(route("completeness"), Completeness),
            self._answered,
            self._failed,
            self,
        )

    def _lay_out(self) -> None:
        self.legend, self.tools = Legend(), QWidget()
        tools = QHBoxLayout(self.tools)
        tools.setContentsMargins(0, 0, 0, 0)
        tools.addWidget(self.filter, 1)
        tools.addWidget(self.incomplete)
        self._stack = QStackedLayout()
        both = QSplitter(Qt.Orientation.Vertical)
        both.setChildrenCollapsible(False)
        both.addWidget(self.table)
        both.addWidget(self.days)
        both.setSizes([220, 260])
        self._both = both
        for page in (both, self.empty, self.none):
            self._stack.addWidget(page)
        column = QVBoxLayout(self)
        column.setContentsMargins(*MARGINS)
        column.setSpacing(10)
        column.addWidget(self.trouble)
        column.addWidget(self.proof)
        column.addWidget(self.summary)
        column.addWidget(self.bar)
        column.addWidget(self.legend)
        column.addWidget(self.tools)
        column.addWidget(self.chosen)
        column.addLayout(self._stack, 1)
        column.addWidget(self.honest)

    def _answered(self, found: list[Completeness]) -> None:
        self._asking = False
        self.trouble.clear()
        self._rows = rows(found)
        tally = total(found)
        said = wording.total(tally, len({one.device for one in found}))
        self.summary.setText(said)
        self.bar.show_tally(tally, said)
        for part in (self.bar, self.legend, self.tools, self.honest):
            part.setVisible(bool(found))
        self._show()
        self._choose_wanted()
        self.days.ask()

    def _failed(self, error: ClientError) -> None:
        self._asking = False
        self.trouble.fail(error)

    def _show(self, *_: object) -> None:
        words_wanted = self.filter.text().casefold().split()
        shown = [
            row
            for row in self._rows
            if all(word in row.device.casefold() for word in words_wanted)
            and not (self.incomplete.isChecked() and _fine(row))
        ]
        self.table.show_rows(shown)
        if shown and self.table.chosen() is None:
            self.table.choose((shown[0].device, shown[0].epoch))
        page = self._both if shown else self.none if self._rows else self.empty
        self._stack.setCurrentWidget(page)
        self._chosen()

    def _choose_wanted(self) -> None:
        for row in self._rows:
            if row.device == self._wanted and self.table.choose((row.device, row.epoch)):
                self._wanted = ""
                return

    def _chosen(self) -> None:
        key = self.table.chosen()
        row = next((one for one in self._rows if (one.device, one.epoch) == key), None)
        self.chosen.setText(wording.row(row) if row is not None else "")
        self.chosen.setVisible(row is not None)
        self.days.show_device(row.device if row is not None else "")


def _fine(row: Row) -> bool:
    return row.tally.verdict in {Verdict.COMPLETE, Verdict.EMPTY}


def _columns() -> list[Column]:
    def device(row: Row) -> str:
        return row.device

    def epoch(row: Row) -> str:
        if row.epoch:
            return row.epoch[:8]
        return tr("all {n}").format(n=words.count(row.epochs))

    return [
        Column("device", tr("Device"), device, 150),
        Column("epoch", tr("Epoch"), epoch, 90, tip=lambda row: row.epoch, exact=True),
        Column(
            "verdict", tr("State"), lambda row: wording.verdict_word(row.tally.verdict), 145,
            mark=lambda row: wording.MARKS[row.tally.verdict],
        ),
        Column("bar", tr("Packs"), lambda row: wording.percent(row.tally), 190),
        Column("of", tr("Stored"), lambda row: wording.of(row.tally), 130, right=True),
        Column(
            "percent", tr("Share"), lambda row: wording.percent(row.tally), 75, right=True
        ),
        Column(
            "on_device", tr("On the device"), lambda row: words.count(row.tally.on_device), 100,
            right=True,
        ),
        Column("lost", tr("Lost"), lambda row: words.count(row.tally.lost), 60, right=True),
        Column("missing", tr("Missing"), lambda row: words.count(row.tally.missing), 60,
               right=True),
    ]  # fmt: skip
