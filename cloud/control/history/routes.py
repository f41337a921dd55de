"""`/v1/readings`, `/v1/rollups`, `/v1/completeness`, `/v1/rejected`, `/v1/channels`."""

import base64
from collections.abc import AsyncGenerator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import AfterValidator, AwareDatetime

from cloud.control import paging, problems
from cloud.control.access import Viewer
from cloud.control.database import Connection, Pool, connected
from cloud.control.history import formats, store
from cloud.control.history.exports import ARROW, CSV, Exports
from cloud.control.history.formats import Format, Wanted
from cloud.control.history.models import (
    ChannelPage,
    CompletenessDays,
    CompletenessPage,
    LossPage,
    ReadingPage,
    RejectedPage,
    Rollups,
)
from cloud.control.history.ranges import (
    MOST_POINTS,
    POINTS,
    Resolution,
    buckets,
    choose,
    still_there,
)
from cloud.control.problems import Problem, not_found
from cloud.control.services import Services

router = APIRouter(tags=["history"])

_PAGE_BYTES = 2 * 1024 * 1024
_FIRST, _LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_READING = {
    "time": "time", "channel": "text", "value": "number", "text": "text", "unit": "text",
    "quality": "text", "received": "time",
}  # fmt: skip
_POINT = {
    "time": "time", "channel": "text", "n": "count", "mean": "number", "stddev": "number",
    "minimum": "number", "maximum": "number", "first": "number", "last": "number",
}  # fmt: skip


def _no_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("it holds a NUL")
    return text


Name = Annotated[str, AfterValidator(_no_nul), Query(max_length=128)]
Time = Annotated[AwareDatetime, Query(ge=_FIRST, le=_LAST)]


class Asked(msgspec.Struct, frozen=True):
    """A stretch of time of some channels of a device; all of them exist."""

    device: str
    channels: list[dict[str, Any]]
    begin: datetime
    end: datetime

    @property
    def names(self) -> list[str]:
        """The channels' names."""
        return [channel["channel"] for channel in self.channels]


async def _asked(
    connection: Connection,
    device: Annotated[Name, Query(examples=["pi-7"])],
    channel: Annotated[
        list[Name], Query(max_length=100, description="none: all of the device")
    ] = [],  # noqa: B006 -- never changed
    begin: Annotated[Time | None, Query(alias="from", description="an hour before `to`")] = None,
    end: Annotated[Time | None, Query(alias="to", description="now; not included")] = None,
) -> Asked:
    end = end or datetime.now(UTC)
    begin = begin or end - timedelta(hours=1)
    if begin >= end:
        raise Problem(422, "not-valid", "`from` is not before `to`", "exchange them")
    there = await store.channels(connection, device)
    if there is None:
        raise not_found("device", device)
    for name in channel:
        if all(one["channel"] != name for one in there):
            raise not_found("channel", name, f"see /v1/channels?device={device}")
    chosen = [one for one in there if not channel or one["channel"] in channel]
    return Asked(device, chosen, begin.astimezone(UTC), end.astimezone(UTC))


AskedFor = Annotated[Asked, Depends(_asked)]


@router.get(
    "/v1/readings",
    summary="Readings as they were taken",
    response_model=ReadingPage,
    responses=formats.answers(401, 403, 404, 422, 503),
)
async def readings(  # noqa: PLR0917 -- each is a parameter of the route
    request: Request,
    connection: Connection,
    _: Viewer,
    asked: AskedFor,
    wanted: Wanted,
    limit: paging.Limit = 1000,
    cursor: paging.Cursor = None,
) -> Response:
    """JSON comes in pages; CSV and Arrow hold the whole range, `limit` and `cursor` are ignored."""
    if wanted is not Format.JSON:
        parameters = store.parameters(
            asked.device, asked.names, asked.begin, asked.end, Resolution.RAW
        )
        query = store.EXPORT_READINGS_CSV if wanted is Format.CSV else store.EXPORT_READINGS
        return await _export(request, wanted, query, parameters, _READING)
    seen = _sound(paging.keys(cursor, datetime, str, int))
    begin, first, skip = seen or (asked.begin, "", 0)
    rows = await store.readings(
        connection, asked.device, asked.names, max(begin, asked.begin), asked.end,
        first=first, skip=skip, limit=limit + 1,
    )  # fmt: skip
    return _json({"items": rows[:limit], "next": _after(rows, limit, first, begin, skip)})


