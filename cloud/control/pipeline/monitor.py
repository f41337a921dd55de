"""Looks at every stage again and again: what it sees is told, kept, and acted upon."""

import asyncio
import logging
import time
from contextlib import suppress

import msgspec

from cloud.control.events import Event, Hub
from cloud.control.pipeline.actions import SYSTEM, Actions
from cloud.control.pipeline.logs import ErrorCount
from cloud.control.pipeline.watch import Watch
from cloud.control.problems import Problem
from cloud.stack.errors import StackError
from cloud.stack.folder import Folder
from cloud.stack.plan import Plan, read_plan
from cloud.stack.states import State
from cloud.stack.status import Observer, Stage

_EVERY_S = 2.0

_log = logging.getLogger(__name__)


class Seen(msgspec.Struct, frozen=True):
    """The last look; `since` and `errors` by stage."""

    at: float
    plan: Plan
    stages: list[Stage]
    since: dict[str, float]
    errors: dict[str, int]

    @property
    def carries(self) -> bool:
        """Whether readings get from the broker into the tables."""
        needed = {"broker", "kafka", "postgres", "bridge", "stream"} & set(self.plan.stages)
        running = {stage.name for stage in self.stages if stage.state is State.RUNNING}
        return needed <= running


class Monitor:
    """One for the API. `seen` is None until the first look, and while nothing was ever started."""

    def __init__(self, folder: Folder, hub: Hub, actions: Actions, watch: Watch) -> None:
        self._folder = folder
        self._hub = hub
        self._actions = actions
        self._watch = watch
        self._observer: Observer | None = None
        self._plan: Plan | None = None
        self._errors: dict[str, ErrorCount] = {}
        self.seen: Seen | None = None

    @property
    def carries(self) -> bool:
        """Whether readings get into the tables, as far as is known."""
        return self.seen is None or self.seen.carries

    async def run(self) -> None:
        """Look until cancelled."""
        try:
            while True:
                try:
                    await self.look()
                except StackError as error:
                    self.seen = None
                    _log.debug("the pipeline cannot be seen: %s", error)
                await asyncio.sleep(_EVERY_S)
        finally:
            if self._observer is not None:
                self._observer.close()

    async def look(self) -> None:
        """Look once. Raises StackError."""
        stages, errors, plan = await asyncio.to_thread(self._see)
        now = time.time()
        shown, changes, restart = self._watch.look(stages, now, self._actions.busy)
        self.seen = Seen(
            now, plan, shown, {stage.name: self._watch.since(stage.name) for stage in shown}, errors
        )
        for change in changes:
            if change.before is not None:
                data = {"before": change.before, "reason": change.reason}
                self._hub.tell(Event("pipeline", change.stage, change.state, data))
        for name in restart:
            reason = next(stage.reason for stage in shown if stage.name == name)
            with suppress(Problem):  # somebody was quicker
                await self._actions.begin([name], "restart", SYSTEM, f"stalled: {reason}")
        with suppress(Problem):  # the database is away still
            await self._actions.catch_up()

    def forgive(self, stage: str) -> None:
        """Forget what a stage did before a person acted on it."""
        self._watch.forgive(stage)

    def _see(self) -> tuple[list[Stage], dict[str, int], Plan]:
        plan = read_plan(self._folder)
        if self._observer is None or plan != self._plan:  # another `up` has decided otherwise
            if self._observer is not None:
                self._observer.close()
            self._observer, self._plan = Observer(self._folder, plan, devices=False), plan
            self._errors = {name: ErrorCount(self._folder.log(name)) for name in plan.stages}
        now = time.time()
        stages = list(self._observer.look().stages)
        return stages, {name: count.look(now) for name, count in self._errors.items()}, plan
