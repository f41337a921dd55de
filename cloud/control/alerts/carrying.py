"""Keeps since when readings get from the broker into the tables.

The stream reads it (`cloud/spark/alerts/horizon.py`): it sees Kafka, but not what stands before it,
and must not take a bridge that stands still for a site that has fallen silent.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime

from psycopg import Error

from cloud.control.database import Pool, connected
from cloud.control.problems import Problem

_EVERY_S = 2.0

# A break of less than ten seconds is none: an API that is started again, a stage that came back
# at once. The stream believes a silence so much later (UNSEEN_US there) that it does no harm.
_KEEP = """
INSERT INTO control.carrying AS c (began, ended) VALUES (%(now)s, %(now)s)
ON CONFLICT (one) DO UPDATE SET ended = excluded.ended, began = CASE
    WHEN abs(extract(epoch FROM excluded.ended - c.ended)) < 10 THEN c.began
    ELSE excluded.began
END
"""

_log = logging.getLogger(__name__)


class Carrying:
    """One for the API. `carries` says whether readings get into the tables now."""

    def __init__(self, pool: Pool, carries: Callable[[], bool]) -> None:
        self._pool = pool
        self._carries = carries

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            try:
                await self.look(datetime.now(UTC))
            except (Problem, Error) as error:
                _log.info("nobody is silent meanwhile: %s", " ".join(str(error).split())[:200])
            await asyncio.sleep(_EVERY_S)

    async def look(self, now: datetime) -> None:
        """Keep that readings come through now, if they do. Raises Problem."""
        if self._carries():
            async with connected(self._pool) as connection:
                await connection.execute(_KEEP, {"now": now})
