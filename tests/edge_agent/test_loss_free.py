"""Whatever is killed or forgotten: every pack written arrives, and never with two contents."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.edge_agent.process import AgentProcess
from tests.edge_agent.receiver import Receiver
from tests.servers import Broker
from tests.waiting import eventually
from wire.ranges import RangeSet


@pytest.fixture
def device(request: pytest.FixtureRequest) -> str:
    return f"d-{abs(hash(request.node.name)) % 10**8}"


@pytest.fixture
def cloud(broker: Broker, device: str) -> Iterator[Receiver]:
    receiver = Receiver(broker, device)
    eventually(lambda: receiver.connected)
    yield receiver
    receiver.close()


@pytest.fixture
def agent(broker: Broker, device: str, tmp_path: Path) -> Iterator[AgentProcess]:
    process = AgentProcess(tmp_path, broker, device)
    yield process
    if process.process is not None and process.process.poll() is None:
        process.kill()


def assert_complete(agent: AgentProcess, cloud: Receiver) -> None:
    """All numbers that were ever given have come, each with one content."""
    epoch, following = agent.written()
    assert following > 0
    assert cloud.numbers(epoch) == RangeSet(((0, following - 1),))
    assert cloud.conflicts == []
    times = [(channel, time_utc) for channel, time_utc, _ in cloud.readings()]
    assert len(times) == len(set(times)), "a reading came in two packs"


def stop_complete(agent: AgentProcess, cloud: Receiver) -> None:
    """Stop it, let an agent without sources deliver what is left, and see that all has come."""
    eventually(lambda: agent.said_since_start("running with"))
    assert agent.stop() == 0
    agent.drain()
    assert not agent.held()
    assert_complete(agent, cloud)


def test_every_pack_arrives_once_and_is_then_forgotten(
    agent: AgentProcess, cloud: Receiver
) -> None:
    agent.start()
    eventually(lambda: len(cloud.packs) > 20)
    assert agent.stop() == 0
    assert_complete(agent, cloud)
    assert cloud.repeats == 0
    assert len(agent.held()) < len(cloud.packs) / 2
    last = json.loads(cloud.statuses[-1])
    assert (last["state"], last["reason"]) == ("offline", "stopped")


def test_killing_the_agent_at_any_moment_leaves_no_gap_and_no_second_content(
    agent: AgentProcess, cloud: Receiver
) -> None:
    chance = random.Random(7)
    for _ in range(8):
        before = len(cloud.packs)
        agent.start()
        eventually(lambda before=before: len(cloud.packs) > before)  # type: ignore[misc]
        until = time.monotonic() + chance.uniform(0.0, 0.4)
        eventually(lambda until=until: time.monotonic() > until)  # type: ignore[misc]
        agent.kill()
    agent.start()
    eventually(lambda: len(cloud.epochs()) == 1)
    stop_complete(agent, cloud)


def test_a_broker_killed_and_wiped_loses_nothing(
    agent: AgentProcess, cloud: Receiver, broker: Broker
) -> None:
    agent.start()
    eventually(lambda: len(cloud.packs) > 5)
    for wiped in (False, True):
        broker.kill()
        if wiped:
            broker.wipe()
        eventually(lambda: agent.said("cannot be reached"))
        before = len(cloud.packs)
        broker.start()
        eventually(lambda before=before: len(cloud.packs) > before + 10)  # type: ignore[misc]
    stop_complete(agent, cloud)


def test_lost_receipts_cost_only_a_resend(agent: AgentProcess, cloud: Receiver) -> None:
    cloud.silent.set()
    agent.start()
    eventually(lambda: len(cloud.packs) > 10)
    agent.kill()
    assert len(agent.held()) >= 10, "a pack was forgotten without a receipt"
    agent.start()
    eventually(lambda: cloud.repeats >= 10)
    cloud.silent.clear()
    stop_complete(agent, cloud)


def test_a_receipt_of_another_epoch_forgets_nothing(agent: AgentProcess, cloud: Receiver) -> None:
    cloud.silent.set()
    agent.start()
    eventually(lambda: len(cloud.packs) > 10)
    with cloud._lock:
        cloud.packs[("0" * 16, 0)] = b"[]"
        for number in range(1000):
            cloud.packs[("0" * 16, number)] = b"[]"
    cloud.receipt("0" * 16)
    before = len(cloud.packs)
    eventually(lambda: len(cloud.packs) > before + 5)
    agent.kill()
    assert agent.held().ranges[0][0] == 0


def test_after_an_outage_old_packs_go_by_the_backlog_and_new_ones_live(
    agent: AgentProcess, cloud: Receiver, broker: Broker
) -> None:
    agent.start()
    eventually(lambda: len(cloud.packs) > 5)
    broker.kill()
    began = agent.written()[1]
    eventually(lambda: agent.written()[1] > began + 40)
    arrived = len(cloud.arrivals)
    broker.start()
    eventually(lambda: "data" in [lane for _, lane, _ in cloud.arrivals[arrived:]])
    eventually(lambda: len(cloud.numbers(agent.written()[0]).ranges) == 1)
    came = cloud.arrivals[arrived:]
    late = [number for _, lane, number in came if lane == "backfill"]
    live = [number for _, lane, number in came if lane == "data"]
    assert len(late) >= 35
    assert max(late) < min(live), "a pack made after the reconnect went by the backlog's lane"
    stop_complete(agent, cloud)


def test_an_agent_starts_without_its_broker_and_says_why(
    broker: Broker, device: str, tmp_path: Path
) -> None:
    nowhere = AgentProcess(tmp_path / "a", broker, device, host="no-such-name.invalid")
    untrusted = AgentProcess(tmp_path / "b", broker, device, ca="")
    untrusted.config.write_text(
        "\n".join(x for x in untrusted.config.read_text().split("\n") if not x.startswith("ca "))
    )
    for agent, words in ((nowhere, "cannot be resolved"), (untrusted, "not to be trusted")):
        agent.start()
        try:
            eventually(lambda a=agent, w=words: a.said(w))  # type: ignore[misc]
            eventually(lambda a=agent: a.written()[1] > 3)  # type: ignore[misc]
            assert agent.stop() == 0
        finally:
            if agent.process is not None and agent.process.poll() is None:
                agent.kill()
