from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import psycopg
import pytest

from cloud.control.broker import Broker
from cloud.control.database import make_pool
from cloud.control.settings import Settings
from cloud.control.status.rounds import Rounds
from tests.cloud.control.api import Api
from tests.cloud.control.devices.player import Identity, Player, enrolled, register
from tests.cloud.databases import own_database
from tests.waiting import eventually
from wire import topics
from wire.settings import read
from wire.status import BufferStatus, Status, encode_status

_numbers = itertools.count(1)

Play = Callable[[Identity], Player]


@pytest.fixture
def name() -> str:
    return f"status-{next(_numbers)}"


@pytest.fixture
def play() -> Iterator[Play]:
    made: list[Player] = []

    def make(identity: Identity) -> Player:
        made.append(Player(identity))
        return made[-1]

    yield make
    for player in made:
        player.close()


def until(local: httpx.Client, name: str, status: str) -> dict[str, Any]:
    def there() -> dict[str, Any]:
        device: dict[str, Any] = local.get(f"/v1/devices/{name}").json()
        assert device["status"] == status, device
        return device

    return eventually(there)


def say(player: Player, status: Status) -> None:
    code = player.publish(topics.status(player.device), encode_status(status), retain=True)
    assert code < 128


def test_a_device_is_followed_from_its_registration_to_its_end_and_all_is_history(
    api: Api, local: httpx.Client, play: Play, name: str, tmp_path: Path
) -> None:
    identity = enrolled(local, name, tmp_path)
    assert "never connected" in until(local, name, "never seen")["status_reason"]
    player = play(identity)
    well = Status("online", since=time.time(), clock="synced")
    say(player, well)
    until(local, name, "online")
    say(player, msgspec.structs.replace(well, buffer=BufferStatus(bytes=9, quota=10)))
    assert "90%" in until(local, name, "buffer filling")["status_reason"]
    say(player, Status("offline", reason="stopped", since=time.time()))
    until(local, name, "offline")
    local.post(f"/v1/devices/{name}/revocation", json={"reason": "stolen"})
    assert until(local, name, "revoked")["status_reason"] == "stolen"
    first = local.get(f"/v1/devices/{name}/status-history", params={"limit": 2}).json()
    second = local.get(
        f"/v1/devices/{name}/status-history", params={"cursor": first["next"]}
    ).json()
    told = [one["status"] for one in first["items"] + second["items"]]
    assert told == ["revoked", "offline", "buffer filling", "online", "never seen"]
    assert second["next"] is None
    with psycopg.connect(api.postgres.dsn("fieldline_reader")) as reader:
        row = reader.execute(
            "SELECT d.status, s.reason FROM fieldline.device AS d "
            "JOIN fieldline.device_status AS s USING (device) WHERE device = %s", (name,)
        ).fetchone()  # fmt: skip
    assert row == ("revoked", "stolen")


def test_a_change_is_told(local: httpx.Client, name: str) -> None:
    with local.stream("GET", "/v1/events", params={"kind": "device"}) as answer:
        register(local, name)
        told = next(line for line in answer.iter_lines() if name in line and '"status"' in line)
    assert "never seen" in told


def test_a_restart_of_the_api_changes_no_status(
    api: Api, local: httpx.Client, play: Play, name: str, tmp_path: Path
) -> None:
    player = play(enrolled(local, name, tmp_path))
    say(player, Status("online", since=time.time(), clock="estimated"))
    before = until(local, name, "clock unknown")
    register(local, f"{name}-b")
    api.stop()
    api.start()
    register(local, f"{name}-c")
    until(local, f"{name}-c", "never seen")  # a round has gone by
    assert until(local, name, "clock unknown")["status_reason"] == before["status_reason"]
    history = local.get(f"/v1/devices/{name}/status-history").json()["items"]
    assert [one["status"] for one in history][:1] == ["clock unknown"]
    assert len(history) <= 2


def test_an_unknown_device_has_no_history(local: httpx.Client) -> None:
    assert local.get("/v1/devices/nobody/status-history").status_code == 404


def test_five_thousand_devices_cost_little(api: Api) -> None:
    settings = read(api.config.read_text(), Settings, file="api.toml")
    with own_database(api.postgres, "statuses") as database:
        address = api.postgres.dsn().replace("dbname=fieldline ", f"dbname={database} ")
        with psycopg.connect(address) as owner:
            owner.execute(
                "INSERT INTO storage.device (device) "
                "SELECT 'd-' || n FROM generate_series(1, 5000) AS n"
            )
            owner.execute(
                "INSERT INTO control.device (device, kind) SELECT device, 'agent' "
                "FROM storage.device"
            )

        async def rounds() -> list[float]:
            dsn = settings.postgres.dsn.replace("dbname=fieldline ", f"dbname={database} ")
            pool = make_pool(msgspec.structs.replace(settings.postgres, dsn=dsn))
            await pool.open()
            made = Rounds(pool, Broker(settings.mqtt), lambda: True)
            took = []
            for _ in range(4):
                began = time.process_time()
                await made.round(time.time())
                took.append(time.process_time() - began)
            await pool.close()
            return took

        took = asyncio.run(rounds())
        with psycopg.connect(address) as owner:
            kept = owner.execute("SELECT count(*) FROM control.status_history").fetchone()
    assert kept == (5000,)
    assert min(took[1:]) < 0.25, took  # of each 5 s
