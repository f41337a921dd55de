from __future__ import annotations

import base64
import csv
import io
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psutil  # type: ignore[import-untyped]
import psycopg
import pytest

from tests.cloud.control.api import Api
from tests.cloud.control.history.conftest import BEGIN, Past
from tests.waiting import eventually


def span(past: Past, begin: datetime = BEGIN, **width: float) -> dict[str, Any]:
    end = begin + timedelta(**width)
    return {"device": past.device, "from": begin.isoformat(), "to": end.isoformat()}


def pages(local: httpx.Client, path: str, **asked: Any) -> list[list[dict[str, Any]]]:
    found, cursor = [], None
    while True:
        answer = local.get(path, params={**asked, **({"cursor": cursor} if cursor else {})})
        assert answer.status_code == 200, answer.text
        found.append(answer.json()["items"])
        cursor = answer.json()["next"]
        if cursor is None:
            return found


def test_readings_come_in_pages_and_each_once(local: httpx.Client, past: Past) -> None:
    past.readings(past.channel("t/one"), 300)
    past.readings(past.channel("t/two"), 300)
    found = pages(local, "/v1/readings", limit=77, **span(past, hours=1))
    assert [len(page) for page in found] == [77] * 7 + [61]
    rows = [row for page in found for row in page]
    assert rows == sorted(rows, key=lambda row: (row["time"], row["channel"]))
    assert len({(row["time"], row["channel"]) for row in rows}) == 600
    assert rows[0].keys() == {
        "time", "channel", "value", "text", "unit", "quality", "received"
    }  # fmt: skip
    assert rows[0]["time"] == "2026-03-02T12:00:00Z"


def test_readings_of_one_instant_and_channel_are_not_lost_between_pages(
    local: httpx.Client, past: Past
) -> None:
    series = past.channel("door")
    past.readings(series, 1)
    for number in range(9):
        past.text(series, f"word {number}")
    rows = [row for page in pages(local, "/v1/readings", limit=3, **span(past, hours=1))
            for row in page]  # fmt: skip
    assert len(rows) == 10
    assert {row["text"] for row in rows} == {None, *(f"word {number}" for number in range(9))}


def test_sparse_readings_of_a_year_are_found_in_one_page(local: httpx.Client, past: Past) -> None:
    series = past.channel("rain")
    past.readings(series, 1)
    past.readings(series, 1, begin=BEGIN + timedelta(days=20))
    asked = span(past, begin=BEGIN - timedelta(days=300), days=340)
    (rows,) = pages(local, "/v1/readings", **asked)
    assert len(rows) == 2


def test_csv_and_json_say_the_same(local: httpx.Client, past: Past) -> None:
    past.readings(past.channel("t"), 5)
    past.text(past.channel("label"), 'a "b", c\nd')
    past.text(past.channel("none"), "")
    asked = span(past, hours=1)
    (rows,) = pages(local, "/v1/readings", **asked)
    answer = local.get("/v1/readings", params=asked, headers={"Accept": "text/csv"})
    assert answer.headers["content-type"].startswith("text/csv")
    said = list(csv.DictReader(io.StringIO(answer.text)))
    assert [one["text"] or None for one in said] == [row["text"] or None for row in rows]
    assert [one["value"] for one in said] == [
        "" if row["value"] is None else f"{row['value']:g}" for row in rows
    ]
    assert [datetime.fromisoformat(one["time"]) for one in said] == [
        datetime.fromisoformat(row["time"]) for row in rows
    ]


def test_arrow_says_the_same_and_tells_nothing_from_empty(local: httpx.Client, past: Past) -> None:
    import pyarrow as pa

    past.readings(past.channel("t"), 5000)
    past.text(past.channel("none"), "")
    asked = {**span(past, hours=2), "format": "arrow"}
    answer = local.get("/v1/readings", params=asked)
    assert answer.headers["content-type"] == "application/vnd.apache.arrow.stream"
    table = pa.ipc.open_stream(answer.content).read_all()
    assert table.num_rows == 5001
    assert table.schema.field("time").type == pa.timestamp("us", tz="UTC")
    assert table["time"][0].as_py() == BEGIN
    assert table["value"].null_count == 1
    assert table["text"].null_count == 5000
    assert sorted(v for v in table["value"].to_pylist() if v is not None) == list(range(5000))


