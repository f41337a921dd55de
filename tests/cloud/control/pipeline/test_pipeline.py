from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

import httpx
import psycopg
import pytest

from cloud.control.database import make_pool
from cloud.control.events import Hub
from cloud.control.pipeline.actions import Actions
from cloud.control.pipeline.monitor import Monitor
from cloud.control.pipeline.watch import Watch
from cloud.control.settings import Settings
from tests.cloud.control.api import Api
from tests.cloud.control.played import Supervised
from tests.waiting import eventually
from wire.settings import read

ALL = ("broker", "postgres", "bridge", "stream")


def stages(local: httpx.Client) -> dict[str, dict[str, Any]]:
    answer = local.get("/v1/pipeline")
    assert answer.status_code == 200, answer.text
    return {stage["name"]: stage for stage in answer.json()["stages"]}


def until(local: httpx.Client, name: str, state: str) -> dict[str, Any]:
    def there() -> dict[str, Any]:
        found = stages(local)[name]
        assert found["state"] == state, found
        return found

    return eventually(there)


def audited(api: Api, subject: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(api.postgres.dsn()) as owner:
        return owner.execute(
            "SELECT person, action, after FROM control.audit WHERE subject = %s ORDER BY id",
            (subject,),
        ).fetchall()


def test_every_stage_is_told_in_order_by_its_progress(
    local: httpx.Client, supervised: Supervised
) -> None:
    stream = until(local, "stream", "running")
    until(local, "broker", "running")
    found = stages(local)
    assert tuple(found) == ALL
    assert (stream["rate_out"], stream["lag"], stream["lag_seconds"]) == (2.0, 0, 0.0)
    assert stream["age"] < 10
    assert stream["needs"] == ["postgres"]
    assert found["postgres"]["dependents"] == ["stream"]
    assert found["postgres"]["pid"] is None
    assert stream["pid"]


def test_what_an_action_means_is_said_before(local: httpx.Client, supervised: Supervised) -> None:
    until(local, "stream", "running")
    asked = {"action": "stop"}
    one = local.get("/v1/pipeline/stream/consequences", params=asked).json()["consequences"]
    assert any("wait in Kafka" in sentence for sentence in one)
    everything = local.get("/v1/pipeline/consequences", params=asked).json()["consequences"]
    assert "stream, bridge" in everything[0]
    assert local.get("/v1/pipeline/nix/consequences", params=asked).status_code == 404


def test_a_stage_is_stopped_and_started_told_and_recorded(
    api: Api, local: httpx.Client, supervised: Supervised
) -> None:
    until(local, "bridge", "running")
    told: list[dict[str, Any]] = []

    def listen() -> None:
        with local.stream("GET", "/v1/events", params={"kind": "pipeline"}) as answer:
            for line in answer.iter_lines():
                if line.startswith("data: "):
                    told.append(json.loads(line[6:]))
                    if told[-1]["what"] == "running":
                        return

    thread = threading.Thread(target=listen)
    thread.start()
    answer = local.post("/v1/pipeline/bridge/stop")
    assert answer.status_code == 202, answer.text
    assert answer.json()["stages"] == ["bridge"]
    stopped = until(local, "bridge", "stopped")
    assert "by hand" in stopped["reason"]
    eventually(lambda: stages(local)["bridge"]["busy"] is None)
    assert local.post("/v1/pipeline/bridge/start").status_code == 202
    until(local, "bridge", "running")
    thread.join(20)
    assert not thread.is_alive()
    assert {"stop done", "stopped", "start done", "running"} <= {one["what"] for one in told}
    assert [row[:2] for row in audited(api, "stage/bridge")][:2] == [
        ("local", "pipeline.stop"), ("local", "pipeline.start"),
    ]  # fmt: skip


def test_everything_of_this_machine_is_restarted_in_order(
    local: httpx.Client, supervised: Supervised
) -> None:
    before = until(local, "stream", "running")["pid"]
    until(local, "bridge", "running")
    answer = local.post("/v1/pipeline/restart")
    assert (answer.status_code, answer.json()["stages"]) == (202, ["stream", "bridge"])
    assert local.post("/v1/pipeline/stream/stop").status_code == 409
    eventually(lambda: stages(local)["stream"]["pid"] not in {None, before})
    until(local, "stream", "running")
    until(local, "bridge", "running")
    eventually(lambda: stages(local)["bridge"]["busy"] is None)


@pytest.mark.parametrize(("stage", "status"), [("broker", 409), ("nix", 404), ("agent-x", 404)])
def test_what_is_not_of_this_machine_is_refused(
    local: httpx.Client, supervised: Supervised, stage: str, status: int
) -> None:
    until(local, "stream", "running")
    answer = local.post(f"/v1/pipeline/{stage}/stop")
    assert answer.status_code == status
    assert answer.json()["fix"]


def test_the_end_of_a_log_is_shown(local: httpx.Client, supervised: Supervised) -> None:
    until(local, "stream", "running")
    answer = local.get("/v1/pipeline/stream/log", params={"lines": 1})
    assert answer.json() == {"stage": "stream", "lines": ["playing"]}
    assert local.get("/v1/pipeline/..%2f..%2fsecrets/log").status_code == 404


def test_a_stalled_stage_is_restarted_by_the_system_and_recorded(
    api: Api, local: httpx.Client, supervised: Supervised
) -> None:
    before = until(local, "stream", "running")["pid"]
    settings = read(api.config.read_text(), Settings, file="api.toml")

    async def watch() -> None:
        # The API's own takes 120 s.
        pool, hub = make_pool(settings.postgres), Hub(settings.postgres)
        await pool.open()
        actions = Actions(supervised.folder, pool, hub)
        monitor = Monitor(supervised.folder, hub, actions, Watch(restart_after_s=0.5))
        running = asyncio.create_task(monitor.run())
        try:
            async with asyncio.timeout(20):
                while stages(local)["stream"]["pid"] in {None, before}:
                    await asyncio.sleep(0.05)
                supervised.go_on("stream")
                while actions.busy:
                    await asyncio.sleep(0.05)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await pool.close()

    supervised.stall("stream")
    try:
        stalled = until(local, "stream", "stalled")
        assert "9 wait" in stalled["reason"]
        asyncio.run(watch())
    finally:
        supervised.go_on("stream")
    until(local, "stream", "running")
    person, action, after = audited(api, "stage/stream")[-1]
    assert (person, action) == ("system", "pipeline.restart")
    assert "9 wait" in after["why"]
