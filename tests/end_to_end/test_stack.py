"""The `fieldline` command on a stack that runs, with real servers and simulated boards."""

import json
import os
import re
import signal
import ssl
import time
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import psycopg
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from cloud.stack import supervision
from tests.stack import Stack
from tests.waiting import eventually

STAGES = ["broker", "kafka", "postgres", "api", "bridge", "stream"]


def _running(stack: Stack, name: str) -> bool:
    return bool(stack.stage(name)["state"] == "running")


def test_every_stage_makes_progress(stack: Stack) -> None:
    def all_running() -> dict[str, Any]:
        seen: dict[str, Any] = stack.json("status", status=None)
        states = {stage["name"]: stage["state"] for stage in seen["stages"]}
        assert [name for name in STAGES if states.get(name) != "running"] == []
        return seen

    seen = eventually(all_running, within=60, what="all stages run")
    stages = {stage["name"]: stage for stage in seen["stages"]}
    for name in STAGES:
        assert {"pid", "rate_in", "rate_out", "lag", "newest", "restarts"} <= stages[name].keys()
        assert stages[name]["pid"] > 0
    assert stages["stream"]["rate_out"] > 0
    assert time.time() - stages["stream"]["newest"] < 60


def test_devices_are_listed_with_what_is_stored_of_them(stack: Stack) -> None:
    def workshop() -> dict[str, Any]:
        devices = {one["device"]: one for one in stack.json("status", status=None)["devices"]}
        assert devices["workshop"]["status"] in {"online", "clock unknown"}  # as this machine is
        found: dict[str, Any] = devices["workshop"]
        return found

    device = eventually(workshop, within=60, what="the workshop is online")
    assert device["stored"] > 0
    assert device["lost"] == 0
    assert set(device) == {
        "device", "status", "reason", "last_seen", "stored", "missing", "on_device", "lost",
    }  # fmt: skip


def test_the_address_of_the_database_lets_one_read_and_nothing_else(stack: Stack) -> None:
    reached = stack.json("env")
    assert set(reached) == {"mqtt", "kafka", "api", "postgres", "grafana"}
    assert Path(reached["mqtt"]["ca"]).is_file()
    assert stack.run("env", "postgres").stdout.strip() == reached["postgres"]["dsn"]
    with psycopg.connect(reached["postgres"]["dsn"]) as connection:
        assert connection.execute("SELECT count(*) FROM fieldline.device").fetchone()
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("DELETE FROM storage.device")


def test_a_foreign_client_is_registered_and_its_pack_becomes_a_row(stack: Stack) -> None:
    facts = stack.json("device", "add", "plc-1", "--foreign")
    assert set(facts) == {"device", "username", "password", "topic", "host", "port", "ca"}
    assert facts["topic"] == "fieldline/v1/plc-1/data"
    client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
    client.username_pw_set(facts["username"], facts["password"])
    client.tls_set(facts["ca"], cert_reqs=ssl.CERT_REQUIRED)
    client.connect(facts["host"], facts["port"])
    client.loop_start()
    pack = [{"n": "pressure", "u": "Pa", "v": 101325.5, "t": int(time.time())}]
    client.publish(facts["topic"], json.dumps(pack), qos=1).wait_for_publish(20)
    client.disconnect()
    client.loop_stop()
    query = "SELECT channel, value, unit FROM fieldline.reading WHERE device = 'plc-1'"
    rows = eventually(lambda: stack.query(query), within=60, what="the reading is stored")
    assert rows == [("pressure", 101325.5, "Pa")]
    assert "plc-1" in {device["device"] for device in stack.json("device", "list")}


def test_a_name_that_is_taken_or_no_name_is_refused_in_a_sentence(stack: Stack) -> None:
    assert "already" in stack.run("device", "add", "workshop", status=1).stderr
    assert "is no name for a device" in stack.run("device", "add", "no name", status=1).stderr


def test_an_agent_gets_settings_that_nobody_else_may_read(stack: Stack, tmp_path: Path) -> None:
    stack.run("device", "add", "pi-settings", "--out", str(tmp_path / "agent.toml"))
    key = tmp_path / "pi-settings.data" / "identity" / "current" / "key.pem"
    assert str(key) in (tmp_path / "agent.toml").read_text()
    for secret in (key, tmp_path / "agent.toml"):
        assert secret.stat().st_mode & 0o077 == 0


def test_messages_are_shown_decoded_one_a_line(stack: Stack) -> None:
    kafka = stack.run("tail", "fieldline.packs", "-n", "1").stdout
    assert re.search(r"#\d+  \d+ readings  \S+=", kafka)
    mqtt = stack.run("tail", "fieldline/v1/workshop/data", "-n", "2").stdout.splitlines()
    assert len(mqtt) == 2
    assert all("fieldline/v1/workshop/data" in line and " readings " in line for line in mqtt)
    assert "has no topic" in stack.run("tail", "nonsense", status=1).stderr


