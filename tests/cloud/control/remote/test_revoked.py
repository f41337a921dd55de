"""A revoked agent keeps what it has: it reads nothing more until it is let in again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.cloud.control.api import Api
from tests.cloud.control.remote.conftest import SOURCES, Device
from tests.edge_agent.process import AgentProcess
from tests.waiting import eventually


@pytest.fixture(params=["password", "certificate"])
def member(
    request: pytest.FixtureRequest,
    alone: Api,
    admin: httpx.Client,
    make: Callable[..., Device],
    tmp_path: Path,
) -> Device:
    """A device that is online, by each way of logging in."""
    device = make()
    if request.param == "password":
        device.name = f"{device.name}-word"
        device.agent = AgentProcess(tmp_path / "word", alone.broker, device.name, sources=SOURCES)
        eventually(lambda: admin.get(device.path).status_code == 200, what="it is taken in")
    device.start()
    return device


def test_a_revoked_device_reads_nothing_until_it_is_restored(
    admin: httpx.Client, member: Device
) -> None:
    agent = member.agent

    def shown() -> dict[str, Any]:
        return dict(json.loads((agent.data / "status.json").read_bytes()))

    def states() -> set[str]:
        return {source["state"] for source in shown()["sources"]}

    eventually(agent.held, what="readings wait for a receipt that never comes")
    assert admin.post(f"{member.path}/revocation", json={}).json()["told"]
    eventually(lambda: states() == {"stopped"}, what="the sources are off")
    kept = eventually(agent.held)

    # It does not take a connection for a pardon: a certificate alone still gets one.
    assert agent.stop() == 0
    agent.start()
    eventually(lambda: agent.said_since_start("was revoked; it keeps its readings"))
    assert states() == {"stopped"}
    assert agent.held() == kept

    assert admin.delete(f"{member.path}/revocation").status_code == 200
    assert agent.stop() == 0
    agent.start()
    eventually(lambda: agent.held() != kept, what="it reads again")
    assert not json.loads((agent.data / "remote.json").read_bytes()).get("revoked")
