"""Each broken set-up is named, with what to do."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from edge_agent.cli import main
from edge_agent.doctor import Check, examine
from edge_agent.settings import Settings, read
from tests.edge_agent.process import AgentProcess
from tests.edge_agent.receiver import Receiver
from tests.servers import Broker
from tests.waiting import eventually
from wire.reading import TimeQuality


def steps(settings: Settings, quality: TimeQuality = TimeQuality.SYNCED) -> dict[str, Check]:
    return {check.name: check for check in examine(settings, quality=lambda: quality)}


def a_device(folder: Path, broker: Broker, change: Callable[[str], str] = str) -> Settings:
    agent = AgentProcess(folder, broker, "examined")
    agent.config.write_text(change(agent.config.read_text()))
    return read(agent.config)


def test_all_is_ticked_where_all_is_well_beside_the_running_agent(
    broker: Broker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    agent = AgentProcess(tmp_path, broker, "healthy")
    receiver = Receiver(broker, "healthy")
    try:
        agent.start()
        eventually(lambda: receiver.packs)
        seen = len(receiver.statuses)
        found = eventually(lambda: (s := steps(read(agent.config))) and s["receipt"].ok and s)
        assert [check for check in found.values() if not check.ok or check.fix] == []  # type: ignore[union-attr]
        assert list(found)[-3:] == ["login", "publish", "receipt"]  # type: ignore[arg-type]
        assert not [s for s in receiver.statuses[seen:] if b"offline" in s]
        main(["doctor", "--config", str(agent.config), "--json"])
        said = json.loads(capsys.readouterr().out)["checks"]
        assert [set(check) for check in said] == [{"name", "ok", "seen", "fix"}] * len(found)  # type: ignore[arg-type]
    finally:
        assert agent.stop() == 0
        receiver.close()


@pytest.mark.parametrize(
    ("old", "new", "step", "seen"),
    [
        ('host = "127.0.0.1"', 'host = ""', "name", "not enrolled yet"),
        ('host = "127.0.0.1"', 'host = "no.such.host.invalid"', "name", "cannot be resolved"),
        ("port = PORT", "port = 1", "tcp", "cannot be reached"),
        ('ca = "CA"', 'ca = ""', "tls", "the broker's certificate is not: "),
        ('ca = "CA"', 'ca = "/nowhere.pem"', "tls", "No such file"),
        ("password_file", 'username = "somebody"\npassword_file', "login", "refuses somebody"),
    ],
)
def test_a_broken_step_is_named_and_is_the_last(
    broker: Broker, tmp_path: Path, old: str, new: str, step: str, seen: str
) -> None:
    old = old.replace("PORT", str(broker.port)).replace("CA", broker.ca)

    def break_it(text: str) -> str:
        assert old in text
        return text.replace(old, new)

    found = steps(a_device(tmp_path, broker, break_it))
    assert list(found)[-1] == step
    assert not found[step].ok
    assert seen in found[step].seen
    assert found[step].fix
    assert all(check.ok for name, check in found.items() if name != step)


def test_a_clock_that_nothing_keeps_right_and_no_sources_are_told_and_the_rest_is_looked_at(
    broker: Broker, tmp_path: Path
) -> None:
    settings = a_device(tmp_path, broker, lambda text: text.partition("[[source]]")[0])
    found = steps(settings, TimeQuality.ESTIMATED)
    wrong = [name for name, check in found.items() if not check.ok]
    assert wrong == ["configuration", "clock", "receipt"]
    assert "timedatectl set-ntp true" in found["clock"].fix
    assert "never receipted" in found["receipt"].seen


def test_a_data_folder_that_cannot_be_written_is_told(broker: Broker, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    found = steps(a_device(tmp_path, broker))
    assert "File exists" in found["data folder"].seen
    assert found["login"].ok


def test_a_tick_or_the_fix_is_printed(
    broker: Broker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a_device(tmp_path, broker, lambda text: text.replace(f"port = {broker.port}", "port = 1"))
    assert main(["doctor", "--config", str(tmp_path / "agent.toml")]) == 1
    said = capsys.readouterr().out
    assert "✓ data folder" in said
    assert "✗ tcp" in said
    assert "→ check that the broker runs" in said
