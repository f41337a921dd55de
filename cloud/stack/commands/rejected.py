"""`fieldline rejected list`, through the API."""

import argparse
from typing import Any

from cloud.stack import asking
from cloud.stack.client import Client
from cloud.stack.folder import Folder
from cloud.stack.plan import read_plan

_WIDTH = 60


def run(folder: Folder, options: argparse.Namespace) -> int:
    """List the newest, the newest last."""
    client = Client(read_plan(folder).api)
    asked = {"device": options.device, "reason": options.reason}
    found = list(asking.pages(client, asking.path("rejected"), options.lines, asked))
    rows = [
        (one["time"][:19], one["device"], one["reason"], one["origin"], _state(one))
        for one in reversed(found)
    ]
    head = ("RECEIVED (UTC)", "DEVICE", "REASON", "FROM", "")
    asking.show(found, asking.table(head, rows) or ["nothing was rejected"], as_json=options.json)
    return 0


def _state(one: dict[str, Any]) -> str:
    if one["redriven"]:
        return f"redriven {one['redriven'][:19]}"
    text = "" if one["text"] is None else " ".join(one["text"].split())
    return text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"
