"""The rules at the left, the one that is edited at the right."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QHBoxLayout,
    QPushButton,
    QSplitter,
    QStackedLayout,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from control_panel.client.api import route
from control_panel.client.errors import ClientError
from control_panel.model.alerts import Draft, draft_of
from control_panel.model.things import Preview, Rule
from control_panel.qt.forms import Empty, primary
from control_panel.qt.inline import Confirmation
from control_panel.qt.panel import Panel
from control_panel.qt.rows import Column, Rows, Table
from control_panel.qt.texts import tr
from control_panel.qt.views.alerts import wording
from control_panel.qt.views.alerts.editor import DAYS, RuleEditor

_PREVIEW_WITHIN_S = 40.0
_RULE = ("name", "kind", "device", "channel", "site", "direction", "threshold", "clear_at",
         "for_s", "window_s", "severity", "enabled")  # fmt: skip


class RulesTab(QWidget):
    """Makes, changes, tries and deletes rules; what can be taken back goes to the history."""

    changed = Signal()

    def __init__(self, panel: Panel, why_not: str) -> None:
        super().__init__()
        self._panel = panel
        self._why_not = why_not
        self.rules: Sequence[Rule] = ()
        self._edited: Rule | None = None
        self._asked = 0
        self.table = Table(
            Rows(
                [
                    Column(
                        "severity", tr("Severity"),
                        lambda one: wording.severity_word(one.severity), 105,
                        mark=lambda one: one.severity,
                    ),
                    Column("name", tr("Rule"), lambda one: one.name, 110),
                    Column("condition", tr("Fires at"), wording.condition, 150),
                    Column("about", tr("About"), wording.about, 95),
                    Column(
                        "enabled", tr("State"),
                        lambda one: tr("on") if one.enabled else tr("off"), 60,
                        stale=lambda one: not one.enabled,
                    ),
                ],
                lambda one: one.id,
            ),
            tr("Alert rules"),
        )  # fmt: skip
        self.table.selected.connect(self._chosen)
        self.empty = Empty(
            tr("There is no rule yet."),
            tr("A rule says what is watched for, such as: gas above 50 for 30 s."),
            tr("Make the first rule"),
            self.make,
        )
        self.empty.button.setEnabled(not why_not)
        self.empty.button.setToolTip(why_not)
        self.new = primary(QPushButton(tr("New rule")))
        self.new.setEnabled(not why_not)
        self.new.setToolTip(why_not)
        self.new.clicked.connect(self.make)
        self.editor = RuleEditor(panel.clock)
        self.editor.kept.connect(self._keep)
        self.editor.tried.connect(self._try)
        self.editor.deleted.connect(self._ask_delete)
        self.editor.left.connect(self._leave)
        self.confirmation = Confirmation()
        self.confirmation.confirmed.connect(self._delete)
        self._lay_out()

    def show_rules(self, rules: Sequence[Rule]) -> None:
        """Show these; what is being edited stays as it is."""
        self.rules = rules
        self.table.show_rows(rules)
        self._stack.setCurrentWidget(self.table if rules else self.empty)

    def make(self) -> None:
        """Begin a new rule."""
        self.table.clearSelection()
        self._edit(None, Draft())

    def choose(self, name: str) -> None:
        """Choose the rule of that name."""
        for rule in self.rules:
            if rule.name == name:
                self.table.choose(rule.id)

    def _lay_out(self) -> None:
        holder = QWidget()
        self._stack = QStackedLayout()
        self._stack.addWidget(self.table)
        self._stack.addWidget(self.empty)
        left = QVBoxLayout(holder)
        left.setContentsMargins(0, 0, 0, 0)
        left.addLayout(self._stack, 1)
        row = QHBoxLayout()
        row.addWidget(self.new)
        row.addStretch(1)
        left.addLayout(row)
        self._right = QStackedWidget()
        self._nothing = Empty(
            tr("Choose a rule to see or change it."),
            tr("You can try every rule on the readings of the last {days} days.").format(days=DAYS),
        )
        editing = QWidget()
        column = QVBoxLayout(editing)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.confirmation)
        column.addWidget(self.editor, 1)
        self._editing = editing
        self._right.addWidget(self._nothing)
        self._right.addWidget(editing)
        splitter = QSplitter()
        splitter.setChildrenCollapsible(False)
        splitter.addWidget(holder)
        splitter.addWidget(self._right)
        splitter.setSizes([560, 480])
        whole = QVBoxLayout(self)
        whole.addWidget(splitter)

    def _chosen(self) -> None:
        key = self.table.chosen()
        rule = next((one for one in self.rules if one.id == key), None)
        if rule is not None and self.table.selectionModel().hasSelection():
            self._edit(rule, draft_of(rule))

    def _edit(self, rule: Rule | None, draft: Draft) -> None:
        self._edited = rule
        self._asked += 1
        self.confirmation.cancel()
        self.editor.show_draft(draft, new=rule is None)
        for part in (self.editor.keep, self.editor.try_it, self.editor.delete):
            part.setToolTip(self._why_not or part.toolTip())
        self.editor.setEnabled(not self._why_not)
        self.editor.setToolTip(self._why_not)
        self._right.setCurrentWidget(self._editing)
        if rule is None:
            self.editor.fields["name"].setFocus()

    def _leave(self) -> None:
        self._edited = None
        self.table.clearSelection()
        self._right.setCurrentWidget(self._nothing)

    def _try(self, made: dict[str, Any]) -> None:
        self._asked += 1
        asked = self._asked
        body = {"rule": made, "since": self._panel.clock() - timedelta(days=DAYS)}
        self.editor.waiting(tr("Trying it on stored readings …"))
        self._ask(
            lambda: self._panel.api.post(
                route("alert-rules", "preview"), Preview, body, within_s=_PREVIEW_WITHIN_S
            ),
            lambda found: self.editor.show_preview(found) if asked == self._asked else None,
        )

    def _keep(self, made: dict[str, Any]) -> None:
        rule = self._edited
        self.editor.waiting(tr("Saving …"))
        if rule is None:
            self._ask(
                lambda: self._panel.api.post(route("alert-rules"), Rule, made),
                lambda kept: self._kept(
                    tr("Rule {name} made").format(name=kept.name), lambda: self._remove(kept)
                ),
            )
            return
        before = {name: getattr(rule, name) for name in _RULE}
        self._ask(
            lambda: self._panel.api.put(
                route("alert-rules", rule.id), Rule, made, seen=rule.version
            ),
            lambda kept: self._kept(
                tr("Rule {name} changed").format(name=kept.name),
                lambda: self._put_back(kept, before),
            ),
        )

    def _ask_delete(self) -> None:
        if self._edited is not None:
            self.confirmation.ask(
                tr("Delete {name}?").format(name=self._edited.name),
                [
                    tr("It is watched for no longer; what fires by it now ends."),
                    tr("What it found stays in the history. You can take this back with Undo."),
                ],
                tr("Delete {name}").format(name=self._edited.name),
            )

    def _delete(self) -> None:
        rule = self._edited
        if rule is not None:
            self._remove(rule)

    def _remove(self, rule: Rule) -> None:
        made = {name: getattr(rule, name) for name in _RULE}
        self._ask(
            lambda: self._panel.api.delete(route("alert-rules", rule.id), seen=rule.version),
            lambda _: self._kept(
                tr("Rule {name} deleted").format(name=rule.name), lambda: self._make_again(made)
            ),
        )

    def _make_again(self, made: dict[str, Any]) -> None:
        self._ask(
            lambda: self._panel.api.post(route("alert-rules"), Rule, made),
            lambda _: self.changed.emit(),
        )

    def _put_back(self, rule: Rule, before: dict[str, Any]) -> None:
        self._ask(
            lambda: self._panel.api.put(
                route("alert-rules", rule.id), Rule, before, seen=rule.version
            ),
            lambda _: self.changed.emit(),
        )

    def _kept(self, said: str, undo: Callable[[], None]) -> None:
        self._panel.history.add(said, undo)
        self._leave()
        self.changed.emit()

    def _ask(self, function: Callable[[], Any], done: Callable[[Any], Any]) -> None:
        self._panel.door.ask(function, done, self._failed, self)

    def _failed(self, error: ClientError) -> None:
        self.editor.fail(error)
