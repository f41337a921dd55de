"""The stages as a flow, what may be done with each, and how an action on them goes. Pure.

Readings take one way: devices, broker, bridge, Kafka, stream, PostgreSQL. What only looks on (the
API, Grafana) stands below what it needs.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

import msgspec

from control_panel.model.things import Event, Pipeline, Stage

DEVICES = "devices"
"""Where the way begins; it is no stage."""
OWN = "api"
"""The stage that answers here: it cannot stop itself and say so."""
WAY = ("broker", "bridge", "kafka", "stream", "postgres")
_CANNOT_ALL = frozenset({OWN, "postgres"})
"""A stop of everything leaves them running."""


class Action(StrEnum):
    """What can be done with a stage, or with all."""

    START = "start"
    STOP = "stop"
    RESTART = "restart"


class Why(StrEnum):
    """Why an action is not possible now."""

    VIEWER = "viewer"
    OWN = "own"
    BUSY = "busy"
    RUNNING = "running"
    STOPPED = "stopped"
    UNKNOWN = "unknown"


class Spot(NamedTuple):
    """Where a stage stands: columns from the left, row 0 is the way of the readings."""

    column: int
    row: int


class Passage(StrEnum):
    """What an arrow shows."""

    FLOWS = "flows"
    QUIET = "quiet"
    BLOCKED = "blocked"


class Arrow(NamedTuple):
    """From a stage to the next; `rate` in messages a second, None if nobody says it.

    One that `carries` is part of the readings' way, the others say who needs whom.
    """

    begin: str
    end: str
    carries: bool
    rate: float | None
    passage: Passage


class Flow(NamedTuple):
    """All of it, laid out."""

    spots: dict[str, Spot]
    arrows: tuple[Arrow, ...]
    columns: int
    rows: int


def layout(stages: Sequence[Stage]) -> Flow:
    """Lay the stages out by what they need."""
    known = {stage.name: stage for stage in stages}
    way = [name for name in WAY if name in known]
    spots = {DEVICES: Spot(0, 0)}
    spots |= {name: Spot(column, 0) for column, name in enumerate(way, 1)}
    arrows = [
        _carrying(begin, end, known.get(begin), known[end])
        for begin, end in zip([DEVICES, *way], way, strict=False)
    ]
    for stage in stages:
        if stage.name in spots:
            continue
        above = max((spots[need].column for need in stage.needs if need in spots), default=0)
        spots[stage.name] = _free(above, set(spots.values()))
        arrows += [
            Arrow(need, stage.name, False, None, _needed(known[need], stage))
            for need in stage.needs
            if need in known
        ]
    return Flow(
        spots,
        tuple(arrows),
        1 + max(spot.column for spot in spots.values()),
        1 + max(spot.row for spot in spots.values()),
    )


def _free(column: int, taken: set[Spot]) -> Spot:
    """Return the nearest free place below: at first there, then to the left, then a row lower."""
    row = 1
    while True:
        for one in range(column, -1, -1):
            if Spot(one, row) not in taken:
                return Spot(one, row)
        row += 1


def _carrying(begin: str, end: str, giver: Stage | None, taker: Stage) -> Arrow:
    rate = taker.rate_in if giver is None or giver.rate_out is None else giver.rate_out
    if taker.state != "running" or (giver is not None and giver.state != "running"):
        passage = Passage.BLOCKED
    else:
        passage = Passage.FLOWS if rate else Passage.QUIET
    return Arrow(begin, end, True, rate, passage)


def _needed(needed: Stage, stage: Stage) -> Passage:
    broken = needed.state != "running" or stage.state != "running"
    return Passage.BLOCKED if broken else Passage.QUIET


def hindrance(stage: Stage | None, action: Action, role: str) -> Why | None:
    """Say why an action on a stage is not possible now; None if it is."""
    if role == "viewer":
        return Why.VIEWER
    if stage is None:
        return Why.UNKNOWN
    if stage.name == OWN:
        return Why.OWN
    if stage.busy:
        return Why.BUSY
    if action is Action.START and stage.state in {"running", "starting", "stalled"}:
        return Why.RUNNING
    if action is not Action.START and stage.state == "stopped":
        return Why.STOPPED
    return None


def hindrance_of_all(stages: Sequence[Stage], action: Action, role: str) -> Why | None:
    """The same of all together: possible if one of them has something to gain."""
    if role == "viewer":
        return Why.VIEWER
    if not stages:
        return Why.UNKNOWN
    if any(stage.busy for stage in stages):
        return Why.BUSY
    concerned = of_all(action, [stage.name for stage in stages])
    hindrances = [hindrance(stage, action, role) for stage in stages if stage.name in concerned]
    if not hindrances:
        return Why.UNKNOWN
    return None if None in hindrances else hindrances[0]


def of_all(action: Action, stages: Iterable[str]) -> list[str]:
    """Return with which stages an action on everything has to do."""
    left = {OWN} if action is Action.START else _CANNOT_ALL
    return [name for name in stages if name not in left]


def worth_a_look(stages: Sequence[Stage]) -> str:
    """Return the stage whose details are shown first: the worst, or where readings are stored."""
    worst = ["failed", "stalled", "stopped", "starting"]
    for state in worst:
        for stage in stages:
            if stage.state == state:
                return stage.name
    names = [stage.name for stage in stages]
    return "stream" if "stream" in names else "".join(names[:1])


def age(stage: Stage, at: datetime, now: datetime) -> float | None:
    """Return how old the newest row is now, in seconds; it ages on after the server said it."""
    return None if stage.age is None else stage.age + max(0.0, (now - at).total_seconds())


_STATES = frozenset({"stopped", "starting", "running", "stalled", "failed"})


def moved(pipeline: Pipeline, event: Event) -> Pipeline:
    """Return the pipeline after an event of kind `pipeline`, until it is asked anew."""
    state = {"stop done": "stopped", "start begun": "starting"}.get(event.what, event.what)
    if state not in _STATES:
        return pipeline
    rates = {"rate_in": 0.0, "rate_out": 0.0} if state == "stopped" else {}
    reason = str(event.data.get("reason", ""))
    stages = tuple(
        msgspec.structs.replace(stage, state=state, reason=reason, **rates)
        if stage.name == event.subject
        else stage
        for stage in pipeline.stages
    )
    return msgspec.structs.replace(pipeline, stages=stages)


class Step(StrEnum):
    """How far an action on one stage is."""

    WAITS = "waits"
    STOPPING = "stopping"
    STOPPED = "stopped"
    STARTING = "starting"
    STARTED = "started"
    FAILED = "failed"


_STEPS = {
    "stop begun": Step.STOPPING,
    "stop done": Step.STOPPED,
    "stop failed": Step.FAILED,
    "start begun": Step.STARTING,
    "start done": Step.STARTED,
    "start failed": Step.FAILED,
}
_WEIGHTS = {Step.WAITS: 0.0, Step.STOPPING: 0.1, Step.STARTING: 0.6}
_WEIGHTS_STOP = {Step.WAITS: 0.0, Step.STOPPING: 0.3}


_SETTLED_S = 5.0
"""After so long a look of the server is no older than what was done."""


class Errand:
    """An action that was begun, from its first step to what came of it."""

    def __init__(self, action: Action, stages: Iterable[str]) -> None:
        self.action = action
        self.steps: dict[str, Step] = dict.fromkeys(stages, Step.WAITS)
        self.reasons: dict[str, str] = {}
        """Why a stage's step failed, in the server's words."""
        self.over = False
        self._idle: datetime | None = None
        """The server's look at which nobody was busy any more."""

    @property
    def failed(self) -> bool:
        """Whether a step has."""
        return Step.FAILED in self.steps.values()

    @property
    def done(self) -> float:
        """How much of it is done, 0 to 1."""
        if self.over:
            return 1.0
        weights = _WEIGHTS_STOP if self.action is Action.STOP else _WEIGHTS
        half = 0.5 if self.action is Action.RESTART else 1.0
        parts = [
            half if step is Step.STOPPED else weights.get(step, 1.0) for step in self.steps.values()
        ]
        return sum(parts) / len(parts) if parts else 1.0

    def take(self, event: Event) -> bool:
        """Take an event of kind `pipeline`; whether it was about this."""
        step = _STEPS.get(event.what)
        if step is None or event.subject not in self.steps or self.over:
            return False
        # A stop that failed is followed by a start that may well succeed: the failure stays said.
        if self.steps[event.subject] is not Step.FAILED or step is Step.FAILED:
            self.steps[event.subject] = step
        if step is Step.FAILED:
            self.reasons[event.subject] = str(event.data.get("detail", ""))
        return True

    def look(self, pipeline: Pipeline) -> None:
        """Compare with what was asked after it had begun: it is over when nobody is busy any more.

        Events may have been missed, so what a stage does then counts too; the server looks at the
        stages every few seconds, and says at once who is busy.
        """
        stages = {stage.name: stage for stage in pipeline.stages}
        if self.over or any(stages[name].busy for name in self.steps if name in stages):
            return
        ended = Step.STOPPED if self.action is Action.STOP else Step.STARTED
        for name, step in self.steps.items():
            if step not in {ended, Step.FAILED} and name in stages:
                if (stages[name].state == "stopped") is (ended is Step.STOPPED):
                    self.steps[name] = ended
                elif self._late(pipeline.at):
                    self.steps[name] = Step.FAILED
                    self.reasons.setdefault(name, stages[name].reason)
        self.over = all(step in {ended, Step.FAILED} for step in self.steps.values())

    def _late(self, at: datetime) -> bool:
        if self._idle is None:
            self._idle = at
        return (at - self._idle).total_seconds() > _SETTLED_S


def new_lines(before: Sequence[str], now: Sequence[str]) -> Sequence[str] | None:
    """Return what a log's tail has at its end that it had not; None if nothing of it stayed."""
    if not before:
        return now
    if not now:
        return None
    for gone in range(len(before)):
        kept = len(before) - gone
        if kept <= len(now) and before[gone] == now[0] and list(before[gone:]) == list(now[:kept]):
            return now[kept:]
    return None
