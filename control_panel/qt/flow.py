"""Widgets in a row, which goes on in the next row where there is no room."""

from collections.abc import Sequence
from itertools import pairwise

from PySide6.QtCore import QEvent, QPoint, QRect, QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget


class Flow(QWidget):
    """Takes the height that it needs; `arrange` after a widget was hidden or shown."""

    def __init__(self, widgets: Sequence[QWidget], spacing: int = 6) -> None:
        super().__init__()
        self._widgets: Sequence[QWidget] = ()
        self._spacing = spacing
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.hold(widgets)

    def hold(self, widgets: Sequence[QWidget]) -> None:
        """Hold these from now on, in this order, which is that of the Tab key, too."""
        self._widgets = widgets
        for widget in widgets:
            if widget.parent() is not self:
                widget.setParent(self)
                if self.isVisible():  # else they are shown with it, but for those that are hidden
                    widget.show()
        for before, after in pairwise(widgets):
            QWidget.setTabOrder(before, after)
        self.arrange()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Use the width that there is."""
        super().resizeEvent(event)
        self.arrange()

    def event(self, event: QEvent) -> bool:
        """Give a widget its room that needs another now, as by another style."""
        if event.type() == QEvent.Type.LayoutRequest:
            self.arrange()
        return super().event(event)

    def arrange(self) -> None:
        """Put everything in its place; what stands in a row has the same middle."""
        y = 0
        for row in self._rows():
            height = max(size.height() for _, _, size in row)
            for x, widget, size in row:
                widget.setGeometry(QRect(QPoint(x, y + (height - size.height()) // 2), size))
            y += height + self._spacing
        if y and y - self._spacing != self.height():
            self.setFixedHeight(y - self._spacing)

    def _rows(self) -> list[list[tuple[int, QWidget, QSize]]]:
        """Return those that are shown, each with its x and size, row by row."""
        rows: list[list[tuple[int, QWidget, QSize]]] = []
        x = 0
        for widget in self._widgets:
            if widget.isHidden():
                continue
            size = widget.sizeHint().expandedTo(widget.minimumSize())
            size = size.boundedTo(widget.maximumSize())
            if not rows or x + size.width() > self.width():
                rows.append([])
                x = 0
            rows[-1].append((x, widget, size))
            x += size.width() + self._spacing
        return rows
