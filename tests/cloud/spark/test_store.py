"""The transaction, on a real PostgreSQL: what is stored, once, and what the views then say."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloud.spark import store as stores
from cloud.spark.decode import Record, Request, decode_records
from cloud.spark.part import Part
from cloud.spark.store import Store
from cloud.sql.verify import verify
from tests.cloud.databases import dsn, own_database
from tests.servers import Postgres
from wire.names import new_epoch
from wire.pack import encode_pack
from wire.ranges import RangeSet
from wire.reading import Reading, TimeQuality

NOW = 1_795_400_000_000_000
REQUEST = Request(NOW, 10**6, 10**6)


@pytest.fixture(scope="module")
def database(postgres: Postgres) -> Iterator[str]:
    with own_database(postgres, "store_tests") as name:
        yield name


@pytest.fixture(scope="module")
def store(postgres: Postgres, database: str) -> Iterator[Store]:
    made = stores.connect(dsn(postgres, database, "fieldline_stream"), None)
    assert made.try_lock()
    yield made
    made.close()


@pytest.fixture(scope="module")
def reader(postgres: Postgres, database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(
        dsn(postgres, database, "fieldline_reader"), autocommit=True
    ) as connection:
        yield connection


offsets = count()


def part(device: str, *payloads: bytes, topic: str = "fieldline.packs", key: str = "") -> Part:
    records = [
        Record(topic, 0, next(offsets), NOW, (key or device).encode(), payload, b"mqtt:x")
        for payload in payloads
    ]
    return decode_records(records, REQUEST)


def pack(device: str, epoch: str, sequence: int, readings: list[Reading]) -> bytes:
    return encode_pack(
        device, readings, epoch=epoch, sequence=sequence, quality=TimeQuality.CORRECTED
    )


def number(value: float, seconds: float = 0, channel: str = "a") -> Reading:
    return Reading(channel, NOW - int(seconds * 1e6), value, "V")


some_readings = st.lists(
    st.builds(
        number,
        st.floats(-1e149, 1e149) | st.sampled_from([1.0, 5e-324, 1e-200, -1e149]),
        st.sampled_from([0, 0.5, 59, 60, 3600, 86_400, 40 * 86_400]),
        st.sampled_from(["a", "b"]),
    ),
    min_size=1,
    max_size=8,
)


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(some_readings, min_size=1, max_size=6), st.data())
def test_any_order_repetition_and_grouping_stores_every_pack_once(
    store: Store, reader: psycopg.Connection, packs: list[list[Reading]], data: st.DataObject
) -> None:
    device, epoch = f"d-{new_epoch()}", new_epoch()
    payloads = [pack(device, epoch, n, readings) for n, readings in enumerate(packs)]
    repeated = data.draw(st.lists(st.sampled_from(payloads), max_size=6))
    arrivals = data.draw(st.permutations(payloads + repeated))
    while arrivals:
        size = data.draw(st.integers(1, len(arrivals)))
        cut = data.draw(st.integers(0, size))
        # Two parts of one batch, as if from two partitions, may hold the same pack too.
        store.store([part(device, *arrivals[:cut]), part(device, *arrivals[cut:size])], "log")
        arrivals = arrivals[size:]
    row = reader.execute(
        "SELECT count(*) FROM fieldline.reading WHERE device = %s", (device,)
    ).fetchone()
    assert row == (sum(map(len, packs)),)
    row = reader.execute(
        "SELECT stored, missing FROM fieldline.completeness WHERE device = %s", (device,)
    ).fetchone()
    assert row == (len(packs), 0)


def test_afterwards_every_rollup_is_what_the_readings_give(reader: psycopg.Connection) -> None:
    found = verify(reader)
    assert found.checked > 0
    assert found.sound, found.details


def test_the_reading_is_in_the_view_as_it_was_sent(
    store: Store, reader: psycopg.Connection
) -> None:
    readings = [
        number(1.5),
        Reading("door", NOW, True),
        Reading("says", NOW, "Grüße\t\\N"),
    ]
    store.store([part("seen", pack("seen", new_epoch(), 0, readings))], "log")
    rows = reader.execute(
        "SELECT channel, value, text, unit, quality, extract(epoch FROM time) * 1e6,"
        " extract(epoch FROM received) * 1e6 FROM fieldline.reading"
        " WHERE device = 'seen' ORDER BY channel"
    ).fetchall()
    assert rows == [
        ("a", 1.5, None, "V", "corrected", NOW, NOW),
        ("door", 1.0, None, "", "corrected", NOW, NOW),
        ("says", None, "Grüße\t\\N", "", "corrected", NOW, NOW),
    ]
    rolled = reader.execute(
        "SELECT channel, n, mean, stddev FROM fieldline.rollup_1m"
        " WHERE device = 'seen' ORDER BY channel"
    ).fetchall()
    assert rolled == [("a", 1, 1.5, None), ("door", 1, 1.0, None)]


def test_a_foreign_producer_may_repeat_itself(store: Store, reader: psycopg.Connection) -> None:
    first = b'[{"bn":"foreign/","bt":1795300000,"n":"a","v":1},{"n":"s","vs":"x"},{"n":"a","v":9}]'
    again = b'[{"bn":"foreign/","bt":1795300000,"n":"a","v":2},{"n":"a","t":1,"v":3}]'
    for payloads in ([first, first], [again], [first, again]):
        store.store([part("foreign", *payloads)], "log")
    rows = reader.execute(
        "SELECT channel, value, text FROM fieldline.reading WHERE device = 'foreign'"
        " ORDER BY channel, time"
    ).fetchall()
    assert rows == [("a", 1.0, None), ("a", 3.0, None), ("s", None, "x")]
    row = reader.execute(
        "SELECT n, mean FROM fieldline.rollup_1h WHERE device = 'foreign'"
    ).fetchone()
    assert row == (2, 2.0)


def test_a_pack_over_all_years_is_stored_and_makes_its_partitions(
    store: Store, reader: psycopg.Connection
) -> None:
    month = 2_629_800  # seconds
    readings = [number(float(n), n * month) for n in range(12 * 26)]
    store.store([part("ages", pack("ages", new_epoch(), 0, readings))], "log")
    row = reader.execute(
        "SELECT count(*) FROM fieldline.rollup_1d WHERE device = 'ages'"
    ).fetchone()
    assert row == (312,)


def test_what_was_refused_is_kept_once_with_its_reason(
    store: Store, reader: psycopg.Connection
) -> None:
    epoch = new_epoch()
    mixed = pack("bad", epoch, 0, [number(1.0)])[:-1] + b',{"t":1},{"t":2,"v":1e200}]'
    wrong = pack("other", epoch, 1, [number(1.0)])
    batch = part("bad", mixed, wrong, b"\xff\0")
    for _ in range(2):
        stored = store.store([batch], "log")
    assert stored.ranges == [("bad", epoch, RangeSet.of([[0, 1]]))]
    rows = reader.execute(
        "SELECT split_part(reason, ':', 1), payload, origin FROM fieldline.rejected"
        " WHERE device = 'bad' ORDER BY 1"
    ).fetchall()
    assert rows == [
        ("bad_value", mixed, "mqtt:x"),
        ("device_mismatch", wrong, "mqtt:x"),
        ("no_value", mixed, "mqtt:x"),
        ("not_utf8", b"\xff\0", "mqtt:x"),
    ]


def test_completeness_tells_held_from_lost_from_missing(
    store: Store, reader: psycopg.Connection
) -> None:
    epoch = new_epoch()
    for sequence in (0, 1, 5):
        store.store([part("gaps", pack("gaps", epoch, sequence, [number(1.0)]))], "log")
    status = (
        f'{{"state":"online","since":1795300000,"agent":"0.1.0","buffer":{{"epoch":"{epoch}",'
        '"next":10,"held":[[5,6]],"lost":[[2,3,"quota"]]}}'
    ).encode()
    said = part("gaps", status, topic="fieldline.devices", key="gaps/status")
    store.store([said], "log")
    row = reader.execute(
        "SELECT first_seq, last_seq, stored, missing, on_device, lost FROM fieldline.completeness"
        " WHERE device = 'gaps'"
    ).fetchone()
    assert row == (0, 9, 3, 4, 1, 2)
    device = reader.execute(
        "SELECT status, agent_version FROM fieldline.device WHERE device = 'gaps'"
    ).fetchone()
    assert device == ("online", "0.1.0")


def test_meta_names_the_channels_and_garbage_in_its_place_is_rejected(
    store: Store, reader: psycopg.Connection
) -> None:
    meta = (
        b'{"agent":"0.2","channels":[{"channel":"t","label":"Temp","unit":"Cel","minimum":-5},'
        b'{"channel":"t","label":"Again"}]}'
    )
    topic = "fieldline.devices"
    for key, payload in (
        ("self/meta", meta),
        ("self/meta", b"[1"),
        ("self/status", b'{"state":"asleep"}'),
        ("self/status", b'{"state":"online","buffer":{"lost":[[5,1,""]]}}'),
        ("../meta", b"{}"),
        ("self/status", b""),
    ):
        store.store([part("self", payload, topic=topic, key=key)], "log")
    row = reader.execute(
        "SELECT channel, unit, minimum FROM fieldline.channel WHERE device = 'self'"
    ).fetchall()
    assert len(row) == 1
    rejected = reader.execute(
        "SELECT count(*) FROM fieldline.rejected WHERE reason LIKE 'bad_announcement: %'"
    ).fetchone()
    assert rejected == (4,)


def test_an_older_status_does_not_overwrite_a_newer_one(
    store: Store, reader: psycopg.Connection
) -> None:
    topic = "fieldline.devices"
    newer = part("order", b'{"state":"online"}', topic=topic, key="order/status")
    older = part("order", b'{"state":"offline"}', topic=topic, key="order/status")
    older.announcements[0].received -= 1
    store.store([newer], "log")
    store.store([older], "log")
    row = reader.execute("SELECT status FROM fieldline.device WHERE device = 'order'").fetchone()
    assert row == ("online",)


def test_only_one_stream_may_write(postgres: Postgres, database: str, store: Store) -> None:
    second = stores.connect(dsn(postgres, database, "fieldline_stream"), None)
    assert not second.try_lock()
    second.close()


@pytest.mark.parametrize(
    ("change", "differing", "missing", "doubled"),
    [
        ("UPDATE storage.rollup_1h SET mean = mean + 1e-6 WHERE series = {s}", 1, 0, 0),
        ("UPDATE storage.rollup_1m SET first = 7 WHERE series = {s}", 1, 0, 0),
        ("UPDATE storage.rollup_1d SET m2 = m2 + 1 WHERE series = {s}", 1, 0, 0),
        ("DELETE FROM storage.rollup_1d WHERE series = {s}", 1, 0, 0),
        ("DELETE FROM storage.reading WHERE series = {s} AND value = 1", 3, 1, 0),
        ("INSERT INTO storage.reading SELECT * FROM storage.reading WHERE series = {s}", 3, 0, 2),
        ("UPDATE storage.ledger SET packs = packs + 1 WHERE device = {d}", 0, 0, 1),
        ("UPDATE storage.ledger SET next = 5 WHERE device = {d}", 0, 4, 0),
    ],
)
def test_verify_sees(
    postgres: Postgres,
    database: str,
    store: Store,
    reader: psycopg.Connection,
    change: str,
    differing: int,
    missing: int,
    doubled: int,
) -> None:
    device = f"v-{new_epoch()}"
    store.store([part(device, pack(device, new_epoch(), 0, [number(1.0, 1), number(2.0)]))], "log")
    with psycopg.connect(dsn(postgres, database, "fieldline_owner")) as owner:
        row = owner.execute(
            "SELECT s.id, d.id FROM storage.series s JOIN storage.device d ON d.id = s.device"
            " WHERE d.device = %s",
            (device,),
        ).fetchone()
        assert row is not None
        before = verify(reader)
        owner.execute(change.format(s=row[0], d=row[1]).encode())
    after = verify(reader)
    assert after.differing - before.differing == differing
    assert after.missing - before.missing == missing
    assert after.doubled - before.doubled == doubled
