"""A rule in fields: what is wrong is said beside each, and it can be tried before it is kept."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QFrame,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from control_panel.model.alerts import KINDS, SEVERITIES, Draft, check
from control_panel.model.things import Preview, WouldHaveFired
from control_panel.qt import words
from control_panel.qt.flow import Flow
from control_panel.qt.forms import primary
from control_panel.qt.inline import Said, heading
from control_panel.qt.marks import tints_of
from control_panel.qt.rows import Column, Rows, Table
from control_panel.qt.texts import tr
from control_panel.qt.views.alerts import wording

DAYS = 7


class RuleEditor(QWidget):
    """Fields of one rule; tells when it is to be kept, tried or taken away."""

    kept = Signal(object)
    tried = Signal(object)
    deleted = Signal()
    left = Signal()

    def __init__(self, clock: Callable[[], datetime]) -> None:
        super().__init__()
        self._new = True
        self._touched: set[str] = set()
        self.fields: dict[str, QLineEdit] = {}
        self.choices: dict[str, QComboBox] = {}
        self.complaints: dict[str, QLabel] = {}
        self._labels: dict[str, QLabel] = {}
        self._rows: dict[str, QWidget] = {}
        self.title = heading("")
        self.enabled = QCheckBox(tr("Watch for it"))
        self.said = Said()
        self.preview = QLabel()
        self.preview.setWordWrap(True)
        self.latest = Table(
            Rows(_columns(clock), lambda one: (one.device, one.channel, one.began)),
            tr("When it would have fired"),
        )
        self.latest.setMinimumHeight(110)
        self.try_it = QPushButton(tr("Try it on the last {days} days").format(days=DAYS))
        self.keep = primary(QPushButton(tr("Save")))
        self.leave = QPushButton(tr("Cancel"))
        self.delete = QPushButton(tr("Delete"))
        self.delete.setAccessibleName(tr("Delete this rule"))
        self.try_it.clicked.connect(self._try)
        self.keep.clicked.connect(self._keep)
        self.leave.clicked.connect(self.left)
        self.delete.clicked.connect(self.deleted)
        self._lay_out()
        self.show_draft(Draft(), new=True)

    def show_draft(self, draft: Draft, *, new: bool) -> None:
        """Begin to edit a rule."""
        self._new, self._touched = new, set()
        self.title.setText(tr("New rule") if new else tr("Rule {name}").format(name=draft.name))
        self.delete.setVisible(not new)
        self._buttons.arrange()
        for name, field in self.fields.items():
            field.setText(getattr(draft, name))
        for name, choice in self.choices.items():
            choice.setCurrentIndex(choice.findData(getattr(draft, name)))
        self.enabled.setChecked(draft.enabled)
        self.said.clear()
        self._forget_preview()
        self._look()

    def draft(self) -> Draft:
        """Return what stands in the fields."""
        return Draft(
            enabled=self.enabled.isChecked(),
            **{name: field.text() for name, field in self.fields.items()},
            **{name: choice.currentData() for name, choice in self.choices.items()},
        )

    def show_preview(self, found: Preview) -> None:
        """Show how often it would have fired."""
        self.preview.setText(wording.preview(found, DAYS))
        self.preview.setAccessibleName(self.preview.text())
        self.latest.show_rows(found.latest)
        self.latest.setVisible(bool(found.latest))
        self._look()

    def waiting(self, text: str) -> None:
        """Say that the server is asked."""
        self.said.clear()
        self.preview.setText(text)
        self.keep.setEnabled(False)
        self.try_it.setEnabled(False)

    def fail(self, error: Any) -> None:
        """Say what went wrong."""
        self.said.fail(error)
        self._forget_preview()
        self._look()

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        form.setVerticalSpacing(6)
        form.setHorizontalSpacing(14)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        every = tr("every one; * and ? stand for others")
        self._field(form, "name", tr("Name"), tr("such as: too much gas"))
        self._choice(form, "kind", tr("Fires at"), [(one, wording.kind_word(one)) for one in KINDS])
        self._choice(
            form, "direction", tr("Side"),
            [("above", tr("above the threshold")), ("below", tr("below the threshold"))],
        )  # fmt: skip
        self._field(form, "threshold", tr("Threshold"), "50")
        self._field(form, "clear_at", tr("Over again at"), tr("the threshold"))
        self._field(form, "window_s", tr("Over"), "10 min")
        self._field(form, "for_s", tr("For at least"), tr("at once; such as 30 s, 10 min, 2 h"))
        self._field(form, "device", tr("Device"), every)
        self._field(form, "channel", tr("Channel"), every)
        self._field(form, "site", tr("Site"), every)
        self._choice(
            form, "severity", tr("Severity"),
            [(one, wording.severity_word(one)) for one in SEVERITIES],
        )  # fmt: skip
        form.addRow("", self.enabled)
        self.enabled.toggled.connect(self._edited)
        self._buttons = Flow([self.keep, self.try_it, self.leave, self.delete])
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(12, 0, 4, 0)
        column.addWidget(self.title)
        column.addLayout(form)
        column.addWidget(self._buttons)
        column.addWidget(self.said)
        column.addWidget(self.preview)
        column.addWidget(self.latest, 1)
        column.addStretch(0)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidget(inner)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setAccessibleName(tr("Rule"))
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(scroll)

    def _field(self, form: QFormLayout, name: str, text: str, hint: str) -> None:
        field = self.fields[name] = QLineEdit()
        field.setPlaceholderText(hint)
        field.setAccessibleName(text)
        field.textEdited.connect(self._edited)
        field.editingFinished.connect(lambda: self._finished(name))
        complaint = self.complaints[name] = QLabel()
        complaint.setWordWrap(True)
        complaint.hide()
        holder = self._rows[name] = QWidget()
        column = QVBoxLayout(holder)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(field)
        column.addWidget(complaint)
        label = self._labels[name] = QLabel(text)
        label.setBuddy(field)
        form.addRow(label, holder)

    def _choice(
        self, form: QFormLayout, name: str, text: str, items: list[tuple[str, str]]
    ) -> None:
        choice = self.choices[name] = QComboBox()
        choice.setAccessibleName(text)
        for data, shown in items:
            choice.addItem(shown, data)
        choice.currentIndexChanged.connect(self._edited)
        label = self._labels[name] = QLabel(text)
        label.setBuddy(choice)
        self._rows[name] = choice
        form.addRow(label, choice)

    def _finished(self, name: str) -> None:
        self._touched.add(name)
        self._look()

    def _edited(self, *_: object) -> None:
        if self.preview.text():
            self._forget_preview()
        self._look()

    def _forget_preview(self) -> None:
        self.preview.clear()
        self.latest.show_rows(())
        self.latest.hide()

    def _look(self) -> None:
        """Show the fields of this kind, and what is wrong with those that were filled in."""
        draft = self.draft()
        silence = draft.kind == "no data"
        for name in ("direction", "threshold", "clear_at"):
            self._show_row(name, not silence)
        self._show_row("window_s", draft.kind != "threshold")
        self._labels["window_s"].setText(tr("Silent for") if silence else tr("Measured over"))
        _, wrong = check(draft)
        colour = tints_of(self.palette()).bad
        for name, complaint in self.complaints.items():
            shown = name in wrong and (name in self._touched or bool(self.fields[name].text()))
            text = wording.wrong(wrong[name]) if shown else ""
            complaint.setText(text)
            complaint.setStyleSheet(f"color: {colour}")
            complaint.setVisible(shown)
            self.fields[name].setAccessibleDescription(text)
        self.keep.setEnabled(not wrong)
        self.try_it.setEnabled(not wrong)
        why = "" if not wrong else tr("Something is missing or wrong in the fields above")
        self.keep.setToolTip(why)
        self.try_it.setToolTip(why)

    def _show_row(self, name: str, shown: bool) -> None:
        self._labels[name].setVisible(shown)
        self._rows[name].setVisible(shown)

    def _try(self) -> None:
        self.tried.emit(check(self.draft())[0])

    def _keep(self) -> None:
        self.kept.emit(check(self.draft())[0])


def _columns(clock: Callable[[], datetime]) -> list[Column]:
    def lasted(one: WouldHaveFired) -> str:
        return wording.lasted(one.began, one.ended, clock())

    return [
        Column("began", tr("Would have fired"), lambda one: words.moment(one.began), 165),
        Column("lasted", tr("For"), lasted, 75),
        Column("device", tr("Device"), lambda one: one.device, 100),
        Column("channel", tr("Channel"), lambda one: one.channel, 85),
        Column("worst", tr("Worst"), lambda one: wording.value(one.worst), 60, right=True),
    ]
