"""A real agent that is killed again and again while its clock is not set."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from edge_agent.buffer.snapshot import snapshot
from tests.edge_agent.process import AgentProcess
from tests.edge_agent.receiver import Receiver
from tests.servers import Broker
from tests.waiting import eventually
from wire.columns import decode_columns

DEVICE = "unset-clock"


@pytest.fixture
def cloud(broker: Broker) -> Iterator[Receiver]:
    receiver = Receiver(broker, DEVICE)
    eventually(lambda: receiver.connected)
    yield receiver
    receiver.close()


@pytest.fixture
def agent(broker: Broker, tmp_path: Path) -> Iterator[AgentProcess]:
    process = AgentProcess(tmp_path, broker, DEVICE, module="tests.edge_agent.unset_agent")
    yield process
    if process.process is not None and process.process.poll() is None:
        process.kill()


def waiting(agent: AgentProcess) -> int:
    with snapshot(agent.data) as contents:
        found = contents.summary()["waiting"]
    assert isinstance(found, int)
    return found


def has_waiting(agent: AgentProcess, n: int) -> bool:
    return agent.said_since_start("running with") and waiting(agent) >= n


def test_what_is_read_before_the_clock_is_set_arrives_once_with_the_right_time(
    agent: AgentProcess, cloud: Receiver, tmp_path: Path
) -> None:
    clock = tmp_path / "clock"
    clock.write_text("0")
    began = time.time_ns() // 1000
    for wanted in (5, 15):
        agent.start()
        eventually(partial(has_waiting, agent, wanted))
        agent.kill()
    kept = waiting(agent)
    agent.start()
    eventually(lambda: waiting(agent) > kept)
    eventually(lambda: bool(cloud.statuses) and json.loads(cloud.statuses[-1])["clock"] == "unset")
    assert cloud.packs == {}
    right = time.time_ns() - time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    clock.with_suffix(".part").write_text(str(right // 1000))
    clock.with_suffix(".part").replace(clock)
    known = time.time_ns() // 1000
    eventually(lambda: waiting(agent) == 0)
    eventually(lambda: any(t > known + 500_000 for _, t, _ in cloud.readings()))
    assert agent.stop() == 0
    agent.drain()
    ended = time.time_ns() // 1000

    columns = [decode_columns(DEVICE, pack, received_utc=ended) for pack in cloud.packs.values()]
    early = [c for c in columns if c.qualities[0] == "corrected"]
    assert len(early) >= kept
    assert {str(c.qualities[0]) for c in columns} == {"corrected", "synced"}
    assert all(began - 50_000 < t < known + 50_000 for c in early for t in c.times)
    assert all(t > known - 50_000 for c in columns if c not in early for t in c.times)
    one = sorted(t for c in columns for name, t in zip(c.channels, c.times, strict=True)
                 if name == columns[0].channels[0])  # fmt: skip
    assert len(one) == len(set(one)), "a reading came twice"
    numbers = cloud.numbers(agent.written()[0])
    assert numbers.ranges == ((0, agent.written()[1] - 1),)
