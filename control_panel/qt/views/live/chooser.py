"""The tree of devices and their channels, with units and newest values, to choose from."""

import time
from collections import deque
from collections.abc import Callable, Collection
from functools import partial

from PySide6.QtCore import QPoint, QSortFilterProxyModel, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QHeaderView, QLineEdit, QMenu, QTreeView, QVBoxLayout, QWidget

from control_panel.model.layouts import Curve
from control_panel.model.live import Changes, Key, Live
from control_panel.model.units import written
from control_panel.qt.readings import short_text
from control_panel.qt.texts import tr

_KEY = Qt.ItemDataRole.UserRole
_REFRESH_MS, _SOON_MS = 500, 50
_BUDGET_S = 0.015
"""So long the window may be busy with it; what is left waits for the next time."""


class Chooser(QWidget):
    """Channels with a tick each; Enter or Space ticks the one that has the focus.

    A device's tick ticks all its channels. The menu of a channel puts it onto a chart.
    """

    chosen_changed = Signal()
    move_wanted = Signal(object, int)
    """A curve, and the number of the chart that it is to be on."""

    def __init__(
        self, live: Live, charts: Callable[[], list[str]] = list, parent: QWidget | None = None
    ) -> None:
        """`charts`: what the charts that there are now are called."""
        super().__init__(parent)
        self._live = live
        self._charts = charts
        self._new: deque[Key] = deque()
        self._changed: set[Key] = set()
        self._devices: dict[str, QStandardItem] = {}
        self._rows: dict[Key, tuple[QStandardItem, QStandardItem]] = {}
        self.model = QStandardItemModel(0, 2)
        self.model.setHorizontalHeaderLabels([tr("Channel"), tr("Newest")])
        self._proxy = QSortFilterProxyModel()
        self._proxy.setSourceModel(self.model)
        self._proxy.setRecursiveFilteringEnabled(True)
        self._proxy.setAutoAcceptChildRows(True)
        self._proxy.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self._proxy.sort(0)
        self.filter = QLineEdit()
        self.filter.setPlaceholderText(tr("Filter devices and channels"))
        self.filter.setAccessibleName(tr("Filter devices and channels"))
        self.filter.setClearButtonEnabled(True)
        self.filter.textChanged.connect(self._filter)
        self.tree = QTreeView()
        self.tree.setModel(self._proxy)
        self.tree.setAccessibleName(tr("Channels to draw"))
        self.tree.setUniformRowHeights(True)
        self.tree.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.tree.customContextMenuRequested.connect(self._open_menu)
        header = self.tree.header()
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setStretchLastSection(False)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        self.model.horizontalHeaderItem(1).setTextAlignment(
            Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(self.filter)
        column.addWidget(self.tree)
        # A device's tick changes many: that is one change.
        self._told = QTimer(self, singleShot=True, interval=0)
        self._told.timeout.connect(self.chosen_changed)
        self._refreshing = QTimer(self, interval=_REFRESH_MS)
        self._refreshing.timeout.connect(self.refresh)
        self._refreshing.start()
        known = frozenset({*live.newest, *live.described})
        self._take(Changes(known, known, frozenset()))
        self.refresh()
        self.model.itemChanged.connect(self._item_changed)
        self._end = live.listen(self._take)

    def stop(self) -> None:
        """Listen no more."""
        self._refreshing.stop()
        self._end()

    def chosen(self) -> list[Curve]:
        """Return the ticked channels, in the order of the tree."""
        return [
            Curve(*key)
            for key, (name, _) in sorted(self._rows.items())
            if name.checkState() is Qt.CheckState.Checked
        ]

    def choose(self, key: Key, chosen: bool = True) -> None:
        """Tick a channel, or take its tick away."""
        state = Qt.CheckState.Checked if chosen else Qt.CheckState.Unchecked
        self._rows[key][0].setCheckState(state)

    def show_chosen(self, keys: Collection[Key]) -> None:
        """Tick these channels and no others; nobody is told."""
        for key in sorted(set(keys) - self._rows.keys()):
            self._add(key)  # of a layout; nobody has heard of it yet
        self.model.itemChanged.disconnect(self._item_changed)
        for key, (name, _) in self._rows.items():
            state = Qt.CheckState.Checked if key in keys else Qt.CheckState.Unchecked
            if name.checkState() is not state:
                name.setCheckState(state)
        for item in self._devices.values():
            self._show_part(item)
        self.model.itemChanged.connect(self._item_changed)
        for device in {device for device, _ in keys}:
            self.expand(device)

    def expand(self, device: str) -> None:
        """Show a device's channels."""
        item = self._devices.get(device)
        if item is not None:
            self.tree.expand(self._proxy.mapFromSource(item.index()))

    def channels_of(self, device: str) -> list[Key]:
        """Return a device's channels in their order."""
        return sorted(key for key in self._rows if key[0] == device)

    def refresh(self) -> None:
        """Show new channels and newest values; of very many some wait for the next time."""
        self._add_new()
        self._refreshing.setInterval(_SOON_MS if self._new else _REFRESH_MS)
        end = time.perf_counter() + _BUDGET_S
        while self._changed and time.perf_counter() < end:
            key = self._changed.pop()
            if key in self._rows and (newest := self._live.newest.get(key)) is not None:
                self._rows[key][1].setText(short_text(newest.value, self._live.unit(*key)))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape empties the filter."""
        if event.key() == Qt.Key.Key_Escape and self.filter.text():
            self.filter.clear()
        else:
            super().keyPressEvent(event)

    def _filter(self, text: str) -> None:
        self._proxy.setFilterFixedString(text)
        if text:
            self.tree.expandAll()

    def _take(self, changes: Changes) -> None:
        self._new.extend(sorted(changes.added))
        self._changed |= changes.channels | changes.added
        self._add_new()

    def _add_new(self) -> None:
        end = time.perf_counter() + _BUDGET_S
        while self._new and time.perf_counter() < end:
            if (key := self._new.popleft()) not in self._rows:
                self._add(key)

    def _add(self, key: Key) -> None:
        device, channel = key
        parent = self._devices.get(device)
        if parent is None:
            parent = self._devices[device] = _item(device)
            parent.setCheckable(True)
            self.model.appendRow(parent)
        described = self._live.described.get(key)
        name = _item(channel)
        name.setCheckable(True)
        name.setData(key, _KEY)
        if described is not None and described.label:
            name.setToolTip(described.label)
        row = name, _item(written(self._live.unit(*key)))
        row[1].setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        parent.appendRow(list(row))
        self._rows[key] = row

    def _item_changed(self, item: QStandardItem) -> None:
        if not item.isCheckable():
            return
        self.model.itemChanged.disconnect(self._item_changed)
        if item.data(_KEY) is None:
            if item.checkState() is not Qt.CheckState.PartiallyChecked:
                for row in range(item.rowCount()):
                    item.child(row).setCheckState(item.checkState())
        else:
            self._show_part(item.parent())
        self.model.itemChanged.connect(self._item_changed)
        self._told.start()

    def _show_part(self, device: QStandardItem) -> None:
        states = {device.child(row).checkState() for row in range(device.rowCount())}
        state = states.pop() if len(states) == 1 else Qt.CheckState.PartiallyChecked
        if device.checkState() is not state:
            device.setCheckState(state)

    def _open_menu(self, at: QPoint) -> None:
        index = self.tree.indexAt(at)
        key = index.siblingAtColumn(0).data(_KEY)
        if key is None:
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        names = self._charts()
        for number, name in enumerate([*names, tr("a new chart")]):
            menu.addAction(
                tr("Draw it on {chart}").format(chart=name),
                partial(self.move_wanted.emit, Curve(*key), number),
            )
        menu.popup(self.tree.viewport().mapToGlobal(at))


def _item(text: str) -> QStandardItem:
    item = QStandardItem(text)
    item.setEditable(False)
    return item
