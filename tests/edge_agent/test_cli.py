from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from edge_agent.cli import main
from tests.edge_agent.process import AgentProcess
from tests.edge_agent.receiver import Receiver
from tests.servers import CHECKOUT, Broker
from tests.waiting import eventually


def test_what_a_person_asks_is_answered_while_the_agent_runs(
    broker: Broker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    agent = AgentProcess(tmp_path, broker, "asked")
    receiver = Receiver(broker, "asked")
    receiver.silent.set()
    config = ["--config", str(agent.config)]
    try:
        agent.start()
        eventually(lambda: len(receiver.packs) > 3)
        eventually(lambda: main(["status", *config]) == 0)
        assert "sim (simulated): running" in capsys.readouterr().out

        assert main(["status", *config, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["running"] is True

        assert main(["buffer", "show", *config]) == 0
        assert json.loads(capsys.readouterr().out)["packs"] > 3

        assert main(["buffer", "export", *config]) == 0
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert [line["sequence"] for line in lines] == list(range(len(lines)))
        assert lines[0]["pack"][0]["ep"] == lines[0]["epoch"]

        second = subprocess.run(
            [sys.executable, "-m", "edge_agent.cli", "run", *config],
            cwd=CHECKOUT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert second.returncode == 2
        assert "another fieldline-agent is running" in second.stderr
    finally:
        assert agent.stop() == 0
        receiver.close()
    assert main(["status", *config]) == 1
    assert "not running" in capsys.readouterr().out


def test_mistakes_get_a_sentence_and_status_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "--config", str(tmp_path / "none.toml")]) == 2
    assert "No such file" in capsys.readouterr().err
    (tmp_path / "a.toml").write_text(
        f'[agent]\ndevice = "a"\ndata = "{tmp_path}/nothing"\n[mqtt]\nhost = "h"\n'
    )
    assert main(["buffer", "show", "--config", str(tmp_path / "a.toml")]) == 2
    assert "cannot read a buffer" in capsys.readouterr().err
    assert main(["status", "--config", str(tmp_path / "a.toml")]) == 1


def test_help_shows_examples_without_loading_any_client() -> None:
    shown = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "edge_agent.cli", "--help"],
        cwd=CHECKOUT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "fieldline-agent buffer export" in shown.stdout
    for heavy in ("paho", "msgspec", "sqlite3", "serial"):
        assert heavy not in shown.stderr


def test_status_of_a_device_that_is_not_enrolled_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "agent.toml"
    config.write_text(f'[agent]\ndevice = "a"\ndata = "{tmp_path}"\n[mqtt]\nhost = ""\n')
    assert main(["status", "--config", str(config)]) == 1
    assert "this device is not enrolled" in capsys.readouterr().out
