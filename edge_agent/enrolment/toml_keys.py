"""Sets keys of a TOML file and leaves the rest of it, comments included, as it is. Pure."""

import json
import re
import tomllib
from collections.abc import Mapping

from edge_agent.enrolment.errors import EnrolmentFailed

_HEADER = re.compile(r"^\s*\[")

Values = Mapping[str, Mapping[str, str | int | bool]]
"""Value by key, by table."""


def set_keys(text: str, values: Values) -> str:
    """Return the text with the values; raises EnrolmentFailed if it cannot be done by lines."""
    lines = text.splitlines()
    for table, keys in values.items():
        lines = _set(lines, table, keys)
    written = "\n".join(lines) + "\n"
    wanted = tomllib.loads(text)
    for table, keys in values.items():
        wanted[table] = {**wanted.get(table, {}), **keys}
    try:
        done = tomllib.loads(written)
    except tomllib.TOMLDecodeError:
        done = {}
    if done != wanted:
        by_hand = "; ".join(
            f"[{table}] {key} = {_value(value)}"
            for table, keys in values.items()
            for key, value in keys.items()
        )
        raise EnrolmentFailed("the file is not written one key a line", f"Set by hand: {by_hand}")
    return written


def _set(lines: list[str], table: str, keys: Mapping[str, str | int | bool]) -> list[str]:
    header = re.compile(rf"^\s*\[\s*{re.escape(table)}\s*\]\s*(#.*)?$")
    start = next((n for n, line in enumerate(lines) if header.match(line)), None)
    if start is None:
        return [*lines, "", f"[{table}]", *(f"{key} = {_value(v)}" for key, v in keys.items())]
    end = next((n for n in range(start + 1, len(lines)) if _HEADER.match(lines[n])), len(lines))
    body = lines[start + 1 : end]
    new = []
    for key, value in keys.items():
        line = f"{key} = {_value(value)}"
        there = re.compile(rf"^\s*{re.escape(key)}\s*=")
        place = next((n for n, old in enumerate(body) if there.match(old)), None)
        if place is None:
            new.append(line)
        else:
            body[place] = line
    filled = len(body)
    while filled and not body[filled - 1].strip():
        filled -= 1
    return [*lines[: start + 1], *body[:filled], *new, *body[filled:], *lines[end:]]


def _value(value: str | int | bool) -> str:
    return json.dumps(value, ensure_ascii=False)  # a basic string of TOML is one of JSON
