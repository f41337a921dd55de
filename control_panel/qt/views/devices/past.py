"""How a device's status has changed, and who did what with it."""

from functools import partial
from typing import Any

import msgspec
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from control_panel.client.api import route
from control_panel.model.actions import may
from control_panel.model.things import Act, Page, StatusChange
from control_panel.qt import words
from control_panel.qt.inline import Said
from control_panel.qt.panel import Panel
from control_panel.qt.rows import Column, Rows, Table
from control_panel.qt.sentences import heard
from control_panel.qt.statuses import MARKS, status_word
from control_panel.qt.texts import tr
from control_panel.qt.views.devices import wording

_SHOWN = 500


class Lasted(msgspec.Struct, frozen=True):
    """A status, and for how long it was so; None: it still is."""

    change: StatusChange
    lasted_s: float | None


class StatusHistory(QWidget):
    """The newest change first."""

    def __init__(self, panel: Panel, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._panel = panel
        self._path = route("devices", name, "status-history")
        self.said = Said()
        self.table = Table(
            Rows(self._columns(), lambda one: one.change.since), tr("Status history")
        )
        self.empty = QLabel(tr("Its status has not changed yet."))
        _lay_out(self, self.said, self.table, self.empty)

    def ask(self) -> None:
        """Ask for the newest changes."""
        self._panel.door.ask(
            partial(self._panel.api.get, self._path, Page[StatusChange], {"limit": _SHOWN}),
            self._came,
            self.said.fail,
            self,
        )

    def refresh(self) -> None:
        """Let the age of the newest grow."""
        self.table.viewport().update()

    def close_down(self) -> None:
        """Nothing to end."""

    def _came(self, page: Page[StatusChange]) -> None:
        self.said.clear()
        ends = [None, *(one.since for one in page.items)]
        rows = [
            Lasted(one, None if end is None else (end - one.since).total_seconds())
            for one, end in zip(page.items, ends, strict=False)
        ]
        self.table.show_rows(rows)
        self.empty.setVisible(not rows)
        self.table.setVisible(bool(rows))

    def _columns(self) -> list[Column]:
        def lasted(one: Lasted) -> str:
            if one.lasted_s is not None:
                return words.span(one.lasted_s)
            age = (self._panel.clock() - one.change.since).total_seconds()
            return tr("{span} so far").format(span=words.span(age))

        return [
            Column("since", tr("Since"), lambda one: words.moment(one.change.since), 165),
            Column("status", tr("Status"), lambda one: status_word(one.change.status), 150,
                   mark=lambda one: MARKS.get(one.change.status, "over")),
            Column("lasted", tr("For"), lasted, 130),
            Column("reason", tr("Reason"), lambda one: heard(one.change.reason), 400),
        ]  # fmt: skip


class Audit(QWidget):
    """Who did what with this device, the newest first; for operators and administrators."""

    def __init__(self, panel: Panel, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._panel = panel
        self._subject = f"device/{name}"
        self.said = Said()
        self.table = Table(Rows(self._columns(), lambda one: one.id), tr("Audit"))
        self._allowed = may(panel.role, "operator")
        self.empty = QLabel(
            tr("Nobody has done anything with it yet.")
            if self._allowed
            else tr("Who did what is seen by operators and administrators.")
        )
        _lay_out(self, self.said, self.table, self.empty)

    def ask(self) -> None:
        """Ask for the newest entries."""
        if self._allowed:
            query: dict[str, str | int] = {"subject": self._subject, "limit": _SHOWN}
            self._panel.door.ask(
                partial(self._panel.api.get, route("audit"), Page[Act], query),
                self._came,
                self.said.fail,
                self,
            )

    def refresh(self) -> None:
        """Nothing grows old here."""

    def close_down(self) -> None:
        """Nothing to end."""

    def _came(self, page: Page[Act]) -> None:
        self.said.clear()
        self.table.show_rows(page.items)
        self.empty.setVisible(not page.items)
        self.table.setVisible(bool(page.items))

    def _columns(self) -> list[Column]:
        return [
            Column("time", tr("Time"), lambda one: words.moment(one.time), 165),
            Column("person", tr("Who"), lambda one: one.person, 130),
            Column("action", tr("What"), lambda one: one.action, 170),
            Column("change", tr("Change"), change, 420),
            Column("address", tr("From"), lambda one: one.address, 110),
        ]  # fmt: skip


def change(act: Act) -> str:
    """Return what an act has changed, as `key: before → after`."""
    before, after = act.before or {}, act.after or {}
    parts = []
    for key in {**before, **after}:
        old, new = before.get(key), after.get(key)
        if old == new:
            continue
        if key in before and key in after:
            parts.append(f"{key}: {_short(old)} → {_short(new)}")
        else:
            parts.append(f"{key}: {_short(new if key in after else old)}")
    return ", ".join(parts)


def _short(value: Any) -> str:
    if value is None or value in ("", [], {}):
        return wording.DASH
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _lay_out(widget: QWidget, said: Said, table: Table, empty: QLabel) -> None:
    column = QVBoxLayout(widget)
    column.addWidget(said)
    column.addWidget(table, 1)
    column.addWidget(empty)
    column.addStretch(0)
    table.hide()
