"""The pipeline: its stages as a flow, one of them in detail, and starting and stopping them."""

from datetime import datetime

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from control_panel.client.api import route
from control_panel.client.errors import ClientError, Refused
from control_panel.model import actions
from control_panel.model.pipeline import (
    Action,
    Errand,
    Step,
    hindrance_of_all,
    moved,
    of_all,
    worth_a_look,
)
from control_panel.model.things import (
    Begun,
    Consequences,
    Event,
    LogLines,
    Pipeline,
    Stage,
)
from control_panel.qt import words
from control_panel.qt.inline import Confirmation, Said
from control_panel.qt.marks import Mark
from control_panel.qt.panel import Panel, Place
from control_panel.qt.sentences import heard
from control_panel.qt.texts import tr
from control_panel.qt.theme import MARGINS
from control_panel.qt.views.pipeline import wording
from control_panel.qt.views.pipeline.details import ActionButtons, StageDetails
from control_panel.qt.views.pipeline.flow import FlowPicture

ASK_MS, TICK_MS = 2000, 1000
_STALE_S = 8.0
_LOG_LINES = 300
_TONES = {
    "good": "running", "bad": "failed", "warning": "stalled", "notice": "starting",
    "off": "stopped",
}  # fmt: skip
"""The mark of each tone."""


