"""`fieldline device …` and `fieldline group …` as a person types them."""

from __future__ import annotations

import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cloud.control.api import Api
from tests.cloud.control.devices.player import Player
from tests.cloud.control.remote.conftest import Device
from tests.cloud.control.typed import Run, data_folder, typed
from tests.waiting import eventually


@pytest.fixture
def data(alone: Api, tmp_path: Path) -> Path:
    """A data folder whose plan names the API."""
    return data_folder(alone, tmp_path)


@pytest.fixture
def run(data: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command; returns what it printed, its JSON with `--json`, or stderr if it failed."""

    return typed(data, capsys)


def test_a_device_is_told_and_answers_in_words(run: Run, device: Device) -> None:
    name = device.name
    assert run("device", "sampling", name, "off", "--source", "fast") == (
        f"{name}: fast off, host on\n"
    )
    assert run("device", "interval", name, "host", "2.5") == f"{name} reads host every 2.5 s\n"
    assert "✓ configuration" in run("device", "diagnose", name)
    assert "no board with an LED" in run("device", "identify", name, status=1)
    listed = run("device", "commands", name)
    assert "sampling on=off source=fast" in listed
    assert "refused" in listed
    given = run("device", "restart", name, "--json")
    assert (given["state"], given["command"]) == ("done", "restart")
    assert device.agent.process is not None
    assert device.agent.process.wait(60) == 3


def test_a_device_that_is_away_has_an_exit_status_of_its_own(run: Run, away: Device) -> None:
    name = away.name
    refused = f"{name} has never connected; nothing was sent; say --wait to have it wait\n"
    away.is_never_seen()
    assert run("device", "restart", name, status=3) == refused
    problem = run("device", "restart", name, "--json", status=3)
    assert problem["type"].endswith("device-away")
    said = run("device", "sampling", name, "off", "--wait", "0.2s", status=3)
    assert f"{name} has never connected; the command waits until 20" in said
    assert said.endswith(f"{name} was not reached in time; it was not done\n")
    waiting = run("device", "sampling", name, "off", "--wait", "forever", "--detach")
    identity = waiting.rsplit("(id ", 1)[1].rstrip(")\n")
    assert identity in run("device", "commands", name)
    assert "withdrawn before it was sent" in run("device", "withdraw", name, identity)
    assert "withdrawn already" not in run("device", "withdraw", name, identity, status=1)


def test_a_length_of_time_that_is_none_is_a_wrong_argument(run: Run) -> None:
    for text in ("soon", "3y", "-1", "90d", "s"):
        with pytest.raises(SystemExit) as ended:
            run("device", "restart", "pi-7", f"--wait={text}")
        assert ended.value.code == 2


def test_a_configuration_is_taken_shown_and_refused(
    run: Run, device: Device, tmp_path: Path
) -> None:
    name = device.name
    said = run("device", "configure", name, "fast.interval_s=0.5", "host.on=off")
    assert said == f"{name} does what it should\n"
    shown = run("device", "configuration", name)
    assert any(
        line.split() == ["fast.interval_s", "0.5", "0.5", "the", "device's", "own"]
        for line in shown.splitlines()
    )
    assert "refuses version 2" in run("device", "configure", name, "fast.interval_s=1e-9", status=1)
    file = tmp_path / "wanted.toml"
    file.write_text("[sources.fast]\ninterval_s = 0.25\n")
    assert run("device", "configure", name, str(file), "--json")["own"] == {
        "fast": {"interval_s": 0.25}
    }
    assert run("device", "configure", name, "--clear", "--json")["own"] == {}
    assert "say what" in run("device", "configure", name, status=1)
    assert "there is no source 'bord'" in run("device", "configure", name, "bord.on=on", status=1)


def test_a_configuration_waits_for_who_is_away(run: Run, away: Device) -> None:
    away.is_never_seen()
    said = run("device", "configure", away.name, "fast.on=off", status=3)
    assert said == (
        f"{away.name} has never connected; {away.name} takes version 1 when it comes back\n"
    )


def test_groups_are_made_filled_configured_and_deleted(run: Run, registered: Device) -> None:
    name, group = registered.name, f"group-{registered.name}"
    run("group", "create", group, "--priority", "3")
    assert run("group", "add", group, name) == f"1 of 1 were put into {group}\n"
    said = run("group", "configure", group, "host.interval_s=30")
    assert said == f"{group} says so to 1 devices: 1 waiting for the device\n"
    shown = run("group", "show", group)
    assert f"devices   {name}" in shown
    assert "host.interval_s = 30" in shown
    assert f"group {group}" in run("device", "configuration", name)
    assert run("group", "change", group, "--priority", "-2", "--json")["priority"] == -2
    assert group in run("group", "list")
    assert run("group", "remove", group, name) == f"1 of 1 were taken out of {group}\n"
    assert "say --yes" in run("group", "delete", group, status=1)
    run("group", "delete", group, "--yes")
    assert "there is no group" in run("group", "show", group, status=1)


def test_a_device_is_renamed_placed_and_listed(run: Run, registered: Device) -> None:
    name = registered.name
    assert run("device", "rename", name, "Gas, hall 2") == f"{name}: label Gas, hall 2\n"
    run("device", "change", name, "--site", "Bern", "--place", "46.9", "7.4")
    one = run("device", "show", name, "--json")
    assert (one["label"], one["site"], one["latitude"]) == ("Gas, hall 2", "Bern", 46.9)
    assert run("device", "change", name, "--no-place", "--json")["latitude"] is None
    assert "say what" in run("device", "change", name, status=1)
    row = next(one for one in run("device", "list", "--json") if one["device"] == name)
    assert (row["label"], row["site"], row["stored"]) == ("Gas, hall 2", "Bern", 0)
    assert row["status"] in {"unknown", "never seen"}
    assert "Gas, hall 2" in run("device", "list")
    assert run("device", "remove", name, "--yes") == f"{name} is gone.\n"


def test_a_foreign_client_gets_its_login_and_another_password(
    run: Run, alone: Api, play: Callable[..., Player]
) -> None:
    facts = run("device", "add", "plc-9", "--foreign", "--json")
    assert set(facts) == {"device", "username", "password", "topic", "host", "port", "ca"}
    assert Path(facts["ca"]).is_file()

    def lets_in(password: str) -> bool:
        login = (facts["username"], password, facts["port"], facts["ca"])
        return not play(login=login).code.is_failure

    assert lets_in(facts["password"])
    assert "already" in run("device", "add", "plc-9", "--foreign", status=1)
    new = run("device", "password", "plc-9", "--yes", "--json")["password"]
    assert lets_in(new)
    assert not lets_in(facts["password"])


def test_an_agent_of_this_machine_joins_sends_and_changes_its_key(
    run: Run, alone: Api, tmp_path: Path
) -> None:
    config = tmp_path / "pi-9.toml"
    said = run("device", "add", "pi-9", "--out", str(config), "--site", "here")
    assert f"fieldline-agent run --config {config}" in said
    key = tmp_path / "pi-9.data" / "identity" / "current" / "key.pem"
    for secret in (key, config):
        assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert "already" in run("device", "add", "pi-9", "--out", str(config), status=1)
    with (tmp_path / "agent.log").open("wb") as log:
        agent = subprocess.Popen(
            [sys.executable, "-m", "edge_agent.cli", "run", "--config", str(config)], stderr=log
        )
    try:
        before = key.read_text()
        eventually(lambda: run("device", "rotate", "pi-9", "--json"), what="it is online")
        assert key.read_text() != before
        assert run("device", "sampling", "pi-9", "on") == "pi-9: host on\n"
    finally:
        agent.terminate()
        assert agent.wait(60) == 0


def test_a_device_elsewhere_is_added_by_a_line_to_run_there(run: Run) -> None:
    said = run("device", "add", "pi-10")
    assert "fieldline-agent enrol 'fieldline:enrol?url=" in said
    assert "no name" in run("device", "add", "no name", status=1)


def test_an_api_that_does_not_run_is_to_be_started(run: Run, alone: Api) -> None:
    alone.stop()
    try:
        for words in (("list",), ("show", "x"), ("add", "x"), ("sampling", "x", "on")):
            assert "start it with `fieldline start api`" in run("device", *words, status=3)
    finally:
        alone.start()
