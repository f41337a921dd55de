"""The packaged program against the whole stack, as somebody uses it who has never seen it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.servers import CHECKOUT
from tests.stack import Stack
from tests.waiting import eventually

pytestmark = [pytest.mark.packaged, pytest.mark.timeout(600)]

_SOURCE = """
[[source]]
kind = "simulated"
name = "sim"
rate_hz = 5.0
[[source.signals]]
channel = "temperature"
wave = "sine"
unit = "Cel"
"""


class Hands:
    """What a person does with the window; each waits until it can be done."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def press(self, name: str) -> None:
        eventually(lambda: self._do("press", name=name) is None, within=60, what=f"press {name!r}")

    def write(self, name: str, text: str) -> None:
        eventually(
            lambda: self._do("write", name=name, text=text) is None, within=60, what=f"write {name}"
        )

    def texts(self) -> list[str]:
        found: list[str] = self._do("texts")
        return found

    def sees(self, text: str, within: float = 60) -> str:
        """Wait until something on the screen holds this; return all of it."""
        return eventually(
            lambda: next((one for one in self.texts() if text in one), ""),
            within=within, what=f"{text!r} is shown",
        )  # fmt: skip

    def _do(self, what: str, **words: str) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps({"do": what, **words}), file=self._process.stdin, flush=True)
        # What the session's bus starts writes there, too, but no JSON.
        line = next((one for one in self._process.stdout if one.startswith("{")), "")
        if not line:
            raise RuntimeError("the program has ended")
        answered = json.loads(line)
        if "error" in answered:
            raise AssertionError(answered["error"])
        return answered["done"]


@pytest.fixture(scope="session")
def program() -> Path:
    """What `make panel` builds, with its libraries."""
    subprocess.run(
        [sys.executable, "packaging/panel", "--folder-only"], cwd=CHECKOUT, check=True, timeout=300
    )
    return CHECKOUT / "build" / "panel" / "fieldline-panel" / "fieldline-panel"


@pytest.fixture
def hands(program: Path, screen: str, stack: Stack, tmp_path: Path) -> Iterator[Hands]:
    """The program on a virtual screen, for somebody who has no settings yet."""
    runtime = tmp_path / "runtime"
    runtime.mkdir(mode=0o700)
    with subprocess.Popen(
        [
            "dbus-run-session", "--", "/usr/bin/python3", str(Path(__file__).with_name("hands.py")),
            str(program), "--settings", str(tmp_path / "settings"),
            "--data", str(stack.folder.data),
        ],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={
            "PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "LANG": "C.UTF-8", "DISPLAY": screen,
            "XDG_RUNTIME_DIR": str(runtime), "QT_LINUX_ACCESSIBILITY_ALWAYS_ON": "1",
        },
    ) as process:  # fmt: skip
        yield Hands(process)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(30) == 0


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Agents that were started; they end with the test."""
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for process in started:
        process.terminate()
        process.wait(30)


def enrol_and_run(code: str, folder: Path) -> subprocess.Popen[bytes]:
    """Do on a device what the panel says."""
    config = folder / "agent.toml"
    command = [sys.executable, "-m", "edge_agent.cli"]
    subprocess.run(
        [*command, "enrol", code, "--config", str(config), "--data", str(folder / "device")],
        cwd=CHECKOUT, check=True, timeout=60,
    )  # fmt: skip
    config.write_text(config.read_text() + _SOURCE)
    with (folder / "agent.log").open("ab") as log:
        return subprocess.Popen(
            [*command, "run", "--config", str(config)], stdout=log, stderr=log, cwd=CHECKOUT
        )


def test_somebody_logs_in_registers_a_device_sees_it_arrive_stops_and_starts_the_pipeline(
    hands: Hands, stack: Stack, tmp_path: Path, agent: list[subprocess.Popen[bytes]]
) -> None:
    hands.write("Your name", "ada")
    hands.write("a password that you choose", "correct horse battery staple")
    hands.press("Become its administrator")
    hands.press("Open the panel")
    hands.sees("What needs attention")

    hands.press("Devices")
    hands.press("Register a device …")
    hands.write("Name", "greenhouse-7")
    hands.press("Register the device")
    command = hands.sees("fieldline-agent enrol")
    agent.append(enrol_and_run(command.split("'")[1], tmp_path))
    hands.sees("First readings", within=90)
    hands.sees("temperature", within=90)
    hands.press("Show the device")
    hands.sees("greenhouse-7")

    hands.press("Pipeline")
    hands.press("Stop everything")
    hands.sees("Stop everything?")
    hands.press("Yes: Stop everything")
    eventually(lambda: stack.stage("stream")["state"] == "stopped", within=90, what="it stops")
    hands.sees("stopped")
    hands.press("Start everything")
    hands.press("Yes: Start everything")
    eventually(lambda: stack.stage("stream")["state"] == "running", within=120, what="it runs")
    hands.sees("All 6 stages are running", within=90)