def _after(rows: list[store.Row], limit: int, first: str, begin: datetime, skip: int) -> str | None:
    if len(rows) <= limit:
        return None
    last = rows[limit - 1]
    at = (last["time"], last["channel"])
    same = sum((row["time"], row["channel"]) == at for row in rows[:limit])
    return paging.cursor(*at, same + (skip if at == (begin, first) else 0))


@router.get(
    "/v1/rollups",
    summary="A stretch of time in a resolution that suits it",
    response_model=Rollups,
    responses=formats.answers(401, 403, 404, 422, 503),
)
async def rollups(
    request: Request,
    _: Viewer,
    asked: AskedFor,
    wanted: Wanted,
    resolution: Annotated[
        Resolution | None, Query(description=f"none: at most about {POINTS} points a channel")
    ] = None,
) -> Response:
    """Return buckets, or the readings themselves where they are few. Texts have no rollups.

    The bucket that `from` lies in is among them.
    """
    services: Services = request.app.state.services
    suits = resolution or await _suited(services.pool, asked)
    async with connected(services.pool) as connection:
        expired = await store.expired(connection)
    if resolution is None:
        resolution = still_there(suits, asked.begin, expired)
    elif wanted is Format.JSON:
        await _check_size(services.pool, asked, resolution)
    if wanted is not Format.JSON:
        parameters = store.parameters(asked.device, asked.names, asked.begin, asked.end, resolution)
        query = store.export_points(resolution)
        return await _export(request, wanted, query, parameters, _POINT)
    until = expired.get(suits)
    gone = until if until is not None and until > asked.begin else None
    stream = _series(services.pool, asked, resolution, gone)
    return await formats.streamed(stream, "application/json")


async def _suited(pool: Pool, asked: Asked) -> Resolution:
    rollup = choose(asked.begin, asked.end)
    if rollup is Resolution.MINUTE:
        async with connected(pool) as connection:
            most = await store.most_readings(
                connection, asked.device, asked.names, asked.begin, asked.end
            )
        if most <= POINTS:
            return Resolution.RAW
    return rollup


async def _check_size(pool: Pool, asked: Asked, resolution: Resolution) -> None:
    most = buckets(asked.begin, asked.end, resolution)
    if resolution is Resolution.RAW:
        async with connected(pool) as connection:
            most = await store.most_readings(
                connection, asked.device, asked.names, asked.begin, asked.end
            )
    if most > MOST_POINTS:
        raise Problem(
            422,
            "too-many-points",
            f"up to {most:,} points a channel; JSON holds {MOST_POINTS:,}",
            "ask for a shorter time, a coarser resolution, or CSV or Arrow",
        )


async def _series(
    pool: Pool, asked: Asked, resolution: Resolution, expired_until: datetime | None
) -> AsyncGenerator[bytes]:
    # Channel by channel, and without a connection while the client reads.
    head = msgspec.json.encode(
        {"device": asked.device, "resolution": resolution, "expired_until": expired_until}
    )
    before = head[:-1] + b',"series":['
    for channel in asked.channels:
        async with connected(pool) as connection:
            points = await store.points(
                connection, asked.device, channel["channel"], asked.begin, asked.end, resolution
            )
        yield before + msgspec.json.encode({**channel, "points": points})
        before = b","
    yield (b"" if asked.channels else before) + b"]}"


@router.get(
    "/v1/completeness",
    summary="What has arrived, what is still on the device, what is lost",
    response_model=CompletenessPage,
    responses=problems.answers(401, 403, 422, 503),
)
async def completeness(
    connection: Connection,
    _: Viewer,
    device: Name | None = None,
    limit: paging.Limit = 100,
    cursor: paging.Cursor = None,
) -> Response:
    """List the epochs of devices' buffers; a device has a new one when its buffer was made anew."""
    rows = await store.completeness(connection, device, _pair(cursor), limit + 1)
    return _page(rows, limit, "device", "epoch")


@router.get(
    "/v1/completeness/days",
    summary="What has arrived of each day",
    response_model=CompletenessDays,
    responses=problems.answers(401, 403, 422, 503),
)
async def completeness_days(
    connection: Connection,
    _: Viewer,
    device: Name | None = None,
    since: Annotated[date | None, Query(description="the first day")] = None,
    limit: paging.Limit = 100,
    cursor: paging.Cursor = None,
) -> Response:
    """List devices' days in UTC, the oldest first; a day on which nothing was made is not there."""
    rows = await store.completeness_days(connection, device, since, _pair(cursor), limit + 1)
    return _page(rows, limit, "device", "day")


