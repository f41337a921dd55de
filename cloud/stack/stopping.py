"""Stops everything, in the order in which nothing has to wait for what is gone."""

import time
from collections.abc import Callable, Sized
from threading import Thread

from cloud.stack import supervision
from cloud.stack.errors import StackError
from cloud.stack.folder import Folder
from cloud.stack.plan import STOP_ORDER
from cloud.stack.supervision import NotUp, Process, Supervisor

Say = Callable[[str], None]

_LAST_S = 15.0
"""How long what the stages had started may take to end after them."""
_RUNS = {"STARTING", "RUNNING", "BACKOFF", "STOPPING"}


def stop_all(folder: Folder, say: Say) -> None:
    """Stop agents, stages, supervisord, and whatever an earlier one left behind."""
    try:
        with Supervisor(folder, timeout_s=120.0) as supervisor:
            processes = [one for one in supervisor.processes() if one.state in _RUNS]
            extras = [one for one in processes if one.name not in STOP_ORDER]
            if extras:
                say(f"stopping the agents of this machine ({_count(extras)})")
                _stop_together(folder, extras)
            for stage in STOP_ORDER:
                for process in processes:
                    if process.name == stage:
                        _stop(supervisor, process, say)
            supervisor.shut_down()
    except NotUp:
        if not clear_leftovers(folder, say):
            say(f"nothing runs in {folder.data}")
        return
    deadline = time.monotonic() + 60
    while supervision.is_up(folder) or folder.supervisor_pid.exists():
        if time.monotonic() > deadline:
            raise StackError(f"supervisord does not end; see {folder.supervisor_log}")
        time.sleep(0.05)
    _wait_for_the_last(folder, say)
    say("everything has stopped; nothing was lost, `fieldline up` goes on where it ended")


def clear_leftovers(folder: Folder, say: Say) -> bool:
    """End processes whose supervisord has died; say whether there were any."""
    left = supervision.leftovers(folder)
    if left:
        say(f"stopping {_count(left)} that outlived a supervisor that was killed")
        supervision.end(left, lambda: supervision.leftovers(folder))
    return bool(left)


def _wait_for_the_last(folder: Folder, say: Say) -> None:
    """Let what the stages had started end by itself, as it does; end it if it does not.

    supervisord waits for its own children alone, not for Spark's Python workers.
    """
    deadline = time.monotonic() + _LAST_S
    while left := supervision.leftovers(folder):
        if time.monotonic() > deadline:
            say(f"stopping {_count(left)} that a stage has left running")
            supervision.end(left, lambda: supervision.leftovers(folder))
            return
        time.sleep(0.05)


def _count(processes: Sized) -> str:
    return "1 process" if len(processes) == 1 else f"{len(processes)} processes"


def _stop(supervisor: Supervisor, process: Process, say: Say) -> None:
    say(f"stopping {process.name}")
    started = time.monotonic()
    supervisor.stop(process.full_name)
    took = time.monotonic() - started
    if took > 2:
        say(f"  {process.name} has stopped, after {took:.0f} s")


def _stop_together(folder: Folder, processes: list[Process]) -> None:
    def stop(process: Process) -> None:
        with Supervisor(folder, timeout_s=120.0) as supervisor:
            supervisor.stop(process.full_name)

    threads = [Thread(target=stop, args=(process,)) for process in processes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