def test_a_range_comes_in_the_resolution_that_suits_it(local: httpx.Client, past: Past) -> None:
    past.readings(past.channel("t", label="Air"), 3 * 86400, every=20)
    raw = local.get("/v1/rollups", params=span(past, minutes=10)).json()
    day = local.get("/v1/rollups", params=span(past, days=1)).json()
    week = local.get("/v1/rollups", params=span(past, days=7)).json()
    shown = [(one["resolution"], len(one["series"][0]["points"])) for one in (raw, day, week)]
    assert shown == [("raw", 30), ("1m", 1440), ("1h", 72)]
    series = week["series"][0]
    assert (series["channel"], series["label"], series["unit"]) == ("t", "Air", "Cel")
    first = series["points"][0]
    assert (first["n"], first["minimum"], first["maximum"], first["mean"]) == (180, 0, 179, 89.5)
    assert first["stddev"] == pytest.approx(52.1056, rel=1e-5)
    assert raw["series"][0]["points"][3] == {
        "time": "2026-03-02T12:01:00Z", "n": 1, "mean": 3.0, "stddev": None, "minimum": 3.0,
        "maximum": 3.0, "first": 3.0, "last": 3.0,
    }  # fmt: skip


def test_what_has_expired_is_answered_coarser_and_says_until_when(
    local: httpx.Client, past: Past
) -> None:
    begin = datetime(2019, 3, 2, 12, tzinfo=UTC)  # before anything that another test looks at
    past.execute("SELECT storage.ensure_month(%s::date)", begin)
    past.readings(past.channel("t"), 86400, every=20, begin=begin)
    for tier in ("raw", "1m"):
        past.execute(
            "INSERT INTO storage.expired (tier, partition, since, until, rows, bytes) "
            "VALUES (%s, 'of_a_test', '2019-03-01', '2019-04-01', 0, 0)", tier,
        )  # fmt: skip
    for resolution, width in ((None, {"minutes": 10}), (None, {"days": 1}), ("1m", {"days": 1})):
        asked = span(past, begin, **width) | ({"resolution": resolution} if resolution else {})
        told = local.get("/v1/rollups", params=asked).json()
        assert told["resolution"] == (resolution or "1h")
        assert told["expired_until"] == "2019-04-01T00:00:00Z"
    later = local.get("/v1/rollups", params=span(past, minutes=10)).json()
    assert (later["resolution"], later["expired_until"]) == ("raw", None)
    past.execute("DELETE FROM storage.expired WHERE partition = 'of_a_test'")


def test_the_bucket_that_the_range_begins_in_is_told(local: httpx.Client, past: Past) -> None:
    past.readings(past.channel("t"), 7200)
    asked = {**span(past, begin=BEGIN + timedelta(minutes=30), hours=1), "resolution": "1h"}
    (series,) = local.get("/v1/rollups", params=asked).json()["series"]
    assert [point["time"] for point in series["points"]] == [
        "2026-03-02T12:00:00Z", "2026-03-02T13:00:00Z"
    ]  # fmt: skip


@pytest.mark.parametrize("resolution", ["raw", "1m", "1h", "1d"])
@pytest.mark.parametrize("form", ["csv", "arrow"])
def test_rollups_are_exported_in_every_form(
    local: httpx.Client, past: Past, form: str, resolution: str
) -> None:
    import pyarrow as pa

    past.readings(past.channel("t"), 120)
    asked = {**span(past, days=1), "format": form, "resolution": resolution}
    answer = local.get("/v1/rollups", params=asked)
    assert answer.status_code == 200, answer.text
    if form == "arrow":
        rows = pa.ipc.open_stream(answer.content).read_all().num_rows
    else:
        rows = len(answer.text.splitlines()) - 1
    assert rows == {"raw": 120, "1m": 2, "1h": 1, "1d": 1}[resolution]


