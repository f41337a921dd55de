"""`/v1/devices/<device>/status-history`."""

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from cloud.control import paging, problems
from cloud.control.access import Viewer
from cloud.control.database import Connection
from cloud.control.devices.models import DeviceName
from cloud.control.problems import not_found
from cloud.control.status import store
from cloud.control.status.judge import Condition

router = APIRouter(tags=["devices"])


class StatusChange(BaseModel):
    """What a device was from `since` until the next newer change."""

    model_config = ConfigDict(extra="forbid")

    status: Condition
    reason: str
    since: datetime


class StatusHistory(BaseModel):
    """The newest first."""

    model_config = ConfigDict(extra="forbid")

    items: list[StatusChange]
    next: str | None


@router.get(
    "/v1/devices/{name}/status-history",
    summary="How a device did, since when and why",
    responses=problems.answers(401, 403, 404, 422, 503),
)
async def status_history(
    connection: Connection,
    _: Viewer,
    name: DeviceName,
    limit: paging.Limit = 100,
    cursor: paging.Cursor = None,
) -> StatusHistory:
    """List the changes of a device's status."""
    if not await store.known(connection, name):
        raise not_found("device", name)
    keys = paging.keys(cursor, int)
    before = None if keys is None else max(0, min(keys[0], 2**62))
    rows = await store.history(connection, name, before, limit + 1)
    return StatusHistory(
        items=[StatusChange(**{key: row[key] for key in ("status", "reason", "since")})
               for row in rows[:limit]],
        next=paging.cursor(rows[limit - 1]["id"]) if len(rows) > limit else None,
    )  # fmt: skip
