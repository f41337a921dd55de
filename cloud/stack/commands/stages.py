"""`fieldline start|stop|restart STAGE|all`, through the API, which records who did it.

The API itself, a local agent, and everything while the API is away are done without it.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from cloud.stack.acting import Step, act
from cloud.stack.client import ApiAway, Client
from cloud.stack.errors import StackError
from cloud.stack.folder import Folder
from cloud.stack.plan import Plan, read_plan

ALL = "all"
_OWN = "api"

_STEPS: dict[str, Sequence[Step]] = {
    "start": ["start"],
    "stop": ["stop"],
    "restart": ["stop", "start"],
}
_DONE = {"start": "started", "stop": "stopped", "restart": "started anew"}


def run(folder: Folder, options: argparse.Namespace) -> int:
    """Say what it brings about, do it, and wait until it is done."""
    plan = read_plan(folder)
    say = _to_stderr if options.json else print
    if options.stage != ALL and options.stage not in plan.stages:
        done = _directly(folder, options, say)
    elif options.stage == _OWN:
        say("The API cannot record what is done to itself.")
        done = _directly(folder, options, say)
    else:
        try:
            done = through_the_api(folder, Client(plan.api), options, say)
        except ApiAway as error:
            if options.stage == ALL:
                raise StackError(f"{error}; `fieldline down` stops everything without it") from None
            _check_here(plan, options.stage)
            say("The API does not answer, so this is not recorded.")
            done = _directly(folder, options, say)
    if options.json:
        print(json.dumps(done, indent=2))
    return 0


def through_the_api(
    folder: Folder, client: Client, options: argparse.Namespace, say: Callable[[str], None]
) -> dict[str, Any]:
    """Do what `options` say (`stage`, `action`, `dry_run`), and return what was done."""
    stage, action = options.stage, options.action
    path = "/v1/pipeline" if stage == ALL else f"/v1/pipeline/{stage}"
    told = client.ask("GET", f"{path}/consequences?action={action}")
    for sentence in told["consequences"]:
        say(sentence)
    if options.dry_run:
        return {**told, "stages": [], "done": False}
    begun = client.ask("POST", f"{path}/{action}")
    stages = begun["stages"]
    _wait(client, stages)
    if action != "stop":
        for one in stages:
            act(folder, one, "start")  # raises what has kept it from running
    say(f"{', '.join(stages)} {_DONE[action]}")
    return {**told, "stages": stages, "done": True}


def _wait(client: Client, stages: Sequence[str]) -> None:
    """Return when nothing is under way with the stages any more."""
    while True:
        try:
            seen = client.ask("GET", "/v1/pipeline")["stages"]
        except ApiAway:
            return
        if not any(one["busy"] for one in seen if one["name"] in stages):
            return
        time.sleep(0.1)


def _directly(
    folder: Folder, options: argparse.Namespace, say: Callable[[str], None]
) -> dict[str, Any]:
    if not options.dry_run:
        for step in _STEPS[options.action]:
            act(folder, options.stage, step)
        say(f"{options.stage} {_DONE[options.action]}")
    return {
        "stage": options.stage,
        "action": options.action,
        "consequences": [],
        "stages": [] if options.dry_run else [options.stage],
        "done": not options.dry_run,
    }


def _check_here(plan: Plan, stage: str) -> None:
    if not plan.runs_here(stage):
        raise StackError(f"{stage} runs elsewhere; fieldline.toml says where")


def _to_stderr(sentence: str) -> None:
    print(sentence, file=sys.stderr)
