"""Since when readings come through, as the API keeps it for the stream."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import psycopg

from cloud.control.alerts.carrying import Carrying
from cloud.control.database import make_pool
from cloud.control.settings import Postgres as Settings
from tests.cloud.control.api import Api
from tests.cloud.databases import dsn, own_database
from tests.waiting import eventually

BEGIN = datetime.fromisoformat("2026-03-02T12:00:00+00:00")


def test_a_break_of_ten_seconds_makes_it_count_anew(api: Api) -> None:
    carries = True

    async def looked_at(database: str, *seconds: float) -> tuple[float, float] | None:
        settings = Settings(dsn=dsn(api.postgres, database, "fieldline_control"))
        async with make_pool(settings) as pool:
            watch = Carrying(pool, lambda: carries)
            for second in seconds:
                await watch.look(BEGIN + timedelta(seconds=second))
        with psycopg.connect(dsn(api.postgres, database, "fieldline_stream")) as stream:
            row = stream.execute("SELECT began, ended FROM control.carrying").fetchone()
        return row and tuple((time - BEGIN).total_seconds() for time in row)

    with own_database(api.postgres, "carrying") as database:
        assert asyncio.run(looked_at(database, 0, 2, 9)) == (0, 9)
        carries = False
        assert asyncio.run(looked_at(database, 11, 18)) == (0, 9)
        carries = True
        assert asyncio.run(looked_at(database, 18.9)) == (0, 18.9)
        assert asyncio.run(looked_at(database, 29, 31)) == (29, 31)
        assert asyncio.run(looked_at(database, -600)) == (-600, -600)  # the clock was set back


def test_the_api_looks_by_itself(api: Api) -> None:
    with psycopg.connect(api.postgres.dsn("fieldline_stream"), autocommit=True) as stream:
        query = "SELECT now() - ended < interval '9 s' FROM control.carrying"
        eventually(lambda: stream.execute(query).fetchone() == (True,), what="it has looked")