class PipelineView(QWidget):
    """Asks the server every two seconds while it is looked at, and at once when it says more."""

    def __init__(self, panel: Panel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.panel = panel
        self._pipeline: Pipeline | None = None
        self._heard: datetime | None = None
        self._asking = self._again = self._asking_log = False
        self._action = Action.START
        self._subject = self._wanted = ""
        self.errand: Errand | None = None
        self._accepted = False
        self.mark = Mark()
        self.summary = QLabel(tr("Asking the server how the stages are …"))
        self.summary.setWordWrap(True)
        self.all = ActionButtons()
        self.all.wanted.connect(lambda action: self._wants("", Action(action)))
        self.trouble = Said()
        self.trouble.dismiss.hide()
        self.picture = FlowPicture()
        self.picture.picked.connect(self.pick)
        self.picture.devices_wanted.connect(lambda: panel.goto(Place(view="devices")))
        self.confirmation = Confirmation()
        self.confirmation.confirmed.connect(self._begin)
        self.said = Said()
        self.busy = QFrame()
        self.busy.setFrameShape(QFrame.Shape.StyledPanel)
        self.progress = QProgressBar()
        self.progress.setRange(0, 100)
        self.progress.setTextVisible(False)
        self.progress.setAccessibleName(tr("How far the action is"))
        self.doing = QLabel()
        self.details = StageDetails()
        self.details.wanted.connect(lambda action: self._wants(self.details.name, Action(action)))
        self.details.hide()
        self._lay_out()
        self._asks, self._ticks = QTimer(self), QTimer(self)
        self._asks.timeout.connect(self._ask)
        self._ticks.timeout.connect(self.look_at_the_clock)
        self._unlisten = panel.events.listen({"pipeline"}, self._take)
        self._withdraw = panel.registry.add(*map(self._offer, Action))
        self.look_at_the_clock()

    def shown(self) -> None:
        """Come to the front: look at once, and go on looking."""
        self._asks.start(ASK_MS)
        self._ticks.start(TICK_MS)
        self._ask()

    def close_down(self) -> None:
        """Ask no more."""
        self._unlisten()
        self._withdraw()
        self._asks.stop()
        self._ticks.stop()

    def showEvent(self, event: QShowEvent) -> None:
        """Go on when the window is no icon any more."""
        super().showEvent(event)
        if event.spontaneous():
            self.shown()

    def hideEvent(self, event: QHideEvent) -> None:
        """Ask nothing while nobody looks."""
        self._asks.stop()
        self._ticks.stop()
        super().hideEvent(event)

    def pick(self, name: str) -> None:
        """Show the details of a stage."""
        self.picture.pick(name)
        if name != self.details.name:
            stage = self._stages().get(name)
            if stage is not None and self._pipeline is not None:
                self._show_details(stage, self._pipeline.at)
                self._asking_log = False
                self._ask_log()

    def show_place(self, subject: str) -> None:
        """Show the stage of that name, as soon as it is known."""
        self._wanted = subject
        if subject in self._stages():
            self._wanted = ""
            self.pick(subject)

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.addWidget(self.mark)
        top.addWidget(self.summary, 1)
        top.addWidget(self.all)
        busy = QHBoxLayout(self.busy)
        busy.setContentsMargins(10, 6, 10, 6)
        busy.addWidget(self.doing, 1)
        busy.addWidget(self.progress, 1)
        self.busy.hide()
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidget(self.picture)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setAccessibleName(tr("The pipeline as a flow"))
        self._scroll = scroll
        column = QVBoxLayout(self)
        column.setContentsMargins(*MARGINS)
        column.setSpacing(12)
        column.addLayout(top)
        column.addWidget(self.trouble)
        column.addWidget(scroll)
        column.addWidget(self.confirmation)
        column.addWidget(self.busy)
        column.addWidget(self.said)
        column.addWidget(self.details, 1)
        column.addStretch(0)

    def _offer(self, action: Action) -> actions.Action:
        def run() -> None:
            self.panel.goto(Place(view="pipeline"))
            self._wants("", action)

        return actions.Action(
            id=f"pipeline.{action}", text=wording.action_word(action, ""), run=run,
            menu=tr("Pipeline"), role="operator", words=tr("pipeline stages all"),
            enabled=lambda: hindrance_of_all(
                tuple(self._stages().values()), action, self.panel.role
            ) is None or self._pipeline is None,
        )  # fmt: skip

    def _stages(self) -> dict[str, Stage]:
        return {} if self._pipeline is None else {one.name: one for one in self._pipeline.stages}

    def _ask(self) -> None:
        if self._asking:
            self._again = True
            return
        self._asking = True
        errand = self.errand if self._accepted else None
        self.panel.door.ask(
            lambda: self.panel.api.get(route("pipeline"), Pipeline),
            lambda pipeline: self._answered(pipeline, errand),
            self._failed,
            self,
        )
        self._ask_log()

    def _answered(self, pipeline: Pipeline, errand: Errand | None) -> None:
        self._asking = False
        self._pipeline, self._heard = pipeline, self.panel.clock()
        self.trouble.clear()
        if errand is not None and errand is self.errand:
            errand.look(pipeline)
        self.look_at_the_clock()
        wanted = self._wanted or ("" if self.details.name else worth_a_look(pipeline.stages))
        if wanted in self._stages():
            self._wanted = ""
            self.pick(wanted)
        if self._again:
            self._again = False
            self._ask()

    def _failed(self, error: ClientError) -> None:
        self._asking = self._again = False
        self.trouble.fail(error)
        self.trouble.dismiss.hide()
        self.look_at_the_clock()

    def _take(self, event: Event) -> None:
        if self._pipeline is not None:
            self._pipeline = moved(self._pipeline, event)
        if self.errand is not None:
            self.errand.take(event)
        if self.isVisible():
            self.look_at_the_clock()
            self._ask()

    def _ask_log(self) -> None:
        stage = self.details.name
        if not stage or self._asking_log:
            return
        if self.panel.role == "viewer":
            self.details.log.refuse(tr("Logs are shown to operators only."))
            return
        self._asking_log = True
        self.panel.door.ask(
            lambda: self.panel.api.get(
                route("pipeline", stage, "log"), LogLines, {"lines": _LOG_LINES}
            ),
            self._log_answered,
            self._log_failed,
            self,
        )

    def _log_answered(self, log: LogLines) -> None:
        self._asking_log = False
        if log.stage == self.details.name:
            self.details.log.show_lines(log.lines)

    def _log_failed(self, error: ClientError) -> None:
        self._asking_log = False
        self.details.log.refuse(f"{heard(error.said)}. {heard(error.fix)}")

    def _wants(self, stage: str, action: Action) -> None:
        self._subject, self._action = stage, action
        self.said.clear()
        word = wording.action_word(action, stage)
        self.confirmation.ask(tr("{action}?").format(action=word), None, word)
        path = route("pipeline", *([stage] if stage else []), "consequences")
        self.panel.door.ask(
            lambda: self.panel.api.get(path, Consequences, {"action": action.value}),
            self._consequences,
            self._refused,
            self,
        )

    def _consequences(self, found: Consequences) -> None:
        asked = self._subject or None, self._action.value
        if (found.stage, found.action) == asked and not self.confirmation.isHidden():
            word = wording.action_word(self._action, self._subject)
            self.confirmation.ask(
                tr("{action}?").format(action=word),
                [heard(one) for one in found.consequences],
                word,
            )

    def _begin(self) -> None:
        stage, action = self._subject, self._action
        self.errand = Errand(action, [stage] if stage else of_all(action, self._stages()))
        self._accepted = False
        path = route("pipeline", *([stage] if stage else []), action.value)
        self.panel.door.ask(
            lambda: self.panel.api.post(path, Begun), self._begun, self._refused, self
        )
        self.look_at_the_clock()
        self.details.setFocus(Qt.FocusReason.OtherFocusReason)

    def _begun(self, begun: Begun) -> None:
        if self.errand is not None and set(self.errand.steps) != set(begun.stages):
            known = self.errand.steps
            self.errand.steps = {one: known.get(one, Step.WAITS) for one in begun.stages}
        self._accepted = True
        self._ask()

    def _refused(self, error: ClientError) -> None:
        self.confirmation.cancel()
        self.errand = None
        self.said.fail(error)
        self.look_at_the_clock()
        if isinstance(error, Refused):
            self._ask()

    def look_at_the_clock(self, now: datetime | None = None) -> None:
        """Draw it all as it is at that time, or now."""
        now = now or self.panel.clock()
        stages, pipeline = self._stages(), self._pipeline
        stale = self._stale(now)
        if pipeline is not None and self._heard is not None:
            text, tone = wording.summary(pipeline, now)
            if stale:
                old = words.ago((now - self._heard).total_seconds())
                text, tone = tr("As it was {ago}: {text}").format(ago=old, text=text), "off"
            self.summary.setText(text)
            self.mark.show_state(_TONES[tone])
            self.picture.show_pipeline(pipeline, stale)
            self._scroll.setFixedHeight(self.picture.minimumSizeHint().height() + 4)
            if (picked := stages.get(self.details.name)) is not None:
                self._show_details(picked, pipeline.at)
        values = tuple(stages.values())
        self.all.show_reasons({
            action: "" if why is None else wording.why_not(why)
            for action in Action
            for why in [hindrance_of_all(values, action, self.panel.role)]
        })  # fmt: skip
        self._draw_errand(stages)

    def _draw_errand(self, stages: dict[str, Stage]) -> None:
        errand = self.errand
        self.busy.setVisible(errand is not None and not errand.over)
        if errand is None:
            return
        if not errand.over:
            self.doing.setText(wording.progress(errand))
            self.progress.setValue(round(100 * errand.done))
            return
        text, tone = wording.result(errand, stages)
        self.said.say(text, tone)
        if tone != "notice":  # until then it is told how it comes up
            self.errand = None

    def _show_details(self, stage: Stage, at: datetime) -> None:
        self.details.show_stage(stage, at, self.panel.clock(), self.panel.role)
        self.details.show()

    def _stale(self, now: datetime) -> bool:
        return self._heard is None or (now - self._heard).total_seconds() > _STALE_S
