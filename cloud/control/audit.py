"""Who did what, when, from where, before and after. The API's role may only add to it."""

from datetime import datetime
from typing import Any

import msgspec
from psycopg import AsyncConnection
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from cloud.control.principal import Principal

_RECORD = """
INSERT INTO control.audit (person, role, address, request, action, subject, before, after)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
"""
_RECORD_LATE = """
INSERT INTO control.audit (time, person, role, address, request, action, subject, after)
SELECT %(time)s, %(person)s, %(role)s, %(address)s, %(request)s, %(action)s, %(subject)s, %(after)s
WHERE NOT EXISTS (
    SELECT FROM control.audit
    WHERE time = %(time)s AND request = %(request)s
      AND action = %(action)s AND subject = %(subject)s
)
"""


async def record(
    connection: AsyncConnection[DictRow],
    principal: Principal,
    action: str,
    subject: str,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Record an act in the transaction that does it.

    `action` is `<area>.<verb>`, e.g. `device.revoke`; `subject` the thing, e.g. `device/pi-7`.
    `before` and `after` hold what has changed, never a secret.
    """
    await connection.execute(
        _RECORD,
        (
            principal.user,
            principal.role,
            principal.address,
            principal.request,
            action,
            subject,
            None if before is None else Jsonb(before),
            None if after is None else Jsonb(after),
        ),
    )


class Act(msgspec.Struct, frozen=True):
    """An act that could not be recorded when it was done; the fields are the table's."""

    time: datetime
    person: str
    role: str
    address: str
    request: str
    action: str
    subject: str
    after: dict[str, Any] | None


async def record_late(connection: AsyncConnection[DictRow], act: Act) -> None:
    """Record it at the time at which it was done; twice is as good as once."""
    after = None if act.after is None else Jsonb(act.after)
    await connection.execute(_RECORD_LATE, {**msgspec.structs.asdict(act), "after": after})
