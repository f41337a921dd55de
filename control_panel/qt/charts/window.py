"""Where the length of time is chosen that charts show, and whether they stand still."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QPushButton, QSizePolicy, QWidget

from control_panel.model.layouts import SPANS_S
from control_panel.model.span import Span
from control_panel.qt.texts import tr


class WindowBar(QWidget):
    """A choice of lengths from 10 s to 24 h, and the button that pauses."""

    chosen = Signal(object)
    """A length in µs."""
    held = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.length = QComboBox()
        self.length.setAccessibleName(tr("Time shown"))
        self.length.setToolTip(tr("Time shown"))
        for span_s in SPANS_S:
            self.length.addItem(span_text(span_s), span_s)
        self.length.addItem("", 0)
        self.length.activated.connect(self._choose)
        self.hold = QPushButton()
        self.hold.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.hold.setCheckable(True)
        self.hold.clicked.connect(self.held)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.length)
        row.addWidget(self.hold)

    def show_span(self, span: Span) -> None:
        """Show a length, also one that is not among the choices, and whether it stands still."""
        span_s = span.length_us / 1e6
        other = self.length.count() - 1
        row = SPANS_S.index(int(span_s)) if span_s in SPANS_S else other
        if row == other:
            self.length.setItemText(other, span_text(span_s))
        self.length.setCurrentIndex(row)
        self.hold.setChecked(not span.follows)
        self.hold.setText(tr("Pause") if span.follows else tr("Go on"))

    def _choose(self, row: int) -> None:
        span_s = self.length.itemData(row)
        if span_s:
            self.chosen.emit(round(span_s * 1_000_000))


def span_text(span_s: float) -> str:
    """Return a length of time in words."""
    if span_s >= 3600:
        return tr("{count} h").format(count=f"{span_s / 3600:.3g}")
    if span_s >= 60:
        return tr("{count} min").format(count=f"{span_s / 60:.3g}")
    return tr("{count} s").format(count=f"{span_s:.3g}")
