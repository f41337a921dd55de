"""What devices say of themselves (`fieldline.devices`) into the tables."""

from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

from psycopg import Connection

from cloud.spark import statements
from cloud.spark.identifiers import Identifiers
from cloud.spark.part import NOT_STORABLE, Announcement, Rejection
from cloud.spark.ranges import multirange
from wire import topics
from wire.errors import WireError
from wire.names import is_device_name, is_epoch
from wire.ranges import RangeSet
from wire.status import BufferStatus, Meta, Status, decode_meta, decode_status

MAX_HELD = 100
"""A status names at most so many ranges of what the device holds, the lowest first."""

_YEARS_2000_TO_2100 = range(946_684_800, 4_102_444_800)


def store(
    connection: Connection[Any], identifiers: Identifiers, announcements: list[Announcement]
) -> list[Rejection]:
    """Keep what the announcements say; return those refused."""
    refused: list[Rejection] = []
    for announcement in announcements:
        if announcement.refused:
            refused.append(_rejection(announcement, f"{NOT_STORABLE}: {announcement.refused}"))
            continue
        try:
            device, message = _parse(announcement)
        except WireError as error:
            refused.append(_rejection(announcement, f"bad_announcement: {error}"))
            continue
        number = identifiers.devices([device])[device]
        received = datetime.fromtimestamp(announcement.received / 1e6, UTC)
        if isinstance(message, Status):
            _store_status(connection, number, message, received)
        elif message is not None:
            _store_meta(connection, number, message, received)
    return refused


def held(buffer: BufferStatus) -> RangeSet:
    """Return what the device holds; beyond a full list, all up to the next number."""
    ranges = RangeSet.of(buffer.held)
    if len(buffer.held) >= MAX_HELD and buffer.held[-1][1] < buffer.next - 1:
        ranges |= RangeSet.of([(buffer.held[-1][1] + 1, buffer.next - 1)])
    return ranges


def _parse(announcement: Announcement) -> tuple[str, Status | Meta | None]:
    device, _, kind = announcement.key.partition("/")
    if not is_device_name(device) or kind not in {"status", "meta"}:
        msg = f"the key {announcement.key[:160]!r} is not <device>/status or <device>/meta"
        raise WireError(msg)
    if not announcement.payload:  # a retained message that was taken away
        return device, None
    if kind == "meta":
        return device, decode_meta(announcement.payload)
    status = decode_status(announcement.payload)
    if status.buffer is not None:
        held(status.buffer)
        RangeSet.of([lost[:2] for lost in status.buffer.lost])
    return device, status


def _store_status(
    connection: Connection[Any], device: int, status: Status, received: datetime
) -> None:
    arguments = {
        "device": device,
        "state": status.state,
        "reason": status.reason,
        "since": _time(status.since),
        "received": received,
        "agent": status.agent,
    }
    connection.execute(statements.STATUS, arguments)
    buffer = status.buffer
    if buffer is not None and is_epoch(buffer.epoch):
        arguments = {
            "device": device,
            "received": received,
            "epoch": buffer.epoch,
            "next": buffer.next,
            "held": multirange(held(buffer)),
            "lost": multirange(RangeSet.of([lost[:2] for lost in buffer.lost])),
        }
        connection.execute(statements.BUFFER, arguments)
        _store_losses(connection, device, buffer)


def _store_losses(connection: Connection[Any], device: int, buffer: BufferStatus) -> None:
    by_reason: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    for first, last, reason in buffer.lost:
        by_reason[reason].append((first, last))
    if by_reason:
        arguments = {
            "device": device,
            "epoch": buffer.epoch,
            "reasons": list(by_reason),
            "numbers": [multirange(RangeSet.of(ranges)) for ranges in by_reason.values()],
        }
        connection.execute(statements.LOSS, arguments)


def _store_meta(connection: Connection[Any], device: int, meta: Meta, received: datetime) -> None:
    arguments: dict[str, Any] = {"device": device, "received": received, "agent": meta.agent}
    if connection.execute(statements.META, arguments).fetchone() is None or not meta.channels:
        return
    arguments = {
        "device": device,
        "channels": [channel.channel for channel in meta.channels],
        "labels": [channel.label for channel in meta.channels],
        "units": [channel.unit for channel in meta.channels],
        "minima": [channel.minimum for channel in meta.channels],
        "maxima": [channel.maximum for channel in meta.channels],
    }
    connection.execute(statements.CHANNELS, arguments)


def _rejection(said: Announcement, reason: str) -> Rejection:
    return Rejection(
        pack=None,
        device=said.key.partition("/")[0],
        origin=f"kafka:{topics.DEVICES}",
        reason=reason,
        payload=said.payload,
        received=said.received,
        partition=said.partition,
        offset=said.offset,
        number=0,
    )


def _time(seconds: float | None) -> datetime | None:
    """Return a time that a device named, unless it is nonsense."""
    if seconds is None or not _YEARS_2000_TO_2100.start <= seconds < _YEARS_2000_TO_2100.stop:
        return None
    return datetime.fromtimestamp(seconds, UTC)
