"""Waits until everything makes progress, and says in words what it waits for."""

import time
from collections.abc import Callable
from threading import Thread

from cloud.stack.errors import StackError
from cloud.stack.folder import Folder
from cloud.stack.states import State
from cloud.stack.status import Observer, StackStatus

Say = Callable[[str], None]
Show = Callable[[StackStatus, str], None]

_OFTEN_S = 0.5
_REMIND_S = 10.0


class Task:
    """Work done beside the waiting; what it raises is raised when asked for."""

    def __init__(self, name: str, work: Callable[[], None]) -> None:
        self.name = name
        self._work = work
        self._error: Exception | None = None
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def done(self) -> bool:
        """Whether it has ended well. Raises what it raised."""
        if self._error is not None:
            raise self._error
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._work()
        except Exception as error:  # noqa: BLE001 - handed to who asks
            self._error = error


def wait_until_ready(
    observer: Observer,
    folder: Folder,
    task: Task,
    say: Say,
    show: Show,
    *,
    data_expected: bool,
    patience_s: float,
) -> None:
    """Return when every stage is running and, if expected, data has gone through the last one.

    `say` gets a line for each stage that comes up, `show` every look with what is waited for.
    Raises StackError after `patience_s`, saying who is not ready and why.
    """
    began = time.monotonic()
    ready: set[str] = set()
    reminded = began
    while True:
        seen = observer.look()
        missing = {
            stage.name: stage.reason or stage.state
            for stage in seen.stages
            if stage.state is not State.RUNNING
        }
        if not task.done:
            missing["database"] = task.name
        stream = next((stage for stage in seen.stages if stage.name == "stream"), None)
        if data_expected and not missing and stream and stream.newest is None:
            missing["data"] = "no reading has come through yet"
        for stage in seen.stages:
            if stage.name not in missing and stage.name not in ready:
                ready.add(stage.name)
                say(f"{stage.name} is running")
        if not missing:
            show(seen, "")
            say("everything runs")
            return
        waited = time.monotonic() - began
        show(seen, f"waiting for {', '.join(missing)} ({waited:.0f} s)")
        if waited > patience_s:
            reasons = "; ".join(f"{name}: {reason}" for name, reason in missing.items())
            raise StackError(
                f"not everything runs after {waited:.0f} s ({reasons}); it goes on trying: see "
                f"`fieldline status` and `fieldline logs STAGE`, or the files in {folder.logs}"
            )
        if time.monotonic() - reminded > _REMIND_S:
            reminded = time.monotonic()
            say("still waiting: " + "; ".join(f"{name} ({why})" for name, why in missing.items()))
        time.sleep(_OFTEN_S)
