"""`fieldline completeness`, through the API."""

import argparse
from typing import Any

from cloud.stack import asking
from cloud.stack.client import Client
from cloud.stack.folder import Folder
from cloud.stack.plan import read_plan

_COUNTED = ("stored", "on_device", "lost", "missing")


def run(folder: Folder, options: argparse.Namespace) -> int:
    """Show epochs of all devices, or the days and losses of one. 1 if packs are missing."""
    client = Client(read_plan(folder).api)
    return _of_one(client, options) if options.device else _of_all(client, options)


def _of_all(client: Client, options: argparse.Namespace) -> int:
    found = list(asking.pages(client, asking.path("completeness")))
    rows = [(one["device"], one["epoch"], *_counts(one)) for one in found]
    head = ("DEVICE", "EPOCH", "STORED", "ON DEVICE", "LOST", "MISSING")
    nothing = ["no device has sent anything yet"]
    asking.show(found, asking.table(head, rows) or nothing, as_json=options.json)
    return _status(found)


def _of_one(client: Client, options: argparse.Namespace) -> int:
    asked = {"device": options.device}
    days = list(
        asking.pages(
            client, asking.path("completeness", "days"), query={**asked, "since": options.since}
        )
    )
    losses = list(asking.pages(client, asking.path("completeness", "losses"), query=asked))
    lines = asking.table(
        ("DAY (UTC)", "STORED", "ON DEVICE", "LOST", "MISSING"),
        [(day["day"], *_counts(day)) for day in days],
    ) or [f"of {options.device} nothing has come"]
    lines += [
        f"lost: {one['packs']} of epoch {one['epoch']}: {one['reason'] or 'nobody said why'}"
        for one in losses
    ]
    asking.show({"days": days, "losses": losses}, lines, as_json=options.json)
    return _status(days)


def _counts(one: dict[str, Any]) -> list[str]:
    return [str(one[counted]) for counted in _COUNTED]


def _status(found: list[dict[str, Any]]) -> int:
    return 1 if any(one["missing"] for one in found) else 0
