"""A real API with a broker of its own, and real agents."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.cloud.control.alone import alone_api
from tests.cloud.control.api import Api
from tests.cloud.control.devices.player import Identity, Player, enrolled
from tests.edge_agent.process import AgentProcess
from tests.servers import Postgres
from tests.waiting import eventually

SOURCES = """
[[source]]
kind = "simulated"
name = "fast"
rate_hz = 20
[[source.signals]]
channel = "c"
wave = "constant"
center = 10.0
[[source]]
kind = "host"
name = "host"
interval_s = 3600.0
"""
_numbers = itertools.count(1)


def login_of(identity: Identity) -> str:
    """`[mqtt]` of an agent that logs in by its certificate."""
    return (
        f'host = "127.0.0.1"\nport = {identity.port}\nca = "{identity.ca}"\n'
        f'certificate = "{identity.certificate}"\nkey = "{identity.key}"\n'
    )


class Device:
    """A registered agent, and what the API says of it."""

    def __init__(
        self,
        name: str,
        agent: AgentProcess,
        client: httpx.Client,
        identity: Identity | None = None,
    ) -> None:
        self.name = name
        self.identity = identity
        self.agent = agent
        self.client = client

    @property
    def path(self) -> str:
        return f"/v1/devices/{self.name}"

    def start(self) -> None:
        """Start the agent and wait until the API knows that it is there."""
        self.agent.start()
        eventually(self._answers, what=f"{self.name} is there")

    def _answers(self) -> bool:
        return (
            self.configuration()["reported"] is not None and self.tell("sampling", on=True) == 202
        )

    def tell(self, command: str, **arguments: Any) -> int:
        return self.give({"command": command, "arguments": arguments}).status_code

    def give(self, body: dict[str, Any]) -> httpx.Response:
        return self.client.post(f"{self.path}/commands", json=body)

    def given(self, command: str, wait_s: float | None = 0, **arguments: Any) -> dict[str, Any]:
        """Give a command that is taken."""
        body = {"command": command, "arguments": arguments, "wait_s": wait_s}
        answer = self.give(body)
        assert answer.status_code == 202, answer.text
        return dict(answer.json())

    def ended(self, identity: str) -> dict[str, Any]:
        """What has become of a command, once it has ended."""

        def look() -> dict[str, Any]:
            answer = self.client.get(f"{self.path}/commands/{identity}?within_s=5")
            assert answer.status_code == 200, answer.text
            assert answer.json()["state"] not in {"queued", "sent"}, answer.json()
            return dict(answer.json())

        # A status that was lost with the broker is said again within a minute.
        return eventually(look, within=90)

    def did(self, command: str, wait_s: float | None = 0, **arguments: Any) -> dict[str, Any]:
        """Give a command and return what has become of it."""
        return self.ended(self.given(command, wait_s, **arguments)["id"])

    def configuration(self) -> dict[str, Any]:
        answer = self.client.get(f"{self.path}/configuration")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def configure(self, sources: dict[str, Any], version: int | None = None) -> httpx.Response:
        seen = self.configuration()["version"] if version is None else version
        return self.client.put(
            f"{self.path}/configuration",
            json={"sources": sources},
            headers={"If-Match": f'"{seen}"'},
        )

    def stands(self, state: str) -> dict[str, Any]:
        """The configuration, once it stands so."""

        def look() -> dict[str, Any]:
            found = self.configuration()
            assert found["state"] == state, found
            return found

        return eventually(look)

    def is_offline(self) -> None:
        """Wait until the API knows that it has gone."""
        self._has_status("offline")

    def is_never_seen(self) -> None:
        """Wait until the API has heard the broker out, and so knows that it never came."""
        self._has_status("never seen")

    def _has_status(self, status: str) -> None:
        def so() -> bool:
            return bool(self.client.get(self.path).json()["status"] == status)

        eventually(so, what=f"{self.name} is {status}")


@pytest.fixture(scope="session")
def alone(postgres: Postgres) -> Iterator[Api]:
    """An API that may be killed, with a broker that may be wiped."""
    with alone_api(postgres, "remote") as running:
        yield running


@pytest.fixture
def admin(alone: Api) -> Iterator[httpx.Client]:
    with alone.client(alone.local_token) as client:
        yield client


@pytest.fixture
def make(alone: Api, admin: httpx.Client, tmp_path: Path) -> Iterator[Callable[..., Device]]:
    """Make devices, not started; all agents are stopped in the end."""
    made: list[Device] = []

    def device(sources: str = SOURCES) -> Device:
        name = f"told-{next(_numbers)}"
        identity = enrolled(admin, name, tmp_path)
        agent = AgentProcess(
            tmp_path / name, alone.broker, name, sources=sources, login=login_of(identity)
        )
        made.append(Device(name, agent, admin, identity))
        return made[-1]

    yield device
    for one in made:
        if one.agent.process is not None and one.agent.process.poll() is None:
            assert one.agent.stop() == 0


@pytest.fixture
def registered(admin: httpx.Client) -> Device:
    """A device that has no agent at all."""
    name = f"told-{next(_numbers)}"
    assert admin.post("/v1/devices", json={"name": name}).status_code == 201
    return Device(name, None, admin)  # type: ignore[arg-type]


@pytest.fixture
def away(make: Callable[..., Device]) -> Device:
    """A device that was never started."""
    return make()


@pytest.fixture
def device(make: Callable[..., Device]) -> Device:
    """A device that is online."""
    made = make()
    made.start()
    return made


@pytest.fixture
def play() -> Iterator[Callable[..., Player]]:
    """Make players; all are closed in the end."""
    made: list[Player] = []

    def player(*arguments: Any, **keys: Any) -> Player:
        made.append(Player(*arguments, **keys))
        return made[-1]

    yield player
    for one in made:
        one.close()
