"""Every panel of every dashboard draws what the database holds, whatever the range."""

from __future__ import annotations

import json
import numbers
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import TupleRow

from cloud.grafana import __main__ as generator
from tests.cloud.databases import dsn, own_database
from tests.cloud.grafana.macros import Dashboard
from tests.servers import Postgres

FOLDER = Path(generator.__file__).parent
NOW = datetime.now(UTC).replace(microsecond=0)
RANGES = {"1 hour": timedelta(hours=1), "7 days": timedelta(days=7), "90 days": timedelta(days=90)}
DEVICES = ["pi-1", "o'brien"]
CHANNELS = {"board/co": "ppm", "board/ratio": "/", "host/cpu": "%", "door": ""}


@dataclass(frozen=True)
class Panel:
    dashboard: str
    title: str
    type: str
    sql: str
    shape: str


def panels() -> list[Panel]:
    return [
        Panel(file.stem, panel["title"], panel["type"], target["rawSql"], target["format"])
        for file in sorted((FOLDER / "dashboards").glob("*.json"))
        for panel in json.loads(file.read_text())["panels"]
        for target in panel["targets"]
    ]


def named(panel: Panel) -> str:
    return f"{panel.dashboard}: {panel.title}"


@pytest.fixture(scope="module")
def reader(postgres: Postgres) -> Iterator[psycopg.Connection[TupleRow]]:
    """A connection as Grafana's role, to 90 days of two devices with four channels each."""
    with own_database(postgres, "dashboards") as name:
        with psycopg.connect(dsn(postgres, name, "fieldline_owner"), autocommit=True) as owner:
            fill(owner)
        address = dsn(postgres, name, "fieldline_reader")
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute("SET timezone = 'UTC'")
            yield connection


def fill(owner: psycopg.Connection[TupleRow]) -> None:
    """A reading a minute in the last two hours, before that an hour's rollup each."""
    months = {(NOW - timedelta(days=d)).date().replace(day=1) for d in range(0, 95, 5)}
    for month in sorted(months):
        owner.execute("SELECT storage.ensure_month(%s)", [month])
    owner.execute(
        "INSERT INTO storage.kind (unit, quality) VALUES ('', 'synced') ON CONFLICT DO NOTHING"
    )
    for device in DEVICES:
        owner.execute(
            "INSERT INTO storage.device (device, status, last_seen) VALUES (%s, 'online', now())",
            [device],
        )
        owner.execute(
            "INSERT INTO storage.ledger (device, epoch, stored, next)"
            " SELECT id, 'e' || id, '{[0,100)}', 101 FROM storage.device WHERE device = %s",
            [device],
        )
        owner.execute(
            "INSERT INTO storage.rejected"
            ' (time, origin, device, reason, payload, log, partition, "offset", number)'
            " VALUES (%s - interval '5 min', 'mqtt:x', %s, 'not_json: …', 'x', %s, 0, 0, 0)",
            [NOW, device, device],
        )
        for channel, unit in CHANNELS.items():
            owner.execute(
                "INSERT INTO storage.series (device, channel, unit)"
                " SELECT id, %s, %s FROM storage.device WHERE device = %s",
                [channel, unit, device],
            )
    owner.execute(
        "INSERT INTO storage.reading (time, received, value, series, kind)"
        " SELECT t, t, 20 + s.id, s.id, (SELECT min(id) FROM storage.kind)"
        " FROM storage.series s, generate_series(%(now)s - interval '2 h', %(now)s, '1 min') t",
        {"now": NOW},
    )
    for table, unit, back in (
        ("rollup_1m", "minute", "7 days"),
        ("rollup_1h", "hour", "91 days"),
        ("rollup_1d", "day", "91 days"),
    ):
        owner.execute(
            f"INSERT INTO storage.{table}"
            f" SELECT date_trunc('{unit}', t), s.id, 1, 20 + s.id, 0, 20, 20, 20, t, 20 + s.id, t"
            f" FROM storage.series s,"
            f" generate_series(%(now)s - interval '{back}', %(now)s, '1 {unit}') t",
            {"now": NOW},
        )


def look(length: timedelta, **variables: list[str]) -> Dashboard:
    chosen = {"device": ["pi-1"], "channel": list(CHANNELS), "unit": ["ppm"], **variables}
    return Dashboard(NOW - length, NOW, chosen)