def test_too_many_points_for_json_are_refused_before_they_are_read(
    local: httpx.Client, past: Past
) -> None:
    past.channel("t")
    answer = local.get("/v1/rollups", params={**span(past, days=365), "resolution": "1m"})
    assert (answer.status_code, answer.json()["title"]) == (422, "too many points")


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"device": "nobody"}, 404),
        ({"channel": "nothing"}, 404),
        ({"from": "2026-03-02T12:00:00Z", "to": "2026-03-02T12:00:00Z"}, 422),
        ({"from": "2026-03-02T12:00:00"}, 422),
        ({"from": "0001-01-01T00:00:00Z"}, 422),
        ({"device": "a\0b"}, 422),
        ({"cursor": "WyIyMDI2LTAzLTAyVDEyOjAwOjAwIiwieCIsMF0"}, 422),
        ({"cursor": "WyIyMDI2LTAzLTAyVDEyOjAwOjAwWiIsIngiLC0xXQ"}, 422),
        ({"cursor": "!"}, 422),
    ],
)
def test_what_is_not_there_or_not_sound_is_said(
    local: httpx.Client, past: Past, asked: dict[str, str], status: int
) -> None:
    answer = local.get("/v1/readings", params={"device": past.device, **asked})
    assert answer.status_code == status, answer.text
    assert answer.json()["fix"]


def test_completeness_is_by_device_and_epoch(local: httpx.Client, past: Past) -> None:
    for epoch in ("a" * 16, "b" * 16, "c" * 16):
        past.execute(
            "INSERT INTO storage.ledger (device, epoch, stored, next, held, lost) "
            "VALUES (%s, %s, '{[0,10)}', 20, '{[12,15)}', '{[10,11)}')", past.id, epoch,
        )  # fmt: skip
    found = pages(local, "/v1/completeness", device=past.device, limit=2)
    assert [[row["epoch"][0] for row in page] for page in found] == [["a", "b"], ["c"]]
    assert found[0][0] == {
        "device": past.device, "epoch": "a" * 16, "first_seq": 0, "last_seq": 19, "stored": 10,
        "missing": 6, "on_device": 3, "lost": 1,
    }  # fmt: skip


def test_completeness_is_by_day_over_all_epochs_and_losses_have_their_reasons(
    local: httpx.Client, past: Past
) -> None:
    for epoch, first_day in (("a" * 16, "2026-03-01"), ("b" * 16, "2026-03-02")):
        past.execute(
            "INSERT INTO storage.ledger (device, epoch, stored, next, held, lost, gone) VALUES "
            "(%s, %s, '{[0,10)}', 20, '{[12,15)}', '{[10,11),[16,17)}', '{[17,18)}')",
            past.id, epoch,
        )  # fmt: skip
        past.execute(
            "INSERT INTO storage.ledger_day "
            "VALUES (%s, %s, %s, 0, 4), (%s, %s, '2026-03-03', 4, 6)",
            past.id, epoch, first_day, past.id, epoch,
        )  # fmt: skip
        past.execute(
            "INSERT INTO storage.loss VALUES (%s, %s, 'quota', '{[10,11)}')", past.id, epoch
        )
    found = pages(local, "/v1/completeness/days", device=past.device, limit=2)
    none = {"on_device": 0, "lost": 0, "missing": 0}
    assert [row for page in found for row in page] == [
        {"device": past.device, "day": "2026-03-01", "stored": 4} | none,
        {"device": past.device, "day": "2026-03-02", "stored": 4} | none,
        {"device": past.device, "day": "2026-03-03", "stored": 12,
         "on_device": 6, "lost": 6, "missing": 8},
    ]  # fmt: skip
    asked = {"device": past.device, "since": "2026-03-03"}
    assert len(local.get("/v1/completeness/days", params=asked).json()["items"]) == 1
    lost = [
        row
        for page in pages(local, "/v1/completeness/losses", device=past.device, limit=2)
        for row in page
    ]
    assert [(row["epoch"][0], row["reason"], row["packs"]) for row in lost] == [
        ("a", "", 1), ("a", "quota", 1), ("a", "restore", 1),
        ("b", "", 1), ("b", "quota", 1), ("b", "restore", 1),
    ]  # fmt: skip


