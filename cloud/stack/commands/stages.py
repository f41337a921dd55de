"""`fieldline start|stop|restart STAGE`."""

import argparse
import time

from cloud.stack.errors import StackError
from cloud.stack.folder import Folder
from cloud.stack.plan import STAGES, Plan, read_plan
from cloud.stack.supervision import Process, Supervisor


def run(folder: Folder, options: argparse.Namespace) -> int:
    """Do it and wait until it is done."""
    plan = read_plan(folder)
    with Supervisor(folder, timeout_s=120.0) as supervisor:
        name = _full_name(options.stage, plan, supervisor.processes())
        if options.action in {"stop", "restart"}:
            supervisor.stop(name)
        if options.action in {"start", "restart"}:
            supervisor.start(name)
            _wait_for_a_process(supervisor, name)
    done = {"start": "started", "stop": "stopped", "restart": "started anew"}[options.action]
    print(f"{options.stage} {done}")
    return 0


def _full_name(stage: str, plan: Plan, processes: list[Process]) -> str:
    if stage in STAGES and not plan.runs_here(stage):
        where = "runs elsewhere" if stage in plan.stages else "is not part of this stack"
        raise StackError(f"{stage} {where}")
    for process in processes:
        if process.name == stage:
            return process.full_name
    names = ", ".join(process.name for process in processes)
    raise StackError(f"there is no stage {stage!r}; there are {names}")


def _wait_for_a_process(supervisor: Supervisor, name: str) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        process = next(one for one in supervisor.processes() if one.full_name == name)
        if process.state in {"RUNNING", "EXITED"}:
            return
        if process.state in {"BACKOFF", "FATAL"}:
            raise StackError(f"{process.name} ends as soon as it is started; see `fieldline logs`")
        time.sleep(0.1)
