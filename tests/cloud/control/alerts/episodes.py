"""Does with the tables what the stream does when a rule fires."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import Any

import httpx
import psycopg

from tests.cloud.control.api import Api

_numbers = itertools.count(1)


def make_rule(local: httpx.Client, **said: Any) -> dict[str, Any]:
    """A rule of its own name."""
    body = {
        "name": f"gas {next(_numbers)}", "kind": "threshold", "direction": "above",
        "threshold": 50, "severity": "critical", **said,
    }  # fmt: skip
    made = local.post("/v1/alert-rules", json=body)
    assert made.status_code == 201, made.text
    return dict(made.json())


def fire(api: Api, rule: dict[str, Any], device: str, *, late: bool = False) -> int:
    """A rule fires for a device's channel `gas/co`; returns the episode."""
    now = datetime.now(UTC)
    with psycopg.connect(api.postgres.dsn("fieldline_stream")) as connection:

        def one(query: str, *values: object) -> int:
            row = connection.execute(query.encode(), values).fetchone()
            assert row is not None
            return int(row[0])

        owner = one(
            "INSERT INTO storage.device (device) VALUES (%s) "
            "ON CONFLICT (device) DO UPDATE SET last_seen = now() RETURNING id", device,
        )  # fmt: skip
        series = one(
            "INSERT INTO storage.series (device, channel, unit) VALUES (%s, 'gas/co', 'ppm') "
            "ON CONFLICT (device, channel) DO UPDATE SET unit = 'ppm' RETURNING id", owner,
        )  # fmt: skip
        connection.execute(
            "INSERT INTO storage.alert (rule, series, version, state, since, value) "
            "VALUES (%s, %s, 1, 'firing', %s, 86.8) ON CONFLICT (rule, series) DO UPDATE SET "
            "state = 'firing', since = excluded.since",
            [rule["id"], series, now],
        )
        episode = one(
            "INSERT INTO storage.alert_episode "
            "(rule, series, version, name, severity, began, value, worst, late) "
            "VALUES (%s, %s, 1, %s, %s, %s, 86.8, 90.1, %s) RETURNING id",
            rule["id"], series, rule["name"], rule["severity"], now, late,
        )  # fmt: skip
        _tell(connection, episode, "firing")
    return episode


def fire_many(api: Api, rule: dict[str, Any], device: str, count: int) -> list[int]:
    """A rule fires for so many devices, in one transaction, as the stream does; the episodes."""
    with psycopg.connect(api.postgres.dsn("fieldline_stream")) as connection:
        made = connection.execute(
            """
            WITH d AS (
                INSERT INTO storage.device (device)
                SELECT %(device)s || '-' || n FROM generate_series(0, %(count)s - 1) AS n
                RETURNING id
            ), s AS (
                INSERT INTO storage.series (device, channel, unit)
                SELECT id, 'gas/co', 'ppm' FROM d RETURNING id
            )
            INSERT INTO storage.alert_episode
                (rule, series, version, name, severity, began, value, worst, late)
            SELECT %(id)s, id, 1, %(name)s, %(severity)s, now(), 86.8, 90.1, false FROM s
            RETURNING id
            """,
            {**rule, "device": device, "count": count},
        ).fetchall()
        episodes = [int(row[0]) for row in made]
        for episode in episodes:
            _tell(connection, episode, "firing")
    return episodes


def resolve_many(api: Api, episodes: list[int]) -> None:
    """They fire no longer, in one transaction."""
    with psycopg.connect(api.postgres.dsn("fieldline_stream")) as connection:
        connection.execute(
            "UPDATE storage.alert_episode SET ended = now() WHERE id = ANY(%s)", [episodes]
        )
        for episode in episodes:
            _tell(connection, episode, "resolved")


def resolve(api: Api, episode: int) -> None:
    """It fires no longer."""
    with psycopg.connect(api.postgres.dsn("fieldline_stream")) as connection:
        connection.execute(
            "UPDATE storage.alert_episode SET ended = now() WHERE id = %s", [episode]
        )
        connection.execute(
            "UPDATE storage.alert AS a SET state = 'ok' FROM storage.alert_episode AS e "
            "WHERE e.id = %s AND a.rule = e.rule AND a.series = e.series",
            [episode],
        )
        _tell(connection, episode, "resolved")


def take_back(api: Api, episode: int) -> None:
    """Late readings show that it never fired."""
    with psycopg.connect(api.postgres.dsn("fieldline_stream")) as connection:
        connection.execute("DELETE FROM storage.alert_episode WHERE id = %s", [episode])
        _tell(connection, episode, "resolved")


def _tell(connection: psycopg.Connection[Any], episode: int, what: str) -> None:
    connection.execute(
        "SELECT pg_notify('fieldline_event', %s)",
        [f'{{"kind":"alert","subject":"{episode}","what":"{what}"}}'],
    )
