"""A list of values as a table: each column says how it makes its text of a value."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, NamedTuple

from PySide6.QtCore import (
    QAbstractTableModel,
    QEvent,
    QItemSelectionModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRectF,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QColor,
    QFontDatabase,
    QGuiApplication,
    QIcon,
    QKeyEvent,
    QPainter,
    QPixmap,
    QShowEvent,
)
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from control_panel.qt.marks import draw_mark, tints_of

Index = QModelIndex | QPersistentModelIndex
_MARK = 14


class Column(NamedTuple):
    """A column: what is in it of a row, and how it looks; `stale` greys the cell."""

    id: str
    title: str
    text: Callable[[Any], str]
    width: int = 120
    mark: Callable[[Any], str | None] | None = None
    tip: Callable[[Any], str] | None = None
    stale: Callable[[Any], bool] | None = None
    right: bool = False
    exact: bool = False
    """Written in letters of one width."""


class Rows(QAbstractTableModel):
    """The rows that are shown; `key` tells one from another when they change."""

    def __init__(
        self,
        columns: Sequence[Column],
        key: Callable[[Any], Hashable],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.columns = tuple(columns)
        self.rows: Sequence[Any] = ()
        self._key = key
        self._icons: dict[tuple[str, int], QIcon] = {}

    def key(self, row: int) -> Hashable:
        """Return by what a row is told from others."""
        return self._key(self.rows[row])

    def show(self, rows: Sequence[Any]) -> bool:
        """Show these rows; return whether they are others than before or in another order."""
        before = [self._key(row) for row in self.rows]
        after = [self._key(row) for row in rows]
        if before == after:
            changed = [
                number
                for number, (old, new) in enumerate(zip(self.rows, rows, strict=True))
                if old != new
            ]
            self.rows = rows
            if changed:
                last = len(self.columns) - 1
                self.dataChanged.emit(self.index(changed[0], 0), self.index(changed[-1], last))
            return False
        self.beginResetModel()
        self.rows = rows
        self.endResetModel()
        return True

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 -- Qt's own default
        """Return how many there are."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """Return how many columns there are."""
        return 0 if parent.isValid() else len(self.columns)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Return a column's title."""
        if orientation is Qt.Orientation.Vertical or not 0 <= section < len(self.columns):
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self.columns[section].title
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(self.columns[section])
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what a cell holds and how it looks."""
        if not index.isValid():
            return None
        row, column = self.rows[index.row()], self.columns[index.column()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return column.text(row)
            case Qt.ItemDataRole.TextAlignmentRole:
                return _alignment(column)
            case Qt.ItemDataRole.DecorationRole:
                return self._icon(column.mark(row)) if column.mark is not None else None
            case Qt.ItemDataRole.ToolTipRole:
                return column.tip(row) if column.tip is not None else column.text(row)
            case Qt.ItemDataRole.AccessibleTextRole:
                return f"{column.title}: {column.text(row)}"
            case Qt.ItemDataRole.FontRole if column.exact:
                return QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
            case Qt.ItemDataRole.ForegroundRole if column.stale is not None and column.stale(row):
                return QColor(tints_of(QGuiApplication.palette()).off)
        return None

    def _icon(self, state: str | None) -> QIcon | None:
        if state is None:
            return None
        palette = QGuiApplication.palette()
        known = state, int(palette.cacheKey())
        if known not in self._icons:
            self._icons[known] = mark_icon(state)
        return self._icons[known]


def mark_icon(state: str) -> QIcon:
    """Draw the mark of a state as an icon in the colours of the application."""
    ratio = max((screen.devicePixelRatio() for screen in QGuiApplication.screens()), default=1.0)
    picture = QPixmap(round(_MARK * ratio), round(_MARK * ratio))
    picture.setDevicePixelRatio(ratio)
    picture.fill(Qt.GlobalColor.transparent)
    with QPainter(picture) as painter:
        draw_mark(painter, state, QRectF(0, 0, _MARK, _MARK), QGuiApplication.palette())
    icon = QIcon(picture)
    # On the colour of the selection the mark takes the colour of its text.
    chosen = QPixmap(picture)
    with QPainter(chosen) as painter:
        painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceIn)
        painter.fillRect(chosen.rect(), QGuiApplication.palette().highlightedText())
    icon.addPixmap(chosen, QIcon.Mode.Selected)
    return icon


def _alignment(column: Column) -> int:
    side = Qt.AlignmentFlag.AlignRight if column.right else Qt.AlignmentFlag.AlignLeft
    return int(side | Qt.AlignmentFlag.AlignVCenter)


class Table(QTableView):
    """Shows rows; Enter and a double click open one. What was selected stays so when rows move."""

    opened = Signal(object)
    """The key of the row."""
    selected = Signal()

    def __init__(
        self, model: Rows, name: str, parent: QWidget | None = None, *, many: bool = False
    ) -> None:
        """`many` lets more than one row be selected."""
        super().__init__(parent)
        self.rows = model
        model.setParent(self)
        self.setModel(model)
        self.setAccessibleName(name)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        modes = QAbstractItemView.SelectionMode
        self.setSelectionMode(modes.ExtendedSelection if many else modes.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setShowGrid(False)
        self.setAlternatingRowColors(True)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 12)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setStretchLastSection(True)
        for number, column in enumerate(model.columns):
            self.setColumnWidth(number, column.width)
        self.doubleClicked.connect(self._open)
        self.selectionModel().selectionChanged.connect(lambda *_: self.selected.emit())

    def show_rows(self, rows: Sequence[Any]) -> None:
        """Show these; what was selected stays selected if it is among them."""
        chosen, others = self.chosen(), self.all_chosen()
        at = self.verticalScrollBar().value()
        if self.rows.show(rows) and chosen is not None:
            self.setAutoScroll(False)  # whoever has scrolled elsewhere stays there
            self.choose(chosen, *others)
            self.setAutoScroll(True)
            self.verticalScrollBar().setValue(at)

    def chosen(self) -> Hashable | None:
        """Return the key of the selected row."""
        index = self.currentIndex()
        return self.rows.key(index.row()) if index.isValid() else None

    def all_chosen(self) -> list[Hashable]:
        """Return the keys of all selected rows, from the top."""
        return [
            self.rows.key(number)
            for number in sorted(one.row() for one in self.selectionModel().selectedRows())
        ]

    def choose(self, key: Hashable, *others: Hashable) -> bool:
        """Select the row of a key, and those of others; return whether it is there."""
        flags = QItemSelectionModel.SelectionFlag
        wanted, found = set(others), False
        selection = self.selectionModel()
        for number in range(len(self.rows.rows)):
            if self.rows.key(number) == key:
                index = self.rows.index(number, 0)
                selection.setCurrentIndex(index, flags.ClearAndSelect | flags.Rows)
                found = True
                break
        for number in range(len(self.rows.rows)) if wanted - {key} else ():
            if self.rows.key(number) in wanted:
                selection.select(self.rows.index(number, 0), flags.Select | flags.Rows)
        return found

    def widths(self) -> dict[str, int]:
        """Return how wide each column is."""
        return {one.id: self.columnWidth(n) for n, one in enumerate(self.rows.columns)}

    def set_widths(self, widths: Iterable[tuple[str, object]]) -> None:
        """Take widths of columns as they were kept; what is no width is passed over."""
        ids = [column.id for column in self.rows.columns]
        for name, width in widths:
            if name in ids and isinstance(width, int) and 20 <= width <= 2000:
                self.setColumnWidth(ids.index(name), width)
        if self.isVisible():
            self._fit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter opens the selected row."""
        if event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            self._open(self.currentIndex())
        else:
            super().keyPressEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        """See that every title can be read, and that the last column leaves room for the others."""
        super().showEvent(event)
        self._fit()

    def changeEvent(self, event: QEvent) -> None:
        """Marks are drawn in the colours of the scheme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.viewport().update()

    def _fit(self) -> None:
        """Make no column narrower than its title, and the last as narrow as that."""
        header = self.horizontalHeader()
        last = len(self.rows.columns) - 1
        header.setStretchLastSection(False)
        for number in range(last + 1):
            title = header.sectionSizeHint(number)
            wanted = 0 if number == last else self.columnWidth(number)
            self.setColumnWidth(number, max(title, wanted))
        header.setStretchLastSection(True)

    def _open(self, index: QModelIndex) -> None:
        if index.isValid():
            self.opened.emit(self.rows.key(index.row()))
