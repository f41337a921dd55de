"""What is taken out, and what goes through the pipeline once more: export, redrive, replay."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from confluent_kafka import Producer
from pyarrow import ipc, parquet

from cloud.stack.plan import read_plan
from tests.stack import Stack
from tests.waiting import eventually
from wire import topics
from wire.pack import encode_pack
from wire.reading import Reading, TimeQuality

AT = 1_780_000_000_000_000
EPOCH = "again0q2m4t7a1zz"


def owner(stack: Stack, statement: str, *values: object) -> None:
    postgres = read_plan(stack.folder).postgres
    with psycopg.connect(
        postgres.dsn("fieldline_owner"), password=postgres.password("fieldline_owner")
    ) as connection:
        connection.execute(statement.encode(), values or None)


def publish(stack: Stack, device: str, payload: bytes) -> None:
    """As the bridge does."""
    producer = Producer({"bootstrap.servers": read_plan(stack.folder).kafka.bootstrap})
    producer.produce(topics.PACKS, payload, device, headers=[("origin", b"test")])
    assert producer.flush(20) == 0


def numbered(device: str, sequence: int, *values: float) -> bytes:
    readings = [Reading("x", AT + sequence * 1000 + n, value) for n, value in enumerate(values)]
    return encode_pack(device, readings, epoch=EPOCH, sequence=sequence, quality=TimeQuality.SYNCED)


def count(stack: Stack, device: str) -> int:
    query = "SELECT count(*) FROM fieldline.reading WHERE device = %s"
    return int(stack.query(query, device)[0][0])


def letters(stack: Stack, device: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = stack.json("rejected", "list", "--device", device)
    return found


def test_a_numbered_letter_is_sent_again_and_stored_once(stack: Stack) -> None:
    device, sound = "again-own", numbered("again-own", 0, 1.0, 2.0)
    # A label that the reader does not know makes the whole pack one that cannot be stored.
    first, *rest = json.loads(sound)
    publish(stack, device, json.dumps([{**first, "new_": 1}, *rest]).encode())
    eventually(lambda: letters(stack, device), within=30, what="it is a dead letter")
    assert stack.json("rejected", "redrive", "--device", device, status=1)["refused"] == 1

    owner(stack, "UPDATE storage.rejected SET payload = %s WHERE device = %s", sound, device)
    told = stack.json("rejected", "redrive", "--device", device, "--dry-run")
    assert (told["redriven"], told["done"], count(stack, device)) == (1, False, 0)
    told = stack.json("rejected", "redrive", "--device", device)
    assert (told["redriven"], told["readings"], told["refused"]) == (1, 2, 0)
    assert count(stack, device) == 2
    (letter,) = letters(stack, device)
    assert datetime.fromisoformat(letter["redriven"]).tzinfo is not None
    assert "redriven" in stack.run("rejected", "list", "--device", device).stdout
    assert stack.json("rejected", "redrive", "--device", device)["letters"] == 0

    # Whoever ends it before it is marked does it again, and again nothing is stored twice.
    owner(stack, "DELETE FROM storage.redriven")
    told = stack.json("rejected", "redrive", "--device", device)
    assert (told["stored_before"], told["redriven"]) == (1, 0)
    publish(stack, device, sound)
    publish(stack, device, numbered(device, 1, 3.0))
    eventually(lambda: count(stack, device) >= 3, within=30, what="the next one is stored")
    assert count(stack, device) == 3
    stack.run("verify")
    acts = [one["subject"] for one in stack.json("audit") if one["action"] == "rejected.redrive"]
    assert acts == [f"device/{device}"]


def test_of_a_foreign_letter_the_rest_is_stored(stack: Stack) -> None:
    device, start = "again-foreign", AT // 1_000_000
    good = [{"n": "x", "t": start + n, "v": n} for n in range(3)]
    publish(stack, device, json.dumps([*good[:2], {"n": "x", "t": start + 2, "v": "2"}]).encode())
    eventually(lambda: letters(stack, device), within=30, what="it is a dead letter")
    told = stack.json("rejected", "redrive", "--device", device, status=1)
    assert (told["redriven"], told["refused"]) == (0, 1)

    payload = json.dumps(good).encode()
    owner(stack, "UPDATE storage.rejected SET payload = %s WHERE device = %s", payload, device)
    told = stack.json("rejected", "redrive", "--device", device)
    assert (told["redriven"], told["readings"]) == (1, 1)
    assert count(stack, device) == 3
    stack.run("verify")


def test_the_whole_log_read_again_changes_nothing_and_fills_what_is_missing(stack: Stack) -> None:
    device = "again-lost"
    publish(stack, device, numbered(device, 0, 1.0, 2.0, 3.0))
    eventually(lambda: count(stack, device) == 3, within=30, what="it is stored")
    kept = count(stack, "again-own")
    told = stack.json("replay", "--dry-run")
    assert not told["done"]
    assert "say --yes" in stack.run("replay", status=1).stderr
    for table in ("reading", "rollup_1m", "rollup_1h", "rollup_1d"):
        owner(
            stack,
            f"DELETE FROM storage.{table} USING storage.series AS s, storage.device AS d "
            f"WHERE series = s.id AND s.device = d.id AND d.device = '{device}'",
        )
    owner(stack, f"DELETE FROM storage.ledger WHERE epoch = '{EPOCH}' AND device = "
          f"(SELECT id FROM storage.device WHERE device = '{device}')")  # fmt: skip
    assert count(stack, device) == 0
    told = stack.json("replay", "--yes", timeout=250)
    assert told["read"] >= told["packs"] > 0
    assert told["filled"] >= 1
    assert (count(stack, device), count(stack, "again-own")) == (3, kept)
    stack.run("verify")


RECORDED = 2713 * 7
"""Readings of the device in the demo's recorded day."""


