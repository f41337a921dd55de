"""Writes `agent.toml` for agents of this stack. Pure, but for `write`."""

import json
import os
from pathlib import Path

from cloud.stack.plan import Mqtt


def agent_toml(
    device: str, data: str, mqtt: Mqtt, password_file: str, *, host: str, sources: str = ""
) -> str:
    """Return the settings of an agent that reaches this broker at `host`; `sources` is TOML."""
    lines = [
        "[agent]",
        f"device = {_toml(device)}",
        f"data = {_toml(data)}",
        "",
        "[mqtt]",
        f"host = {_toml(host)}",
        f"port = {mqtt.port}",
        f"ca = {_toml(mqtt.ca)}",
        f"username = {_toml(device)}",
        f"password_file = {_toml(password_file)}",
        "",
    ]
    return "\n".join(lines) + (sources or _EXAMPLE)


_EXAMPLE = """
# What it reads; `fieldline-agent scan` lists serial ports, docs/code-map.md the kinds of sources.
[[source]]
kind = "host"
name = "host"
"""


def write(file: Path, text: str, mode: int = 0o600) -> None:
    """Write a file as a whole, so that nobody ever reads half of it; only its owner may read."""
    beside = file.with_name(f".{file.name}.new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
        handle.write(text)
    beside.replace(file)


def _toml(text: str) -> str:
    return json.dumps(text)  # a JSON string is a TOML basic string
