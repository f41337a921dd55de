"""What a device should do against what it does, and the part of it that can be edited."""

from functools import partial
from typing import NamedTuple

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)
from shiboken6 import isValid

from control_panel.client.api import Api, route
from control_panel.client.errors import ClientError, Refused
from control_panel.model.actions import may
from control_panel.model.desired import SourceRow, Sources, edited, source_rows
from control_panel.model.things import Configuration
from control_panel.qt import words
from control_panel.qt.forms import primary
from control_panel.qt.inline import Said, heading
from control_panel.qt.marks import Mark
from control_panel.qt.panel import Panel
from control_panel.qt.sentences import heard
from control_panel.qt.texts import tr
from control_panel.qt.views.devices import wording

_MARKS = {
    "in step": "running",
    "waiting for the device": "pending",
    "refused": "failed",
    "differs": "warning",
}
_ON = (None, True, False)


class Edited(NamedTuple):
    """What can be edited of a source."""

    on: QComboBox
    interval_s: QDoubleSpinBox


class ConfigurationOf(QWidget):
    """A row for each source: what this device is told, what it should do, what it does."""

    def __init__(self, panel: Panel, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._panel = panel
        self._name = name
        self._configuration: Configuration | None = None
        self.edits: dict[str, Edited] = {}
        self.said = Said()
        self._mark = Mark()
        self._mark.hide()
        self.state = QLabel(tr("Asking the server …"))
        self.state.setWordWrap(True)
        top = QHBoxLayout()
        top.addWidget(self._mark, 0, Qt.AlignmentFlag.AlignTop)
        top.addWidget(self.state, 1)
        self._rows = QWidget()
        self._empty = QLabel(
            tr("This device has not said yet which sources it has; they appear here then.")
        )
        self._empty.setWordWrap(True)
        self._empty.hide()
        self.save = primary(QPushButton(tr("Save")))
        self.save.setAccessibleName(tr("Save what the device should do"))
        self.save.clicked.connect(self._save)
        self.discard = QPushButton(tr("Discard"))
        self.discard.setAccessibleName(tr("Discard what was edited"))
        self.discard.clicked.connect(self._discard)
        buttons = QHBoxLayout()
        buttons.addWidget(self.save)
        buttons.addWidget(self.discard)
        buttons.addStretch(1)
        self._groups = QLabel()
        self._groups.setWordWrap(True)
        self._column = QVBoxLayout(self)
        for part in (self.said, top, self._rows, self._empty, buttons, self._groups):
            if isinstance(part, QWidget):
                self._column.addWidget(part)
            else:
                self._column.addLayout(part)
        self._column.addStretch(1)
        self._judge()

    def ask(self) -> None:
        """Ask how it stands; what is being edited is left alone."""
        self._panel.door.ask(
            partial(self._panel.api.get, route("devices", self._name, "configuration"),
                    Configuration),
            self._came,
            self._failed,
            self,
        )  # fmt: skip

    def refresh(self) -> None:
        """Nothing grows old here."""

    def close_down(self) -> None:
        """Nothing to end."""

    def is_edited(self) -> bool:
        """Whether something was edited and not saved."""
        return self._configuration is not None and self._document() != self._configuration.own

    def _failed(self, error: ClientError) -> None:
        self.said.fail(error)
        if self._configuration is None:
            self.state.setText(tr("Not known."))

    def _came(self, configuration: Configuration) -> None:
        unsaved = self.is_edited()
        before, self._configuration = self._configuration, configuration
        self._mark.show_state(_MARKS.get(configuration.state, "info"))
        self._mark.show()
        reason = ""
        if configuration.state == "refused":
            self.said.clear()  # that it was saved is not what counts any more
            if configuration.reason not in configuration.note:
                reason = f"\n{configuration.reason}"
        self.state.setText(
            f"{_state_name(configuration.state)}: {heard(configuration.note)}{reason}"
        )
        self.state.setAccessibleName(self.state.text())
        groups = ", ".join(one.group for one in configuration.groups)
        self._groups.setText(
            tr("Groups that also say what it should do: {groups}. What is said here wins.").format(
                groups=groups
            )
            if groups
            else ""
        )
        if unsaved and before is not None:
            if before.version != configuration.version:
                self._configuration = before  # its version is refused, and the person told why
            return
        self._build(configuration)

    def _build(self, configuration: Configuration) -> None:
        status = self._panel.live.statuses.get(self._name)
        heard = tuple(one.name for one in status.sources) if status is not None else ()
        rows = source_rows(configuration, heard)
        old, self._rows = self._rows, QWidget()
        grid = QGridLayout(self._rows)
        grid.setContentsMargins(0, 6, 0, 6)
        grid.setHorizontalSpacing(24)
        titles = (tr("Source"), tr("Should be"), tr("Interval, should be"), tr("It is"),
                  tr("Interval, it is"), "")  # fmt: skip
        for number, title in enumerate(titles):
            grid.addWidget(heading(title), 0, number)
        self.edits = {row.name: self._row(grid, number + 1, row) for number, row in enumerate(rows)}
        grid.setColumnStretch(len(titles), 1)
        self._rows.setVisible(bool(rows))
        self._empty.setVisible(not rows)
        self._column.replaceWidget(old, self._rows)
        old.hide()
        old.deleteLater()
        self._judge()

    def _row(self, grid: QGridLayout, number: int, row: SourceRow) -> Edited:
        on = QComboBox()
        on.addItems([_inherited(row.own_on, _on(row.desired_on)), tr("on"), tr("off")])
        on.setCurrentIndex(_ON.index(row.own_on))
        on.setAccessibleName(tr("{source}: should it be on").format(source=row.name))
        interval = QDoubleSpinBox()
        interval.setDecimals(3)
        interval.setRange(0, 31_536_000)
        interval.setSuffix(" s")
        interval.setStepType(QDoubleSpinBox.StepType.AdaptiveDecimalStepType)
        from_group = None if row.own_interval_s is not None else row.desired_interval_s
        interval.setSpecialValueText(
            tr("as it is set up")
            if from_group is None
            else tr("{n} s, from a group").format(n=words.number(from_group))
        )
        interval.setValue(row.own_interval_s or 0)
        interval.setMinimumWidth(150)
        interval.setAccessibleName(tr("{source}: interval in seconds").format(source=row.name))
        differs = QLabel(tr("does otherwise") if row.differs else "")
        cells: tuple[QWidget, ...] = (
            QLabel(row.name), on, interval, QLabel(_on(row.on)),
            QLabel(_seconds(row.interval_s)), differs,
        )  # fmt: skip
        for column, cell in enumerate(cells):
            grid.addWidget(cell, number, column)
        for field in (on, interval):
            if not may(self._panel.role, "operator"):
                field.setEnabled(False)
                field.setToolTip(wording.need(self._panel.role, "operator"))
        on.currentIndexChanged.connect(self._judge)
        interval.valueChanged.connect(self._judge)
        return Edited(on, interval)

    def _document(self) -> Sources:
        assert self._configuration is not None
        document = self._configuration.own
        for name, fields in self.edits.items():
            interval = fields.interval_s.value() or None
            document = edited(document, name, _ON[fields.on.currentIndex()], interval)
        return document

    def _judge(self, _: object = None) -> None:
        allowed = may(self._panel.role, "operator")
        for button in (self.save, self.discard):
            button.setEnabled(allowed and self.is_edited())
            button.setToolTip("" if allowed else wording.need(self._panel.role, "operator"))

    def _discard(self) -> None:
        if self._configuration is not None:
            self._build(self._configuration)
            self.said.clear()
            self.ask()

    def _save(self) -> None:
        assert self._configuration is not None
        document, before = self._document(), self._configuration
        api, path = self._panel.api, route("devices", self._name, "configuration")
        self.save.setEnabled(False)

        def saved(now: Configuration) -> None:
            self._configuration = now
            self._build(now)
            self._came(now)
            self.said.say(tr("Saved."), "good")
            self._panel.history.add(
                tr("{device} was told what to do").format(device=self._name),
                partial(self._take_back, before.own),
            )

        def failed(error: ClientError) -> None:
            if isinstance(error, Refused) and error.changed_meanwhile:
                self.said.say(
                    tr("Somebody else has changed this meanwhile; nothing was saved."),
                    "warning",
                    tr("Show theirs"),
                    self._discard,
                )
            else:
                self.said.fail(error)
            self._judge()

        self._panel.door.ask(
            lambda: api.put(path, Configuration, {"sources": document}, seen=before.version),
            saved,
            failed,
            self,
        )

    def _take_back(self, own: Sources) -> None:
        self._panel.door.ask(
            partial(_put_back, self._panel.api, self._name, own),
            lambda _: self.ask() if isValid(self) else None,
            lambda error: self.said.fail(error) if isValid(self) else None,
            self._panel.door,  # which is there also when this page is closed
        )


def _put_back(api: Api, name: str, own: Sources) -> Configuration:
    path = route("devices", name, "configuration")
    now = api.get(path, Configuration)
    return api.put(path, Configuration, {"sources": own}, seen=now.version)


def _state_name(state: str) -> str:
    return {
        "in step": tr("In step"),
        "waiting for the device": tr("Waiting for the device"),
        "refused": tr("The device refuses"),
        "differs": tr("The device does otherwise"),
    }.get(state, state)


def _on(on: bool | None) -> str:
    return wording.DASH if on is None else tr("on") if on else tr("off")


def _seconds(seconds: float | None) -> str:
    return wording.DASH if seconds is None else tr("{n} s").format(n=words.number(seconds))


def _inherited(own: object, desired: str) -> str:
    if own is not None or desired == wording.DASH:
        return tr("as it is set up")
    return tr("{on}, from a group").format(on=desired)
