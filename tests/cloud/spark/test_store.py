"""The transaction, on a real PostgreSQL: what is stored, once, and what the views then say."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from itertools import count
from typing import TypeVar

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
from tests.servers import CHECKOUT, Postgres
from wire.names import new_epoch
from wire.pack import encode_pack
from wire.ranges import RangeSet
from wire.reading import Reading, TimeQuality

NOW = 1_795_400_000_000_000
REQUEST = Request(NOW, 10**6, 10**6)
SENML = CHECKOUT / "tests/wire/cases/senml"

T = TypeVar("T")


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


def batches(data: st.DataObject, arrivals: list[T]) -> list[tuple[list[T], list[T]]]:
    """Cut into batches of two parts, as if from two partitions, before any is stored."""
    cut = []
    while arrivals:
        size = data.draw(st.integers(1, len(arrivals)))
        middle = data.draw(st.integers(0, size))
        cut.append((arrivals[:middle], arrivals[middle:size]))
        arrivals = arrivals[size:]
    return cut


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
    for one, other in batches(data, arrivals):
        store.store([part(device, *one), part(device, *other)], "log")
    row = reader.execute(
        "SELECT count(*) FROM fieldline.reading WHERE device = %s", (device,)
    ).fetchone()
    assert row == (sum(map(len, packs)),)
    row = reader.execute(
        "SELECT stored, missing FROM fieldline.completeness WHERE device = %s", (device,)
    ).fetchone()
    assert row == (len(packs), 0)
    days = reader.execute(
        "SELECT (day - '1970-01-01')::int, stored, missing FROM fieldline.completeness_day"
        " WHERE device = %s",
        (device,),
    ).fetchall()
    firsts = Counter(min(one.time_utc for one in readings) // 86_400_000_000 for readings in packs)
    assert sorted(days) == sorted((day, packs, 0) for day, packs in firsts.items())


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
    first = b'[{"bn":"foreign/","bt":1795300000,"n":"a","v":1},{"n":"s","vs":"x"}]'
    again = b'[{"bn":"foreign/","bt":1795300000,"n":"a","v":1},{"n":"a","t":1,"v":3}]'
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
    assert rejected(reader, "foreign") == []


def rejected(reader: psycopg.Connection, device: str) -> list[tuple[str, bytes]]:
    return reader.execute(
        "SELECT split_part(reason, ':', 1), payload FROM fieldline.rejected WHERE device = %s"
        " ORDER BY payload",
        (device,),
    ).fetchall()


def test_one_name_in_three_units_at_one_instant_is_three_readings(
    store: Store, reader: psycopg.Connection
) -> None:
    payload = (SENML / "5.1.3-multiple-measurements/pack.json").read_bytes()
    expected = json.loads((SENML / "5.1.3-multiple-measurements/resolved.json").read_bytes())
    for payloads in ([payload, payload], [payload]):
        store.store([part("rfc", *payloads)], "log")
    rows = reader.execute(
        "SELECT extract(epoch FROM time)::float8, unit, value FROM fieldline.reading"
        " WHERE device = 'rfc' ORDER BY 1, 2"
    ).fetchall()
    assert len(rows) == 13
    assert rows == sorted((item["t"], item["u"], item["v"]) for item in expected)
    assert rejected(reader, "rfc") == []


contradicting = st.lists(
    st.tuples(
        st.sampled_from([0, 1]),  # time
        st.sampled_from(["V", "A"]),
        st.sampled_from(['"v":1', '"v":2', '"vs":"1"', '"vs":"x"', '"vb":true']),
    ),
    min_size=1,
    max_size=5,
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(contradicting, min_size=1, max_size=5), st.data())
def test_what_contradicts_a_foreign_reading_is_rejected_once_whatever_is_replayed(
    store: Store,
    reader: psycopg.Connection,
    packs: list[list[tuple[int, str, str]]],
    data: st.DataObject,
) -> None:
    device = f"f-{new_epoch()}"
    log = [
        Record("fieldline.packs", 0, next(offsets), NOW, device.encode(), payload, b"mqtt:x")
        for pack in packs
        for payload in [
            "".join(
                f',{{"n":"a","t":{1_795_300_000 + t},"u":"{u}",{v}}}' for t, u, v in pack
            ).replace(",", "[", 1).encode() + b"]"
        ]
    ]  # fmt: skip
    replayed = data.draw(st.permutations(log))
    replayed += data.draw(st.lists(st.sampled_from(log), max_size=6))
    found = []
    for batch in batches(data, replayed):
        store.store([decode_records(records, REQUEST) for records in batch], "log")
    for records in ([], log, log[::-1]):
        if records:
            store.store([decode_records(records, REQUEST)], "log")
        readings = reader.execute(
            "SELECT extract(epoch FROM time)::int - 1795300000, unit, value, text"
            " FROM fieldline.reading WHERE device = %s ORDER BY 1, 2",
            (device,),
        ).fetchall()
        found.append((readings, rejected(reader, device)))
    assert found[0] == found[1] == found[2]
    readings, letters = found[0]
    stored = {(t, u): (v, x) for t, u, v, x in readings}
    assert stored.keys() == {(t, u) for pack in packs for t, u, _ in pack}
    meant = {
        '"v":1': (1.0, None), '"v":2': (2.0, None), '"vb":true': (1.0, None),
        '"vs":"1"': (None, "1"), '"vs":"x"': (None, "x"),
    }  # fmt: skip
    contradict = [
        record.value or b""
        for record, pack in zip(log, packs, strict=True)
        if any(stored[t, u] != meant[value] for t, u, value in pack)
    ]
    assert letters == [("conflicting_value", payload) for payload in sorted(contradict)]


def test_what_is_next_to_nothing_differs_from_nothing_neither_merged_nor_verified(
    store: Store, reader: psycopg.Connection
) -> None:
    for sequence, value in enumerate((-5e-141, 0.0, 3e-141)):
        payload = pack("tiny", "k3v9x0q2m4t7a1zz", sequence, [number(value, sequence)])
        store.store([part("tiny", payload)], "log")
    row = reader.execute(
        "SELECT n, stddev FROM fieldline.rollup_1m WHERE device = 'tiny'"
    ).fetchone()
    assert row == (3, 0.0)


def test_afterwards_every_rollup_is_what_the_readings_give(reader: psycopg.Connection) -> None:
    found = verify(reader)
    assert found.checked > 0
    assert found.sound, found.details


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


def test_what_has_not_arrived_is_told_by_day_and_what_is_lost_with_its_reason(
    store: Store, reader: psycopg.Connection
) -> None:
    epoch, day = new_epoch(), 86_400
    for sequence, seconds in ((0, 2 * day), (1, 2 * day), (4, day), (7, day), (9, 0), (8, day)):
        payload = pack("daily", epoch, sequence, [number(1.0, seconds)])
        store.store([part("daily", payload)], "log")
    for lost in ('[[2,2,"quota"]]', '[[2,3,"quota"],[6,6,"damaged file"]]'):
        status = (
            f'{{"state":"online","buffer":{{"epoch":"{epoch}","next":13,"held":[[10,11]],'
            f'"lost":{lost}}}}}'
        ).encode()
        said = part("daily", status, topic="fieldline.devices", key="daily/status")
        store.store([said], "log")
    rows = reader.execute(
        "SELECT stored, on_device, lost, missing FROM fieldline.completeness_day"
        " WHERE device = 'daily' ORDER BY day"
    ).fetchall()
    assert rows == [(2, 0, 2, 0), (3, 0, 1, 1), (1, 2, 0, 1)]
    losses = reader.execute(
        "SELECT epoch, reason, packs FROM fieldline.loss WHERE device = 'daily' ORDER BY reason"
    ).fetchall()
    assert losses == [(epoch, "damaged file", 1), (epoch, "quota", 2)]


def test_a_device_that_writes_two_days_in_turns_has_both_counted(
    store: Store, reader: psycopg.Connection
) -> None:
    epoch = new_epoch()
    payloads = [
        pack("turns", epoch, sequence, [number(1.0, sequence % 2 * 86_400)])
        for sequence in range(10)
    ]
    store.store([part("turns", *payloads)], "log")
    rows = reader.execute(
        "SELECT stored, missing FROM fieldline.completeness_day WHERE device = 'turns'"
    ).fetchall()
    assert rows == [(5, 0), (5, 0)]


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