def test_the_recorded_day_is_stored_whole_and_its_agents_stay_ended(stack: Stack) -> None:
    def whole() -> list[tuple[Any, ...]]:
        rows = stack.query(
            "SELECT count(*), count(DISTINCT device) FROM fieldline.reading "
            "WHERE device LIKE 'iot-device-%'"
        )
        assert rows == [(9995 * 7, 3)]
        return rows

    eventually(whole, within=120, what="9,995 messages of seven readings are stored")

    def ended() -> bool:
        with supervision.Supervisor(stack.folder) as supervisor:
            states = {one.name: one.state for one in supervisor.processes()}
        return {states[f"agent-iot-device-0{n}"] for n in (1, 2, 3)} == {"EXITED"}

    eventually(ended, within=60, what="the replaying agents have ended")


def test_turning_up_the_gas_raises_the_stored_ppm(stack: Stack) -> None:
    query = "SELECT value FROM fieldline.newest WHERE device = 'workshop' AND channel = 'gas/co'"
    before = stack.query(query)[0][0]
    text = stack.scenario.read_text()
    try:
        stack.scenario.write_text('[[pin]]\npin = "A3"\nvolts = [{ at_s = 0, to = 3.0 }]\n')
        eventually(lambda: stack.query(query)[0][0] > 5 * before, within=40, what="the gas is seen")
    finally:
        stack.scenario.write_text(text)


def test_a_stage_is_stopped_and_started_by_itself_and_nothing_is_missing(stack: Stack) -> None:
    assert (
        "readings wait in the devices"
        in stack.json("stop", "bridge", "--dry-run")["consequences"][0]
    )
    assert stack.stage("bridge")["state"] == "running"
    stack.run("stop", "bridge")
    assert stack.stage("bridge")["state"] == "stopped"
    newest = stack.json("audit", "-n", "1")[0]
    assert (newest["person"], newest["action"]) == ("local", "pipeline.stop")
    stack.run("status", status=1)
    stack.run("start", "bridge")
    eventually(lambda: _running(stack, "bridge"), within=60, what="the bridge runs again")
    total = "SELECT coalesce(sum(missing), 0) FROM fieldline.completeness"
    eventually(lambda: stack.query(total)[0][0] == 0, within=60, what="nothing is missing")


def test_a_killed_driver_takes_its_java_along_and_comes_back(stack: Stack) -> None:
    before = stack.stage("stream")
    java = _java_of(before["pid"])
    assert java
    os.kill(before["pid"], signal.SIGKILL)
    eventually(
        lambda: not any(Path(f"/proc/{pid}").exists() for pid in java), 30, "its Java has ended"
    )

    def back() -> bool:
        now = stack.stage("stream")
        assert now["state"] == "running"
        assert now["pid"] != before["pid"]
        return bool(now["restarts"] > before["restarts"])

    eventually(back, within=90, what="the stream runs again")


def test_no_secret_stands_in_the_arguments_of_a_process(stack: Stack) -> None:
    secrets = [
        file.read_bytes().strip()
        for file in stack.folder.secrets.iterdir()
        if file.is_file() and file.name != "accounts.json"
    ]
    assert len(secrets) > 5
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes()
        except OSError:
            continue
        assert not any(secret in words for secret in secrets)
    assert all(file.stat().st_mode & 0o077 == 0 for file in stack.folder.secrets.iterdir())


def test_every_aggregate_equals_the_raw_readings(stack: Stack) -> None:
    found = stack.json("verify", timeout=120)
    assert found["checked"] > 1000
    assert (found["differing"], found["missing"], found["doubled"]) == (0, 0, 0)


def test_what_a_killed_supervisor_left_is_cleared_and_everything_goes_on(stack: Stack) -> None:
    assert "it runs already" in stack.run("up", "--detach", timeout=280).stdout
    pid = int(stack.folder.supervisor_pid.read_text())
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not supervision.is_up(stack.folder))
    assert supervision.leftovers(stack.folder)
    assert stack.stage("kafka")["state"] == "stopped"
    said = stack.run("up", "--detach", "--demo", timeout=280).stdout
    assert "outlived" in said
    assert all(_running(stack, name) for name in STAGES)


def test_down_leaves_nothing_running_and_up_goes_on(stack: Stack) -> None:
    said = stack.run("down", timeout=120).stdout
    stopped = re.findall(r"^stopping (stream|bridge|kafka|postgres|broker)$", said, re.MULTILINE)
    assert stopped == ["stream", "bridge", "kafka", "postgres", "broker"]
    assert supervision.leftovers(stack.folder) == []
    stack.run("status", status=1)
    stack.run("up", "--detach", "--demo", timeout=280)
    assert all(_running(stack, name) for name in STAGES)


def _java_of(python: int) -> list[int]:
    """The Java processes whose parent is this one."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            text = (process / "stat").read_text()
        except OSError:
            continue
        name, _, rest = text.partition("(")[2].rpartition(")")
        if name == "java" and int(rest.split()[1]) == python:
            found.append(int(process.name))
    return found