@pytest.mark.parametrize("length", RANGES.values(), ids=list(RANGES))
@pytest.mark.parametrize("panel", panels(), ids=named)
def test_every_panel_gets_rows_in_the_shape_that_it_draws(
    reader: psycopg.Connection[TupleRow], panel: Panel, length: timedelta
) -> None:
    cursor = reader.execute(look(length).expand(panel.sql).encode())
    rows = cursor.fetchall()
    assert rows, "no rows"
    assert cursor.description is not None
    columns = [column.name for column in cursor.description]
    if panel.shape == "time_series":
        assert columns == ["time", "metric", "value"]
        times = [row[0] for row in rows]
        assert times == sorted(times)
        assert all(isinstance(row[1], str) for row in rows)
        assert all(isinstance(row[2], int | float | Decimal) for row in rows)
        assert times[0] >= (NOW - length - timedelta(days=1)).timestamp()
    if panel.type == "stat":
        assert len(rows) == 1
        assert all(isinstance(value, numbers.Number) for value in rows[0])


@pytest.mark.parametrize("length", RANGES.values(), ids=list(RANGES))
def test_a_chart_has_a_point_wherever_there_is_data_and_no_more_than_pixels(
    reader: psycopg.Connection[TupleRow], length: timedelta
) -> None:
    chart = next(p for p in panels() if p.title == "$unit")
    view = look(length)
    rows = reader.execute(view.expand(chart.sql).encode()).fetchall()
    assert {row[1] for row in rows} == {"board/co"}
    assert len(rows) <= view.pixels + 2
    assert rows[-1][0] - rows[0][0] > length.total_seconds() * 0.95
    values = {float(row[2]) for row in rows}
    assert len(values) == 1, "the mean of equal values is that value at every width"


def test_ninety_days_touch_no_raw_readings(reader: psycopg.Connection[TupleRow]) -> None:
    chart = next(p for p in panels() if p.title == "$unit")
    plan = reader.execute(
        f"EXPLAIN {look(RANGES['90 days']).expand(chart.sql)}".encode()
    ).fetchall()
    text = "\n".join(row[0] for row in plan)
    assert "rollup_1h" in text
    assert "rollup_1m" not in text
    assert " reading_" not in text


def test_a_name_with_a_quote_in_it_is_a_name(reader: psycopg.Connection[TupleRow]) -> None:
    for panel in panels():
        sql = look(RANGES["1 hour"], device=["o'brien"]).expand(panel.sql)
        assert reader.execute(sql.encode()).fetchall(), named(panel)


def test_the_variables_offer_what_there_is(reader: psycopg.Connection[TupleRow]) -> None:
    document = json.loads((FOLDER / "dashboards" / "device.json").read_text())
    offers = {}
    for variable in document["templating"]["list"]:
        rows = reader.execute(look(RANGES["1 hour"], unit=[]).expand(variable["query"]).encode())
        offers[variable["name"]] = [row[0] for row in rows.fetchall()]
    every_unit = sorted(unit or "no unit" for unit in CHANNELS.values())
    assert offers["device"] == sorted(DEVICES)
    assert offers["channel"] == sorted(CHANNELS)
    assert sorted(offers["unit"]) == every_unit


def test_the_committed_dashboards_are_what_the_code_makes() -> None:
    for name, text in generator.dashboards().items():
        assert (FOLDER / "dashboards" / name).read_text() == text, "run python -m cloud.grafana"


def test_every_data_source_of_a_dashboard_is_the_provisioned_one() -> None:
    def sources(node: Any) -> Iterator[dict[str, str]]:
        if isinstance(node, dict):
            if isinstance(node.get("datasource"), dict):
                yield node["datasource"]
            for child in node.values():
                yield from sources(child)
        elif isinstance(node, list):
            for child in node:
                yield from sources(child)

    provisioned = (FOLDER / "provisioning" / "datasources" / "fieldline.yaml").read_text()
    assert "uid: fieldline\n" in provisioned
    assert "type: postgres\n" in provisioned
    for text in generator.dashboards().values():
        found = list(sources(json.loads(text)))
        assert found
        assert all(source == {"type": "postgres", "uid": "fieldline"} for source in found)
