"""`fieldline device sampling|interval|identify|restart|diagnose|commands|withdraw`."""

import argparse
import sys
from collections.abc import Callable
from typing import Any

from cloud.stack import asking
from cloud.stack.client import ApiRefuses, Client
from cloud.stack.folder import Folder
from cloud.stack.plan import read_plan

NOT_REACHED = 3
"""Exit status: the device was not reached, or has not answered."""
_LOOK_S = 30
_AWAY = ("device-away", "broker-away")


def run(folder: Folder, options: argparse.Namespace) -> int:
    """Tell a device something and wait for its answer, or look at what it was told."""
    client = Client(read_plan(folder).api)
    match options.action:
        case "commands":
            return _list(client, options)
        case "withdraw":
            gone = client.ask(
                "DELETE", asking.path("devices", options.name, "commands", options.id)
            )
            asking.show(gone, [gone["note"]], as_json=options.json)
            return 0
        case _:
            return _give(client, options)


def _give(client: Client, options: argparse.Namespace) -> int:
    body = {
        "command": options.action,
        "arguments": _ARGUMENTS[options.action](options),
        "wait_s": options.wait,
    }
    at = asking.path("devices", options.name, "commands")
    try:
        given = client.ask("POST", at, body)
    except ApiRefuses as refused:
        if not str(refused.problem.get("type", "")).endswith(_AWAY):
            raise
        if options.json:
            asking.show(refused.problem, [], as_json=True)
        else:
            print(f"{refused.problem['detail']}; say --wait to have it wait", file=sys.stderr)
        return NOT_REACHED
    if not options.detach:
        given = _wait(client, f"{at}/{given['id']}", given)
    asking.show(given, _said(given), as_json=options.json)
    return {"done": 0, "refused": 1, "withdrawn": 1}.get(
        given["state"], 0 if options.detach else NOT_REACHED
    )


def _wait(client: Client, at: str, given: dict[str, Any]) -> dict[str, Any]:
    told = ""
    try:
        while given["state"] in {"queued", "sent"}:
            # What is being done is not worth a word; who waits for an absent device wants one.
            if given["state"] == "queued" and given["note"] not in {told, "it is being sent"}:
                told = given["note"]
                print(told, file=sys.stderr)
            given = client.ask("GET", f"{at}?within_s={_LOOK_S}")
    except KeyboardInterrupt:
        device, identity = given["device"], given["id"]
        print(
            f"\nit is not withdrawn by this: see `fieldline device commands {device}`, or "
            f"`fieldline device withdraw {device} {identity}`",
            file=sys.stderr,
        )
        raise
    return given


def _said(given: dict[str, Any]) -> list[str]:
    if given["state"] != "done":
        return [f"{given['note']} (id {given['id']})" if _open(given) else given["note"]]
    device, result, said = given["device"], given["result"] or {}, given["arguments"]
    match given["command"]:
        case "sampling":
            sources = [f"{name} {'on' if on else 'off'}" for name, on in result.items()]
            return [f"{device}: {', '.join(sources) or 'it has no sources'}"]
        case "interval":
            return [f"{device} reads {said['source']} every {said['interval_s']:g} s"]
        case "identify":
            return [f"{device} blinks: {', '.join(result.get('boards', []))}"]
        case "restart":
            return [f"{device} restarts"]
        case _:
            return [line for check in result.get("checks", []) for line in _check(check)]


def _check(check: dict[str, Any]) -> list[str]:
    line = f"{'✓' if check.get('ok') else '✗'} {check.get('name', ''):<14} {check.get('seen', '')}"
    return [line, f"  → {check['fix']}"] if check.get("fix") else [line]


def _open(given: dict[str, Any]) -> bool:
    return given["state"] in {"queued", "sent", "no answer"}


def _list(client: Client, options: argparse.Namespace) -> int:
    at = asking.path("devices", options.name, "commands")
    commands = list(asking.pages(client, at, options.lines))
    rows = [
        (one["id"], one["created"][:19], one["person"], _words(one), one["state"], _why(one))
        for one in reversed(commands)
    ]
    head = ("ID", "GIVEN (UTC)", "BY", "COMMAND", "STATE", "")
    lines = asking.table(head, rows) or [f"{options.name} was never told anything"]
    asking.show(commands, lines, as_json=options.json)
    return 0


def _words(one: dict[str, Any]) -> str:
    said = " ".join(f"{key}={_value(value)}" for key, value in one["arguments"].items())
    return f"{one['command']} {said}".strip()


def _value(value: Any) -> str:
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)


def _why(one: dict[str, Any]) -> str:
    return "" if one["state"] == "done" else one["error"] or one["note"]


def _of_source(options: argparse.Namespace) -> dict[str, Any]:
    return {"source": options.source} if options.source else {}


_ARGUMENTS: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    "sampling": lambda options: {"on": options.switch == "on", **_of_source(options)},
    "interval": lambda options: {"source": options.source, "interval_s": options.seconds},
    "identify": _of_source,
    "restart": lambda _: {},
    "diagnose": lambda _: {},
}
