"""`fieldline storage`."""

import argparse
from collections.abc import Mapping
from typing import Any

from cloud.stack import asking
from cloud.stack.client import Client
from cloud.stack.folder import Folder
from cloud.stack.plan import read_plan


def run(folder: Folder, options: argparse.Namespace) -> int:
    """Say what takes the disk; 1 if it will be full soon."""
    told = Client(read_plan(folder).api).ask("GET", asking.path("storage"))
    asking.show(told, _lines(told), as_json=options.json)
    return 1 if told["warning"] else 0


def _lines(told: Mapping[str, Any]) -> list[str]:
    disk, backup = told["disk"], told["backup"]
    lines = [
        *asking.table(
            ("part", "size", "a day", "kept"),
            [(f"tier {one['name']}", *_numbers(one), _kept(one)) for one in told["tiers"]]
            + [(one["name"], *_numbers(one), "") for one in told["servers"]],
        ),
        "",
        f"{_size(disk['free'])} of {_size(disk['size'])} are free where {disk['path']} is",
        f"full: {told['forecast']}",
        f"newest backup: {backup['taken']}, {backup['file']}"
        if backup
        else "no backup was ever made; `fieldline backup` makes one",
    ]
    return [*lines, *(line for line in (told["held_back"], told["warning"]) if line)]


def _numbers(part: Mapping[str, Any]) -> tuple[str, str]:
    growth = part["growth"]
    return _size(part["bytes"]), "-" if growth is None else _size(growth)


def _kept(tier: Mapping[str, Any]) -> str:
    if tier["kept_days"] is None:
        return "for ever"
    gone = tier["expired_until"]
    return f"{tier['kept_days']} days" + (f", expired until {gone[:10]}" if gone else "")


def _size(count: float) -> str:
    for unit, size in (("GB", 1e9), ("MB", 1e6)):
        if abs(count) >= size:
            return f"{count / size:,.1f} {unit}"
    return f"{count / 1e3:,.0f} kB"
