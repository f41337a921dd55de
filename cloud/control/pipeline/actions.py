"""Starts and stops stages, one action a stage at a time, recorded and told as it goes."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC, datetime

from cloud.control import audit
from cloud.control.database import Pool, connected
from cloud.control.events import Event, Hub
from cloud.control.pipeline.graph import Action
from cloud.control.pipeline.journal import Journal
from cloud.control.principal import Principal, Role
from cloud.control.problems import Problem
from cloud.log import request_file
from cloud.stack.acting import Step, act
from cloud.stack.errors import StackError
from cloud.stack.folder import Folder

_SAY_WHO_ASKED = ("bridge", "stream")
"""They log the id of the request that had them started."""
SYSTEM = Principal("system", Role.ADMIN, None, "", "")
"""Who restarts what is stalled."""

_log = logging.getLogger(__name__)


class Actions:
    """One for the API."""

    def __init__(self, folder: Folder, pool: Pool, hub: Hub) -> None:
        self._folder = folder
        self._pool = pool
        self._hub = hub
        self._tasks: set[asyncio.Task[None]] = set()
        self._journal = Journal(folder.unrecorded)
        self.busy: dict[str, Action] = {}
        """What is being done with which stage."""

    async def begin(
        self, stages: Sequence[str], action: Action, principal: Principal, why: str = ""
    ) -> None:
        """Record an action and begin it. Raises Problem if another is under way with a stage."""
        for stage in stages:
            if stage in self.busy:
                raise Problem(
                    409,
                    "busy",
                    f"{stage}: a {self.busy[stage]} is under way",
                    "wait until events say that it is done, then look again",
                )
        self.busy.update(dict.fromkeys(stages, action))
        try:
            for stage in stages:
                await self._record(principal, action, stage, why)
        except BaseException:
            self._done(stages)
            raise
        task = asyncio.create_task(self._perform(stages, action, principal), name="pipeline")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def catch_up(self) -> None:
        """Record what was done while the database was away. Raises Problem if it still is."""
        if not self._journal:
            return
        acts = self._journal.acts()
        async with connected(self._pool) as connection:
            for act in acts:
                await audit.record_late(connection, act)
        self._journal.forget(acts)

    async def _record(self, principal: Principal, action: Action, stage: str, why: str) -> None:
        _log.info("%s of %s by %s %s", action, stage, principal.user, why)
        what, subject = f"pipeline.{action}", f"stage/{stage}"
        after = {"why": why} if why else None
        try:
            async with connected(self._pool) as connection:
                await audit.record(connection, principal, what, subject, after=after)
        except Problem:
            # Who starts the database cannot have it recorded there yet.
            self._journal.add(
                audit.Act(
                    datetime.now(UTC), principal.user, principal.role, principal.address,
                    principal.request, what, subject, after,
                )
            )  # fmt: skip

    async def _perform(self, stages: Sequence[str], action: Action, principal: Principal) -> None:
        # A restart of many stops them all in their order before it starts any, in the opposite.
        steps: list[tuple[str, Step]] = []
        if action in {"stop", "restart"}:
            steps += [(stage, "stop") for stage in stages]
        if action in {"start", "restart"}:
            starting = stages if action == "start" else list(reversed(stages))
            steps += [(stage, "start") for stage in starting]
        try:
            for stage, step in steps:
                self._tell(stage, f"{step} begun", principal)
                try:
                    if step == "start" and stage in _SAY_WHO_ASKED:
                        request_file(self._folder.progress(stage)).write_text(
                            principal.request, "utf-8"
                        )
                    await asyncio.to_thread(act, self._folder, stage, step)
                except (StackError, OSError) as error:
                    _log.warning("the %s of %s failed: %s", step, stage, error)
                    self._tell(stage, f"{step} failed", principal, detail=str(error))
                else:
                    self._tell(stage, f"{step} done", principal)
        finally:
            self._done(stages)

    def _done(self, stages: Sequence[str]) -> None:
        for stage in stages:
            self.busy.pop(stage, None)

    def _tell(self, stage: str, what: str, principal: Principal, **more: str) -> None:
        # Not by way of the database, which may be what is stopped.
        self._hub.tell(Event("pipeline", stage, what, {"by": principal.user, **more}))
