"""Starts or stops one program under supervisord, and waits until it has."""

import time
from typing import Literal

from cloud.stack.errors import StackError
from cloud.stack.folder import Folder
from cloud.stack.supervision import NoSuchProgram, Supervisor

Step = Literal["start", "stop"]

_STOPPING_S = 120.0
_STARTING_S = 15.0


def act(folder: Folder, name: str, step: Step) -> None:
    """Do it; no matter if it is done already. Raises StackError, NoSuchProgram, NotUp."""
    with Supervisor(folder, timeout_s=_STOPPING_S) as supervisor:
        processes = supervisor.processes()
        full_name = next((one.full_name for one in processes if one.name == name), None)
        if full_name is None:
            names = ", ".join(process.name for process in processes)
            raise NoSuchProgram(f"{name!r} does not run here; there are {names}")
        if step == "stop":
            supervisor.stop(full_name)
            return
        supervisor.start(full_name)
        deadline = time.monotonic() + _STARTING_S
        while time.monotonic() < deadline:
            states = {one.full_name: one.state for one in supervisor.processes()}
            if states[full_name] == "RUNNING":
                return
            if states[full_name] in {"BACKOFF", "FATAL", "EXITED"}:
                break
            time.sleep(0.1)
        raise StackError(f"{name} ends as soon as it is started; see `fieldline logs {name}`")
