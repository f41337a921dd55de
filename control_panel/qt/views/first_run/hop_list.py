"""The way to the newest row, hop by hop, each with a tick or the reason."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel

from control_panel.client.hops import Hop
from control_panel.qt.inline import heading
from control_panel.qt.marks import Mark
from control_panel.qt.sentences import heard
from control_panel.qt.texts import tr


def _titles() -> dict[str, str]:
    return {
        "name": tr("Name"), "connection": tr("Network"), "certificate": tr("Certificate"),
        "login": tr("Login"), "clock": tr("Clock"), "broker": tr("Live readings"),
        "newest row": tr("Newest row"),
    }  # fmt: skip


class HopList(QFrame):
    """Shows what is still to come, what is being tried, and what was found."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("card")
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(16, 12, 16, 12)
        self._grid.setColumnStretch(2, 1)
        self._grid.setHorizontalSpacing(12)
        self._grid.addWidget(heading(tr("The way to the newest row")), 0, 0, 1, 3)
        self._rows: dict[str, tuple[Mark, QLabel]] = {}
        titles = _titles()
        for number, name in enumerate(titles, 1):
            mark, said = Mark(), QLabel()
            said.setWordWrap(True)
            said.setTextFormat(Qt.TextFormat.PlainText)
            self._grid.addWidget(mark, number, 0, Qt.AlignmentFlag.AlignTop)
            self._grid.addWidget(QLabel(titles[name]), number, 1, Qt.AlignmentFlag.AlignTop)
            self._grid.addWidget(said, number, 2)
            self._rows[name] = (mark, said)

    def begin(self, names: Sequence[str]) -> None:
        """Nothing is known yet; the first is being tried."""
        for name in names:
            mark, said = self._rows[name]
            mark.show_state("")
            said.setText("")
        self._try(names[0])
        self.show()

    def tell(self, hop: Hop) -> None:
        """Show what was found, and that the next is being tried."""
        mark, said = self._rows[hop.name]
        mark.show_state("done" if hop.good else "failed")
        said.setText(heard(hop.said) if hop.good else f"{heard(hop.said)}. {heard(hop.fix)}")
        names = list(self._rows)
        following = names[names.index(hop.name) + 1 :]
        if following and (hop.good or hop.name == "clock"):
            self._try(following[0])

    def said(self, name: str) -> str:
        """Return what was found at a hop."""
        return self._rows[name][1].text()

    def _try(self, name: str) -> None:
        mark, said = self._rows[name]
        mark.show_state("starting")
        said.setText(tr("trying …"))
