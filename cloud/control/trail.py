"""`/v1/audit`: who did what."""

import csv
import io
import json
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from cloud.control import paging, problems
from cloud.control.access import Operator
from cloud.control.database import Pool, connected

router = APIRouter(tags=["audit"])

_EXPORT_PAGE = 1000
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_PAGE = """
SELECT id, time, person, role, address, request, action, subject, before, after
FROM control.audit
WHERE (%(before)s::bigint IS NULL OR id < %(before)s)
  AND (%(person)s::text IS NULL OR person = %(person)s)
  AND (%(subject)s::text IS NULL OR subject = %(subject)s)
  AND (%(action)s::text IS NULL OR action = %(action)s)
  AND (%(since)s::timestamptz IS NULL OR time >= %(since)s)
  AND (%(until)s::timestamptz IS NULL OR time < %(until)s)
ORDER BY id DESC LIMIT %(limit)s
"""
_Words = Annotated[str | None, Query(max_length=128, pattern=r"^[^\x00]*$")]


class Act(BaseModel):
    """What somebody did."""

    id: int
    time: datetime
    person: str
    role: str
    address: str
    request: str
    action: str
    subject: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class ActPage(BaseModel):
    """The newest first."""

    items: list[Act]
    next: str | None


@router.get(
    "/v1/audit",
    summary="Who did what, when, from where; the newest first",
    response_model=ActPage,
    responses={
        **problems.answers(401, 403, 422, 503),
        200: {"content": {"text/csv": {"schema": {"type": "string"}}}},
    },
)
async def acts(  # noqa: PLR0917 -- each is a parameter of the route
    request: Request,
    _: Operator,
    limit: paging.Limit = 100,
    cursor: paging.Cursor = None,
    person: _Words = None,
    subject: _Words = None,
    action: _Words = None,
    since: datetime | None = None,
    until: datetime | None = None,
    format: Literal["json", "csv"] = "json",  # noqa: A002 -- its name in the URL
) -> Response | ActPage:
    """List acts."""
    seen = paging.keys(cursor, int)
    asked = {
        "before": seen[0] if seen else None, "limit": limit + 1, "person": person,
        "subject": subject, "action": action, "since": since, "until": until,
    }  # fmt: skip
    if format == "csv":
        pool = request.app.state.services.pool
        return StreamingResponse(_table(pool, asked), media_type="text/csv; charset=utf-8")
    async with connected(request.app.state.services.pool) as connection:
        rows = await (await connection.execute(_PAGE, asked)).fetchall()
    more = paging.cursor(rows[limit - 1]["id"]) if len(rows) > limit else None
    return ActPage(items=[Act(**row) for row in rows[:limit]], next=more)


async def _table(pool: Pool, asked: dict[str, Any]) -> AsyncIterator[str]:
    """Export all that was asked for, whatever the limit; no connection is held between pages."""
    yield _lines([list(Act.model_fields)])
    before = asked["before"]
    while True:
        async with pool.connection() as connection:
            page = {**asked, "before": before, "limit": _EXPORT_PAGE}
            rows = await (await connection.execute(_PAGE, page)).fetchall()
        if not rows:
            return
        yield _lines([[_cell(row[column]) for column in Act.model_fields] for row in rows])
        before = rows[-1]["id"]


def _cell(value: Any) -> str:
    """Return a cell that can be read back, and that a spreadsheet takes for no formula."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _lines(rows: list[list[Any]]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue()