def test_what_was_rejected_is_shown_as_it_came(local: httpx.Client, past: Past) -> None:
    past.rejected(b"\xff\x00", "not_utf8: at byte 0", BEGIN)
    past.rejected('{"v":"ü"}'.encode(), "bad_value: it is no number", BEGIN + timedelta(minutes=1))
    rows = local.get("/v1/rejected", params={"device": past.device}).json()["items"]
    assert [(row["reason"][:9], row["text"]) for row in rows] == [
        ("bad_value", '{"v":"ü"}'), ("not_utf8:", None),
    ]  # fmt: skip
    assert base64.b64decode(rows[1]["payload"]) == b"\xff\x00"
    asked = {"device": past.device, "reason": "not_utf8"}
    assert len(local.get("/v1/rejected", params=asked).json()["items"]) == 1


def test_a_page_of_large_payloads_ends_early_and_none_is_lost(
    local: httpx.Client, past: Past
) -> None:
    for number in range(20):
        past.rejected(b"x" * 262_144, f"too_large: {number}", BEGIN, number)
    found = pages(local, "/v1/rejected", device=past.device, limit=1000)
    assert len(found) >= 2
    assert len({row["reason"] for page in found for row in page}) == 20


def test_channels_come_with_their_newest_number(local: httpx.Client, past: Past) -> None:
    past.readings(past.channel("t", label="Air"), 10)
    past.channel("unheard")
    found = pages(local, "/v1/channels", device=past.device, limit=1)
    assert [page[0]["channel"] for page in found] == ["t", "unheard"]
    assert (found[0][0]["value"], found[0][0]["time"]) == (9.0, "2026-03-02T12:00:09Z")
    assert (found[1][0]["value"], found[1][0]["time"]) == (None, None)


def test_a_week_at_a_second_is_answered_at_once_and_exported_in_little_memory(
    api: Api, local: httpx.Client, past: Past
) -> None:
    past.readings(past.channel("t"), 7 * 86400)
    asked = span(past, days=7)
    # Wide bounds, for a machine that does much else; the figures are in docs/figures.md.
    began = time.monotonic()
    assert len(local.get("/v1/rollups", params=asked).json()["series"][0]["points"]) == 168
    assert time.monotonic() - began < 5
    began = time.monotonic()
    assert len(local.get("/v1/readings", params=asked).json()["items"]) == 1000
    assert time.monotonic() - began < 5
    before = psutil.Process(api.pid).memory_info().rss
    lines = 0
    with local.stream("GET", "/v1/readings", params={**asked, "format": "csv"}) as answer:
        for chunk in answer.iter_bytes():
            lines += chunk.count(b"\n")
    assert lines == 7 * 86400 + 1
    assert psutil.Process(api.pid).memory_info().rss - before < 10e6


@pytest.mark.parametrize("form", ["csv", "arrow"])
def test_an_export_that_nobody_reads_on_ends(
    api: Api, local: httpx.Client, past: Past, form: str
) -> None:
    past.readings(past.channel("t"), 3 * 86400)
    asked = {**span(past, days=7), "format": form}
    for _ in range(4):  # more than may run at once
        with local.stream("GET", "/v1/readings", params=asked) as answer:
            assert answer.status_code == 200
            next(answer.iter_raw())

    def none_is_left() -> bool:
        with psycopg.connect(api.postgres.dsn()) as owner:
            row = owner.execute(
                "SELECT count(*) FROM pg_stat_activity "
                "WHERE application_name = 'fieldline api export'"
            ).fetchone()
        return row == (0,) and not psutil.Process(api.pid).children()

    eventually(none_is_left)
