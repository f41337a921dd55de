"""Since when each stage is in its state, and when a stalled one is restarted. Pure."""

from collections import deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

import msgspec

from cloud.control.pipeline.graph import NEEDS, OWN
from cloud.stack.states import State
from cloud.stack.status import Stage

RESTART_AFTER_S = 120.0
"""A stage stalled for so long is restarted."""
MOST_RESTARTS = 3
"""So often within an hour; after that it is left alone, as failed."""
_HOUR_S = 3600.0


class Change(msgspec.Struct, frozen=True):
    """A stage that is in another state than before."""

    stage: str
    before: State | None
    state: State
    reason: str


@dataclass
class _Record:
    state: State | None = None
    since: float = 0.0
    stalled_since: float | None = None
    restarts: deque[float] = field(default_factory=deque)
    given_up: bool = False


class Watch:
    """Remembers from look to look."""

    def __init__(self, restart_after_s: float = RESTART_AFTER_S, most: int = MOST_RESTARTS) -> None:
        self._after_s = restart_after_s
        self._most = most
        self._records: dict[str, _Record] = {}

    def look(
        self, stages: Iterable[Stage], now: float, busy: Collection[str] = ()
    ) -> tuple[list[Stage], list[Change], list[str]]:
        """Return the stages as they are said to be, what has changed, and which to restart.

        `busy` are those that somebody is just starting or stopping.
        """
        seen = {stage.name: stage for stage in stages}
        shown, changes, restart = [], [], []
        for stage in seen.values():
            record = self._records.setdefault(stage.name, _Record())
            if self._restarts(record, stage, seen, now, stage.name in busy):
                restart.append(stage.name)
            if record.given_up:
                reason = (
                    f"made no progress after {self._most} restarts within an hour: {stage.reason}"
                )
                stage = msgspec.structs.replace(stage, state=State.FAILED, reason=reason)  # noqa: PLW2901
            if record.state is not stage.state:
                changes.append(Change(stage.name, record.state, stage.state, stage.reason))
                # What it did before the first look, its process says.
                began = stage.started if record.state is None else None
                record.state, record.since = stage.state, began or now
            shown.append(stage)
        return shown, changes, restart

    def since(self, stage: str) -> float:
        """Return since when a stage that was looked at is in its state."""
        return self._records[stage].since

    def forgive(self, stage: str) -> None:
        """A person has acted on a stage: restarts before that count no more."""
        if record := self._records.get(stage):
            record.restarts.clear()
            record.given_up, record.stalled_since = False, None

    def _restarts(
        self, record: _Record, stage: Stage, seen: dict[str, Stage], now: float, busy: bool
    ) -> bool:
        if stage.state is not State.STALLED:
            record.stalled_since = None
            if stage.state is not State.STARTING:
                record.given_up = False
            return False
        # Who waits for another has nothing to gain from a restart, nor has one that runs elsewhere.
        waits = any(
            seen[need].state is not State.RUNNING
            for need in NEEDS.get(stage.name, ())
            if need in seen
        )
        if waits or busy or stage.pid is None or stage.name == OWN:
            record.stalled_since = None
            return False
        if record.stalled_since is None:
            record.stalled_since = now
        if record.given_up or now - record.stalled_since < self._after_s:
            return False
        while record.restarts and now - record.restarts[0] >= _HOUR_S:
            record.restarts.popleft()
        if len(record.restarts) >= self._most:
            record.given_up = True
            return False
        record.restarts.append(now)
        record.stalled_since = None
        return True
