"""`fieldline device configure|configuration`: what a device should do, against what it does."""

import argparse
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cloud.stack import asking, documents
from cloud.stack.client import Client
from cloud.stack.commands.tell import NOT_REACHED
from cloud.stack.errors import StackError
from cloud.stack.folder import Folder
from cloud.stack.plan import read_plan

_LOOK_S = 0.2
_PATIENCE_S = 15.0
_STATUS = {"in step": 0, "refused": 1, "differs": 1, "waiting for the device": NOT_REACHED}


def run(folder: Folder, options: argparse.Namespace) -> int:
    """Show, or change and wait until the device has taken it."""
    client = Client(read_plan(folder).api)
    at = asking.path("devices", options.name, "configuration")
    found = client.ask("GET", at)
    if options.action == "configuration":
        asking.show(found, _lines(found), as_json=options.json)
        return 0
    sources = wanted(options, found["own"])
    found = client.ask("PUT", at, {"sources": sources}, headers=asking.seen(found))
    end = time.monotonic() + _PATIENCE_S
    while found["state"] == "waiting for the device" and found["online"] and time.monotonic() < end:
        time.sleep(_LOOK_S)
        found = client.ask("GET", at)
    asking.show(found, [found["note"]], as_json=options.json)
    return _STATUS[found["state"]]


def wanted(options: argparse.Namespace, before: Mapping[str, Any]) -> documents.Sources:
    """Return the document that is asked for: a file's, none, or the one before with changes."""
    what: list[str] = options.what
    if options.clear == bool(what):
        raise StackError("say what: a FILE, KEY=VALUE …, or --clear")
    if options.clear:
        return {}
    if len(what) == 1 and "=" not in what[0]:
        return documents.read(Path(what[0]))
    return documents.changed(before, what)


def _lines(found: dict[str, Any]) -> list[str]:
    desired = documents.keys(found["desired"]["sources"])
    reported = documents.keys((found["reported"] or {"sources": {}})["sources"])
    origin: dict[str, str] = {}
    for group in found["groups"]:
        origin.update(dict.fromkeys(documents.keys(group["sources"]), f"group {group['group']}"))
    origin.update(dict.fromkeys(documents.keys(found["own"]), "the device's own"))
    rows = [
        (
            key,
            desired.get(key, ""),
            reported.get(key, "?"),
            origin.get(key, "agent.toml") if key in desired else "agent.toml",
        )
        for key in sorted({*desired, *reported})
    ]
    lines = [found["note"]]
    if found["left_out"]:
        lines.append(f"Left out, for it has no such source: {', '.join(found['left_out'])}")
    return [*lines, "", *asking.table(("KEY", "DESIRED", "REPORTED", "FROM"), rows)]
