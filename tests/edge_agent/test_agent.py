from __future__ import annotations

import signal
import subprocess
import sys
import threading
from importlib.metadata import version
from pathlib import Path

import pytest

from edge_agent import VERSION, agent
from edge_agent.packer import Packer
from edge_agent.settings import read


@pytest.mark.logs_errors
def test_a_part_that_breaks_ends_the_agent_so_that_it_is_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_packer: Packer) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Packer, "_run", broken)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    file = tmp_path / "agent.toml"
    file.write_text(
        f'[agent]\ndevice = "a"\ndata = "{tmp_path}/data"\n'
        '[mqtt]\nhost = "127.0.0.1"\nport = 1\ntls = false\n'
    )
    before = {name: signal.getsignal(name) for name in (signal.SIGTERM, signal.SIGINT)}
    try:
        assert agent.run(read(file), once=False) == 1
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


def test_who_stops_the_agent_while_it_waits_for_its_disk_sees_no_failure(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where the folder should be")
    file = tmp_path / "agent.toml"
    file.write_text(
        f'[agent]\ndevice = "a"\ndata = "{tmp_path}/data"\n'
        '[mqtt]\nhost = "127.0.0.1"\nport = 1\ntls = false\n'
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "edge_agent", "run", "--config", str(file)],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    with process.stderr as said:
        assert any("trying again" in line for line in said)
        process.terminate()
        assert process.wait(60) == 0


def test_the_agent_names_the_version_of_the_package() -> None:
    assert version("fieldline") == VERSION
