"""How long each tier is kept: what the owner says, and everybody else only carries out."""

from collections.abc import Mapping
from typing import Any

import psycopg


def decide(connection: psycopg.Connection[Any], days: Mapping[str, int | None]) -> None:
    """Write down how many days each tier is kept, None for ever. As the owner."""
    with connection.transaction(), connection.cursor() as cursor:
        cursor.executemany(
            "UPDATE storage.retention SET days = %s WHERE tier = %s",
            [(number, tier) for tier, number in days.items()],
        )
