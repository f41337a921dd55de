"""A real agent process, told what to do over a real broker."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from edge_agent.agent import RESTART
from edge_agent.cli import main
from firmware.arduino.build import SKETCHES, build_rig, build_sketch
from firmware.arduino.rig import Rig
from tests.edge_agent.process import AgentProcess
from tests.edge_agent.receiver import Receiver
from tests.edge_agent.remote.commander import Commander
from tests.servers import Broker
from tests.waiting import eventually

SOURCES = """
[[source]]
kind = "simulated"
name = "fast"
rate_hz = 50
[[source.signals]]
channel = "c"
wave = "constant"
center = 10.0
[[source]]
kind = "host"
name = "host"
interval_s = 3600.0
"""


@pytest.fixture
def agent(broker: Broker, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[AgentProcess]:
    device = f"remote-{abs(hash(request.node.name)) % 10**9}"
    running = AgentProcess(tmp_path, broker, device, sources=SOURCES)
    running.start()
    try:
        yield running
    finally:
        assert running.process is not None
        if running.process.poll() is None:
            assert running.stop() == 0


@pytest.fixture
def device(agent: AgentProcess) -> str:
    return agent.config.read_text().split('"')[1]


@pytest.fixture
def receiver(broker: Broker, device: str) -> Iterator[Receiver]:
    receiver = Receiver(broker, device)
    yield receiver
    receiver.close()


@pytest.fixture
def api(broker: Broker, device: str) -> Iterator[Commander]:
    with Commander(broker, device) as commander:
        eventually(lambda: commander.reported, what="the device is there")
        yield commander


T = TypeVar("T")


def last(said: list[T], fits: Callable[[T], bool]) -> T:
    """Wait until what was said last fits."""
    return eventually(lambda: [each for each in said[-1:] if fits(each)])[0]


def states(api: Commander) -> dict[str, str]:
    return {source.name: source.state for source in api.statuses[-1].sources}


def test_sampling_is_switched_whole_and_by_source_and_stays_so_after_a_kill(
    agent: AgentProcess, api: Commander
) -> None:
    reply = api.ask("sampling", on=False, source="fast")
    assert (reply.ok, reply.result) == (True, {"fast": False, "host": True})
    eventually(lambda: states(api) == {"fast": "stopped", "host": "running"})
    assert api.ask("sampling", on=False).result == {"fast": False, "host": False}
    eventually(lambda: set(states(api).values()) == {"stopped"})
    refused = api.ask("sampling", on=True, source="host")
    assert "off for the device as a whole" in refused.error

    agent.kill()
    agent.start()
    heard = len(api.statuses)
    eventually(lambda: len(api.statuses) > heard and set(states(api).values()) == {"stopped"})
    assert api.ask("sampling", on=True).result == {"fast": False, "host": True}
    eventually(lambda: states(api) == {"fast": "stopped", "host": "running"})


def test_an_interval_is_set_within_the_range_of_the_source(
    agent: AgentProcess, api: Commander, receiver: Receiver
) -> None:
    def host_readings() -> int:
        return len({t for channel, t, _ in receiver.readings() if channel == "host/cpu"})

    assert api.ask("interval", source="host", interval_s=0.1).ok
    eventually(lambda: host_readings() >= 5)
    assert eventually(lambda: api.reported[-1].sources["host"].interval_s == 0.1)
    refused = api.ask("interval", source="host", interval_s=0.01)
    assert "'host' (host) cannot be read every 0.01 s" in refused.error
    assert "0.1" in refused.error
    unknown = api.ask("interval", source="hots", interval_s=1)
    assert unknown.error == "there is no source 'hots'; this device has: fast, host"


def test_a_command_that_comes_again_is_answered_and_not_done_again_even_after_a_kill(
    agent: AgentProcess, api: Commander
) -> None:
    first = api.ask("sampling", identity="one", on=False, source="fast")
    api.ask("sampling", on=True, source="fast")
    assert api.ask("sampling", identity="one", on=False, source="fast") == first
    agent.kill()
    agent.start()
    assert api.ask("sampling", identity="one", on=False, source="fast") == first
    assert eventually(lambda: api.reported[-1].sources["fast"].on)


def test_what_cannot_be_done_is_answered_with_what_can(agent: AgentProcess, api: Commander) -> None:
    late = api.ask("sampling", late_s=5, on=False)
    assert "too late and was not done" in late.error
    assert "did you mean 'sampling'" in api.ask("samplin", on=False).error
    assert "it takes on, source (optional)" in api.ask("sampling", off=True).error
    nothing = api.ask("identify")
    assert "no board with an LED to blink: fast (simulated, running)" in nothing.error
    assert "enrol" in api.ask("csr").error
    api.publish(f"fieldline/v1/{api.device}/cmd", b"\xff{")
    assert api.ask("sampling", on=True).ok
    assert states(api)["fast"] == "running"


def test_a_board_is_told_to_blink(broker: Broker, tmp_path: Path) -> None:
    build_rig()
    elf = build_sketch(SKETCHES / "environment").elf
    with Rig(elf) as rig:
        board = f'[[source]]\nkind = "arduino"\nname = "board"\nport = "{rig.port}"\n'
        agent = AgentProcess(tmp_path, broker, "blinks", sources=board)
        with Commander(broker, "blinks") as commander:
            agent.start()
            try:
                eventually(
                    lambda: commander.statuses and commander.statuses[-1].sources[0].readings
                )
                assert commander.ask("identify").result == {"boards": ["board"]}
                assert commander.ask("identify", source="board").ok
                unknown = commander.ask("identify", source="bord")
                assert unknown.error == "there is no source 'bord'; this device has: board"
            finally:
                assert agent.stop() == 0


def test_a_restart_is_a_clean_stop_with_a_status_of_its_own_and_happens_once(
    agent: AgentProcess, api: Commander
) -> None:
    assert api.ask("restart", identity="again").ok
    assert agent.process is not None
    assert agent.process.wait(60) == RESTART == 3
    assert eventually(lambda: api.statuses[-1].reason == "stopped")
    agent.start()
    assert api.ask("restart", identity="again").ok
    assert api.ask("sampling", on=True).ok
    assert agent.process.poll() is None


def test_a_diagnosis_says_what_the_doctor_says_and_holds_up_nothing(
    agent: AgentProcess, api: Commander, receiver: Receiver
) -> None:
    eventually(lambda: receiver.packs)
    reply = api.ask("diagnose")
    assert reply.result is not None
    checks = {check["name"]: check for check in reply.result["checks"]}
    wanted = ["configuration", "data folder", "clock", "name", "tcp", "tls", "login", "publish"]
    assert list(checks) == [*wanted, "receipt"]
    assert [n for n, c in checks.items() if not c["ok"] and n != "clock"] == []


def test_a_revoked_device_says_so_keeps_its_readings_and_is_let_in_again_later(
    agent: AgentProcess, api: Commander, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    eventually(lambda: receiver.packs)
    assert api.ask("revoked", reason="lost").ok
    assert last(api.statuses, lambda s: s.state == "offline").reason == "revoked"
    seen = len(receiver.packs)
    status = agent.data / "status.json"
    eventually(lambda: "revoked" in json.loads(status.read_bytes())["connection"])
    assert main(["status", "--config", str(agent.config), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["revoked"] is True
    held = eventually(lambda: json.loads(status.read_bytes())["buffer"]["held"])
    assert held
    assert len(receiver.packs) == seen
    # What it would read on could push out what it keeps.
    shown = json.loads(status.read_bytes())["sources"]
    assert {source["state"] for source in shown} == {"stopped"}
    assert agent.stop() == 0

    agent.start()
    eventually(lambda: len(receiver.packs) > seen)
    eventually(lambda: states(api)["fast"] == "running")


def test_a_configuration_is_taken_as_a_whole_or_refused_and_holds_after_a_kill(
    agent: AgentProcess, api: Commander, receiver: Receiver
) -> None:
    def values() -> set[object]:
        return {value for channel, _, value in receiver.readings() if channel == "fast/c"}

    assert (api.reported[-1].version, api.reported[-1].applied) == (0, True)
    assert api.reported[-1].sources["host"].interval_s == 3600.0
    api.desire(
        b'{"version":7,"sources":{"host":{"on":false},'
        b'"fast":{"interval_s":0.05,"calibration":{"c":{"factor":2.0,"offset":0.5}}}}}'
    )
    good = last(api.reported, lambda r: r.version == 7)
    assert good.applied
    assert (good.sources["host"].on, good.sources["fast"].interval_s) == (False, 0.05)
    # What was sent before anybody listened comes again after 15 to 30 s.
    eventually(lambda: values() - {10.0} == {20.5}, what="calibrated readings")
    eventually(lambda: states(api)["host"] == "stopped")

    for version, body, sentence in (
        (8, b'{"host":{"on":true},"hots":{"on":true}}', "there is no source 'hots'"),
        (9, b'{"host":{"on":true,"interval_s":0.001}}', "cannot be read every 0.001 s"),
        (10, b'{"host":{"on":true,"calibration":{"x y":{}}}}', "no name for a channel"),
    ):
        api.desire(b'{"version":%d,"sources":%b}' % (version, body))
        bad = last(api.reported, lambda r, text=sentence: text in r.error)  # type: ignore[misc]
        assert not bad.applied
        assert bad.sources == good.sources

    agent.kill()
    heard = len(api.reported)
    agent.start()
    eventually(lambda: len(api.reported) > heard + 1)
    after = api.reported[-1]
    assert (after.applied, after.sources) == (False, good.sources)
    seen = len(receiver.readings())
    eventually(lambda: len(receiver.readings()) > seen + 5)
    assert values() - {10.0} == {20.5}


def test_what_was_said_last_holds_command_or_configuration(
    agent: AgentProcess, api: Commander
) -> None:
    one = b'{"version":1,"sources":{"fast":{"on":true}}}'
    api.desire(one)
    eventually(lambda: api.reported[-1].version == 1)
    api.ask("sampling", on=False, source="fast")
    api.desire(one)
    eventually(lambda: api.reported[-1].sources["fast"].on is False)
    api.desire(b'{"version":2,"sources":{"fast":{"on":true}}}')
    eventually(lambda: api.reported[-1].version == 2 and api.reported[-1].sources["fast"].on)
