"""`fieldline group …`: devices that share a configuration."""

import argparse
from collections.abc import Callable
from typing import Any

from cloud.stack import asking, documents
from cloud.stack.client import Client
from cloud.stack.commands.configure import wanted
from cloud.stack.folder import Folder
from cloud.stack.plan import read_plan

Done = tuple[Any, list[str]] | None


def run(folder: Folder, options: argparse.Namespace) -> int:
    """Do one of them."""
    done = _ACTS[options.action](Client(read_plan(folder).api), options)
    if done is None:
        return 1
    asking.show(*done, as_json=options.json)
    return 0


def _list(client: Client, _: argparse.Namespace) -> Done:
    groups = list(asking.pages(client, asking.path("groups")))
    rows = [
        (one["name"], str(one["priority"]), str(one["members"]), one["label"]) for one in groups
    ]
    return groups, asking.table(("GROUP", "PRIORITY", "DEVICES", "LABEL"), rows) or [
        "there is no group yet; make one with `fieldline group create NAME`"
    ]


def _create(client: Client, options: argparse.Namespace) -> Done:
    body = {"name": options.name, "label": options.label or "", "priority": options.priority or 0}
    made = client.ask("POST", asking.path("groups"), body)
    next_ = f"put devices into it with `fieldline group add {options.name} DEVICE`"
    return made, [f"{options.name} is made; {next_}"]


def _show(client: Client, options: argparse.Namespace) -> Done:
    group = client.ask("GET", asking.path("groups", options.name))
    said = client.ask("GET", asking.path("groups", options.name, "configuration"))
    members = list(asking.pages(client, asking.path("groups", options.name, "members")))
    whole = {**group, "sources": said["sources"], "states": said["states"], "devices": members}
    lines = [
        f"priority  {group['priority']}",
        *([f"label     {group['label']}"] if group["label"] else []),
        f"devices   {', '.join(map(str, members)) or 'none'}",
        *(f"          {n} {state}" for state, n in said["states"].items()),
        *(f"{key} = {value}" for key, value in documents.keys(said["sources"]).items()),
    ]
    return whole, lines


def _change(client: Client, options: argparse.Namespace) -> Done:
    at = asking.path("groups", options.name)
    group = client.ask("GET", at)
    body = {
        "label": group["label"] if options.label is None else options.label,
        "priority": group["priority"] if options.priority is None else options.priority,
    }
    changed = client.ask("PUT", at, body, headers=asking.seen(group))
    return changed, [f"{options.name} has priority {changed['priority']}"]


def _delete(client: Client, options: argparse.Namespace) -> Done:
    at = asking.path("groups", options.name)
    group = client.ask("GET", at)
    question = f"Delete {options.name}? {group['members']} devices go on without what it says."
    if not asking.confirmed(question, yes=options.yes):
        return None
    client.ask("DELETE", at, headers=asking.seen(group))
    return None, [f"{options.name} is deleted"]


def _move(client: Client, options: argparse.Namespace) -> Done:
    at = asking.path("groups", options.name, "members")
    moved = client.ask("POST", at, {options.action: options.devices})
    words = {"add": "were put into", "remove": "were taken out of"}[options.action]
    n = moved["added"] + moved["removed"]
    return moved, [f"{n} of {len(options.devices)} {words} {options.name}"]


def _configure(client: Client, options: argparse.Namespace) -> Done:
    at = asking.path("groups", options.name, "configuration")
    before = client.ask("GET", at)
    sources = wanted(options, before["sources"])
    after = client.ask("PUT", at, {"sources": sources}, headers=asking.seen(before))
    states = ", ".join(f"{n} {state}" for state, n in after["states"].items())
    return after, [f"{options.name} says so to {after['members']} devices: {states or 'none yet'}"]


_ACTS: dict[str, Callable[[Client, argparse.Namespace], Done]] = {
    "list": _list,
    "create": _create,
    "show": _show,
    "change": _change,
    "delete": _delete,
    "add": _move,
    "remove": _move,
    "configure": _configure,
}