@pytest.mark.parametrize("suffix", [".csv", ".arrow", ".parquet"])
def test_an_export_holds_what_the_view_holds(stack: Stack, tmp_path: Path, suffix: str) -> None:
    query = "SELECT count(*), min(time), max(time) FROM fieldline.reading WHERE device = %s"
    device, out = "iot-device-01", tmp_path / f"out{suffix}"
    eventually(lambda: count(stack, device) == RECORDED, 90, "the recorded day is stored whole")
    ((wanted, first, last),) = stack.query(query, device)
    done = stack.run("export", device, "again-own", "--out", str(out), "--json", timeout=120)
    told = json.loads(done.stdout)
    assert told["bytes"] == out.stat().st_size
    assert "rows" in done.stderr
    if suffix == ".csv":
        with out.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        times = [datetime.fromisoformat(row["time"]) for row in rows if row["device"] == device]
    else:
        table = parquet.read_table(out) if suffix == ".parquet" else ipc.open_stream(out).read_all()
        rows = table.to_pylist()
        times = [row["time"] for row in rows if row["device"] == device]
    assert told["rows"] == len(rows) == wanted + count(stack, "again-own")
    assert (min(times), max(times)) == (first, last)
    assert list(rows[0]) == [
        "device", "time", "channel", "value", "text", "unit", "quality", "received",
    ]  # fmt: skip


def test_an_export_is_whole_or_not_there(stack: Stack, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    for suffix in (".csv", ".arrow", ".parquet"):
        begun = ("export", "again-own", "nobody", "--out", str(out.with_suffix(suffix)))
        said = stack.run(*begun, status=1).stderr
        assert "no device" in said
        assert "Traceback" not in said
    assert list(tmp_path.iterdir()) == []
    assert "ends in none of" in stack.run("export", "x", "--out", "x.xls", status=1).stderr
    out.write_text("mine")
    assert "--force" in stack.run("export", "x", "--out", str(out), status=1).stderr
    year = datetime.now(UTC).year + 1
    nothing = ("export", "again-own", "--from", f"{year}-01-01", "--to", f"{year}-01-02")
    assert (
        "nothing to export"
        in stack.run(*nothing, "--out", str(tmp_path / "no.csv"), status=1).stderr
    )
    assert out.read_text() == "mine"
    rollups = ("export", "again-own", "--rollup", "1h", "--channel", "x", "--force")
    assert stack.json(*rollups, "--out", str(out))["rows"] == 1
