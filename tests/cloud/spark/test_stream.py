"""The chain of Kafka, Spark and PostgreSQL: each pack exactly once, whatever is killed or lost."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import psycopg
import pytest

from tests.cloud.databases import dsn, own_database
from tests.cloud.spark.chain import Chain
from tests.servers import CHECKOUT, Kafka, Postgres
from tests.waiting import eventually
from wire import topics
from wire.names import new_epoch
from wire.pack import encode_pack
from wire.ranges import RangeSet
from wire.reading import Reading, TimeQuality

RECORDING = CHECKOUT / "edge_agent/sources/replay/examples/pi-environment-24h.json"
START = 1_790_000_000_000_000


@pytest.fixture(scope="module")
def chain(
    kafka: Kafka, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Chain]:
    with own_database(postgres, "stream_tests") as database:
        made = Chain(kafka, postgres, database, tmp_path_factory.mktemp("stream"))
        made.make_topics()
        made.start()
        yield made
        if made.running:
            made.kill()


def packs(device: str, count: int, size: int = 40) -> list[tuple[str, bytes]]:
    epoch, chance = new_epoch(), random.Random(device)
    made = []
    for sequence in range(count):
        readings = [
            Reading(f"c{n % 5}", START + chance.randrange(3 * 10**11), chance.gauss(20, 5), "Cel")
            for n in range(size)
        ]
        payload = encode_pack(
            device, readings, epoch=epoch, sequence=sequence, quality=TimeQuality.SYNCED
        )
        made.append((device, payload))
    return made


def sound(chain: Chain, devices: list[str], readings: int) -> None:
    found = chain.verify()
    assert found.sound, found.details
    row = chain.query("SELECT count(*)::int FROM fieldline.reading WHERE device = ANY(%s)", devices)
    assert row == [(readings,)]


def test_a_recorded_day_gives_every_minute_hour_and_day_that_pandas_computes(chain: Chain) -> None:
    items = json.loads(RECORDING.read_text("utf-8"))
    rows, records = [], []
    for device, mine in pd.DataFrame(items).groupby("device"):
        epoch = new_epoch()
        readings = [
            Reading(channel, round(item.ts * 1e6), value)
            for item in mine.itertuples()
            for channel, value in item.data.items()
        ]
        rows += [(device, r.channel, r.time_utc, float(r.value)) for r in readings]
        for sequence in range(-(-len(readings) // 400)):
            payload = encode_pack(
                str(device),
                readings[400 * sequence : 400 * sequence + 400],
                epoch=epoch,
                sequence=sequence,
                quality=TimeQuality.SYNCED,
            )
            records.append((str(device), payload))
    random.Random(1).shuffle(records)
    chain.send(records + records[::3])
    counts = pd.Series([device for device, _ in records]).value_counts().to_dict()
    chain.wait_for(counts)

    frame = pd.DataFrame(rows, columns=["device", "channel", "us", "value"])
    frame["time"] = pd.to_datetime(frame["us"], unit="us", utc=True)
    frame = frame.sort_values(["us", "value"])
    assert len(items) == 9_995
    sound(chain, list(counts), len(frame))
    for table, width in (("rollup_1m", "min"), ("rollup_1h", "h"), ("rollup_1d", "D")):
        by = [frame["device"], frame["channel"], frame["time"].dt.floor(width)]
        expected = frame.groupby(by)["value"].agg(
            ["count", "mean", "std", "min", "max", "first", "last"]
        )
        stored = pd.DataFrame(
            chain.query(
                "SELECT device, channel, time, n, mean, stddev, minimum, maximum, first, last"
                f" FROM fieldline.{table} WHERE device = ANY(%s)",
                list(counts),
            ),
            columns=["device", "channel", "time", *expected.columns],
        )
        stored["time"] = pd.to_datetime(stored["time"], utc=True)
        stored = stored.set_index(["device", "channel", "time"]).sort_index().astype(float)
        pd.testing.assert_frame_equal(
            stored, expected.sort_index().astype(float), rtol=1e-9, atol=1e-12,
            check_index_type=False, check_names=False,
        )  # fmt: skip


def test_what_is_stored_is_told_to_the_bridge(chain: Chain) -> None:
    records = packs("told", 3)
    chain.send([records[0], records[2]])
    chain.wait_for({"told": 2})

    def told() -> bool:
        mine = [ranges for (device, _), ranges in chain.receipts().items() if device == "told"]
        assert mine == [RangeSet.of([[0, 0], [2, 2]])]
        return True

    eventually(told, what="the ranges are in fieldline.receipts")
    chain.send([records[1]])
    chain.wait_for({"told": 3})


def hostile() -> dict[str, bytes]:
    good = Reading("a", START, 1.0)
    epoch = new_epoch()

    def pack(device: str, sequence: int) -> bytes:
        return encode_pack(
            device, [good], epoch=epoch, sequence=sequence, quality=TimeQuality.SYNCED
        )

    def at(seconds: float) -> bytes:
        return json.dumps([{"n": "a", "t": seconds, "v": 1}]).encode()

    return {
        "too_large": b"[" + b" " * 1_000_000 + b"]",
        "not_utf8": b'[{"n":"\xff","v":1}]',
        "not_json": b'[{"n":"a","v":NaN}]',
        "not_senml": b'{"temperature":20}',
        "unknown_mandatory_label": b'[{"n":"a","v":1,"must_":1}]',
        "unsupported_version": b'[{"bver":99,"n":"a","v":1}]',
        "bad_identity": b'[{"ep":"UPPER","sq":1,"n":"a","v":1}]',
        "device_mismatch": pack("somebody-else", 0),
        "bad_name": b'[{"n":"\\u0000","v":1}]',
        "no_value": b'[{"n":"a","t":-1}]',
        "bad_value": b'[{"n":"a","v":1e200}]',
        "time_too_early": at(300_000_000),
        "time_too_late": at(7_258_118_400),
    }


def test_every_hostile_payload_is_kept_with_its_reason_and_the_stream_goes_on(
    chain: Chain,
) -> None:
    payloads = hostile()
    chain.send([("hostile", payload) for payload in payloads.values()])
    chain.send([("Not a device!", b"x"), ("after", packs("after", 1)[0][1])])
    chain.wait_for({"after": 1, "hostile": 1})

    def kept() -> bool:
        rows = chain.query(
            "SELECT split_part(reason, ':', 1), payload, origin FROM fieldline.rejected"
            " WHERE device = 'hostile'"
        )
        origin = "mqtt:fieldline/v1/hostile/data"
        assert sorted(rows) == sorted((code, p, origin) for code, p in payloads.items())
        return True

    eventually(kept, what="all are in the view `rejected`")

    def told() -> bool:
        letters = {}
        for message in chain.consume(topics.REJECTED):
            reason = dict(message.headers() or [])["reason"]
            assert isinstance(reason, bytes)
            if message.key() == b"hostile":
                letters[reason.decode().split(":")[0]] = message.value()
        assert letters == payloads
        return True

    eventually(told, what="all are in fieldline.rejected")


@pytest.mark.logs_errors
def test_packs_that_postgres_refuses_are_kept_and_the_others_of_their_batch_stored(
    chain: Chain,
) -> None:
    records = packs("refused", 60)
    odd = [
        (device, encode_pack(device, [Reading("odd", START, -666.0)], epoch=new_epoch(),
                             sequence=0, quality=TimeQuality.SYNCED))
        for device in ("odd-1", "odd-2")
    ]  # fmt: skip
    table = "ALTER TABLE storage.reading"
    with psycopg.connect(dsn(chain.postgres, chain.database, "fieldline_owner")) as owner:
        owner.execute(f"{table} ADD CONSTRAINT odd CHECK (value <> -666) NOT VALID".encode())
    chain.send(records[:30] + odd[:1] + records[30:] + odd[1:])
    chain.wait_for({"refused": 60, "odd-1": 1, "odd-2": 1})
    with psycopg.connect(dsn(chain.postgres, chain.database, "fieldline_owner")) as owner:
        owner.execute(f"{table} DROP CONSTRAINT odd".encode())
    sound(chain, ["refused"], 60 * 40)
    rows = chain.query(
        "SELECT device, split_part(reason, ':', 1), payload FROM fieldline.rejected"
        " WHERE device LIKE 'odd-%%' ORDER BY device"
    )
    assert rows == [(device, "not_storable", payload) for device, payload in odd]


def test_kill_after_kill_of_the_stream_stores_every_pack_once(chain: Chain) -> None:
    records = packs("killed", 900)
    chain.send(records)
    eventually(
        lambda: chain.query("SELECT FROM fieldline.completeness WHERE device = 'killed'"),
        what="the first batch is stored",
    )
    chain.kill()
    chain.send(records[::2])
    chain.start()
    chain.wait_for({"killed": 900})
    sound(chain, ["killed"], 900 * 40)


def test_postgres_killed_under_load_costs_nothing(chain: Chain) -> None:
    records = packs("dbkill", 900)
    chain.send(records[:450])
    chain.postgres.kill()
    chain.send(records[450:])
    chain.postgres.start()
    chain.wait_for({"dbkill": 900})
    sound(chain, ["dbkill"], 900 * 40)


def test_a_checkpoint_deleted_under_it_heals(chain: Chain) -> None:
    shutil.rmtree(chain.checkpoints)
    records = packs("nocheck", 20)
    chain.send(records[:10])
    chain.send(records[10:])
    chain.wait_for({"nocheck": 20})
    sound(chain, ["nocheck"], 20 * 40)


def test_a_kafka_wiped_under_load_is_read_from_its_beginning(chain: Chain) -> None:
    records = packs("wiped", 600)
    chain.send(records[:300])
    chain.kafka.kill()
    chain.kafka.wipe()
    chain.kafka.start()
    chain.make_topics()
    chain.send(records)  # as devices do once the log is another
    chain.wait_for({"wiped": 600})
    sound(chain, ["wiped"], 600 * 40)

    def told() -> bool:
        ranges = [ranges for (device, _), ranges in chain.receipts().items() if device == "told"]
        assert ranges == [RangeSet.of([[0, 2]])]
        return True

    eventually(told, what="every epoch is told anew to a new log")


def test_a_corrupt_checkpoint_is_forgotten_and_sigterm_stops_in_order(chain: Chain) -> None:
    chain.send(packs("before", 1))
    chain.wait_for({"before": 1})
    machines = chain.virtual_machines
    assert machines
    assert chain.stop() == 0
    assert not [machine for machine in machines if machine.is_running()]  # ended before it
    offsets = [file for file in chain.checkpoints.glob("*/offsets/*") if file.suffix != ".crc"]
    assert offsets
    for file in offsets:
        file.write_bytes(b"")
    for file in chain.checkpoints.glob("*/offsets/.*.crc"):
        file.unlink()
    chain.start()
    chain.send(packs("corrupt", 5))
    chain.wait_for({"corrupt": 5})
    progress: dict[str, Any] = json.loads((Path(chain.folder) / "stream.json").read_text())
    assert progress["stage"] == "stream"
    sound(chain, ["corrupt"], 5 * 40)
