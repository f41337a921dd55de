from __future__ import annotations

import signal
import threading
from pathlib import Path

import pytest

from edge_agent import agent
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