@router.get(
    "/v1/completeness/losses",
    summary="What is lost, and why",
    response_model=LossPage,
    responses=problems.answers(401, 403, 422, 503),
)
async def losses(
    connection: Connection,
    _: Viewer,
    device: Name | None = None,
    limit: paging.Limit = 100,
    cursor: paging.Cursor = None,
) -> Response:
    """List packs that are lost, by device, epoch and reason."""
    keys = _sound(paging.keys(cursor, str, str, str))
    after = None if keys is None else list(keys)
    rows = await store.losses(connection, device, after, limit + 1)
    return _page(rows, limit, "device", "epoch", "reason")


@router.get(
    "/v1/rejected",
    summary="What could not be stored as readings, with the reason",
    response_model=RejectedPage,
    responses=problems.answers(401, 403, 422, 503),
)
async def rejected(
    connection: Connection,
    _: Viewer,
    device: Name | None = None,
    reason: Annotated[Name | None, Query(description="how it begins, e.g. `bad_value`")] = None,
    limit: paging.Limit = 100,
    cursor: paging.Cursor = None,
) -> Response:
    """List the newest first."""
    until, skip = _sound(paging.keys(cursor, datetime, int)) or (None, 0)
    rows, more = await store.rejected(
        connection, device=device, reason=reason, until=until, skip=skip, limit=limit,
        most_bytes=_PAGE_BYTES,
    )  # fmt: skip
    after = None
    if more:
        last = rows[-1]["time"]
        same = sum(row["time"] == last for row in rows)
        after = paging.cursor(last, same + (skip if last == until else 0))
    return _json({"items": [_shown(row) for row in rows], "next": after})


def _shown(row: store.Row) -> store.Row:
    payload = bytes(row["payload"])
    return {**row, "payload": base64.b64encode(payload).decode(), "text": _as_text(payload)}


def _as_text(payload: bytes) -> str | None:
    try:
        text = payload.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return text if all(c.isprintable() or c in "\t\r\n" for c in text) else None


@router.get(
    "/v1/channels",
    summary="Channels with their newest number",
    response_model=ChannelPage,
    responses=problems.answers(401, 403, 422, 503),
)
async def channels(
    connection: Connection,
    _: Viewer,
    device: Name | None = None,
    limit: paging.Limit = 100,
    cursor: paging.Cursor = None,
) -> Response:
    """List them by device and channel."""
    rows = await store.channel_page(connection, device, _pair(cursor), limit + 1)
    return _page(rows, limit, "device", "channel")


def _pair(cursor: str | None) -> list[str] | None:
    keys = _sound(paging.keys(cursor, str, str))
    return None if keys is None else list(keys)


def _sound(keys: tuple[Any, ...] | None) -> tuple[Any, ...] | None:
    """Refuse a cursor that somebody else has made; the database would take it for a fault."""
    for key in keys or ():
        if (
            (isinstance(key, str) and "\0" in key)
            or (isinstance(key, int) and not 0 <= key < 2**31)
            or (isinstance(key, datetime) and key.tzinfo is None)
        ):
            raise Problem(
                422, "bad-cursor", "the cursor is not of this list", "begin at the first page"
            )
    return keys


def _page(rows: list[store.Row], limit: int, *keys: str) -> Response:
    last = rows[limit - 1] if len(rows) > limit else None
    after = None if last is None else paging.cursor(*(last[key] for key in keys))
    return _json({"items": rows[:limit], "next": after})


def _json(body: dict[str, Any]) -> Response:
    # The rows have the model's form already; to check each again would take longer than to list.
    return Response(msgspec.json.encode(body), media_type="application/json")


async def _export(
    request: Request,
    wanted: Format,
    query: str,
    parameters: Mapping[str, Any],
    columns: Mapping[str, str],
) -> Response:
    exports: Exports = request.app.state.services.exports
    if wanted is Format.CSV:
        return await formats.streamed(exports.csv(query, parameters), CSV)
    return await formats.streamed(exports.arrow(query, parameters, columns), ARROW)
