"""Runs a program and does with it what a person does, by the desktop's accessibility (AT-SPI).

    dbus-run-session -- /usr/bin/python3 hands.py PROGRAM ARGUMENT …

Takes one JSON object a line and answers each with one: {"do": "press", "name": "Connect"},
{"do": "write", "name": "Name", "text": "pi-7"}, {"do": "texts"}; {"error": "…"} if it cannot.
Debian's own Python runs it, which has the bindings of AT-SPI; it imports nothing of Fieldline.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import gi  # type: ignore[import-not-found, unused-ignore]

gi.require_version("Atspi", "2.0")
from gi.repository import (  # type: ignore[import-not-found, unused-ignore]  # noqa: E402 -- after the choice
    Atspi,
    GLib,
)


def shown(top: Any) -> Iterator[Any]:
    """Yield everything that is on the screen, from the outside in."""
    waiting = [top]
    while waiting:
        one = waiting.pop()
        try:
            if one is None:
                continue
            if one.get_state_set().contains(Atspi.StateType.SHOWING) or one is top:
                yield one
                waiting += [one.get_child_at_index(n) for n in range(one.get_child_count())]
        except GLib.Error:  # it went away meanwhile
            continue


def everything() -> Iterator[Any]:
    desktop = Atspi.get_desktop(0)
    for number in range(desktop.get_child_count()):
        application = desktop.get_child_at_index(number)
        if application is not None and application.get_process_id() == program.pid:
            for window in range(application.get_child_count()):
                yield from shown(application.get_child_at_index(window))


def named(name: str, *, usable: Atspi.StateType) -> Any:
    for one in everything():
        if one.get_name() == name and one.get_state_set().contains(usable):
            return one
    raise LookupError(f"there is no {name!r} that could be used")


def press(name: str) -> None:
    """Do what a click does: the first action of a control."""
    one = named(name, usable=Atspi.StateType.SENSITIVE)
    if "Action" not in one.get_interfaces() or not Atspi.Action.do_action(one, 0):
        raise LookupError(f"{name!r} cannot be pressed")


def write(name: str, text: str) -> None:
    """Put a text into a field."""
    field = named(name, usable=Atspi.StateType.EDITABLE)
    if not Atspi.EditableText.set_text_contents(field, text):
        raise LookupError(f"nothing can be written into {name!r}")


def texts() -> list[str]:
    """Return what is written on the screen: names, and what is in fields."""
    found = []
    for one in everything():
        written = ""
        if "Text" in one.get_interfaces():
            written = Atspi.Text.get_text(one, 0, Atspi.Text.get_character_count(one))
        found += [said for said in (one.get_name(), written) if said]
    return found


def answer(asked: dict[str, str]) -> dict[str, Any]:
    try:
        if asked["do"] == "press":
            press(asked["name"])
        elif asked["do"] == "write":
            write(asked["name"], asked["text"])
        else:
            return {"done": texts()}
        return {"done": None}
    except (LookupError, GLib.Error) as error:
        return {"error": str(error)}


program = subprocess.Popen(sys.argv[1:])
try:
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)
finally:
    program.terminate()
    program.wait(60)
