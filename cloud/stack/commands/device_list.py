"""`fieldline device list`, through the API."""

import argparse
import time
from datetime import datetime
from typing import Any

from cloud.stack import asking
from cloud.stack.client import Client
from cloud.stack.folder import Folder
from cloud.stack.plan import read_plan
from cloud.stack.words import ago

_COUNTS = ("stored", "missing", "on_device", "lost")


def run(folder: Folder, options: argparse.Namespace) -> int:
    """List every device: how it does, and what of it has arrived."""
    client = Client(read_plan(folder).api)
    counts: dict[str, dict[str, int]] = {}
    for epoch in asking.pages(client, asking.path("completeness")):
        sums = counts.setdefault(epoch["device"], dict.fromkeys(_COUNTS, 0))
        for key in _COUNTS:
            sums[key] += epoch[key]
    none = dict.fromkeys(_COUNTS, 0)
    devices = [
        _device(one, counts.get(one["name"], none))
        for one in asking.pages(client, asking.path("devices"))
        if one["state"] != "gone"
    ]
    now = time.time()
    rows = [
        (
            one["device"],
            one["status"],
            ago(one["last_seen"], now),
            *(f"{one[key]:,}" for key in _COUNTS),
            one["label"],
            one["site"],
        )
        for one in devices
    ]
    head = ("DEVICE", "STATUS", "LAST SEEN", *(key.upper().replace("_", " ") for key in _COUNTS),
            "LABEL", "SITE")  # fmt: skip
    lines = asking.table(head, rows) or ["no device yet; add one with `fieldline device add NAME`"]
    asking.show(devices, lines, as_json=options.json)
    return 0


def _device(one: dict[str, Any], counts: dict[str, int]) -> dict[str, Any]:
    """Return a device as programs read it; `last_seen` in seconds since 1970."""
    seen = one["last_seen"]
    return {
        "device": one["name"],
        "kind": one["kind"],
        "label": one["label"],
        "site": one["site"],
        "state": one["state"],
        "status": one["status"],
        "reason": one["status_reason"],
        "last_seen": None if seen is None else datetime.fromisoformat(seen).timestamp(),
        **counts,
    }
