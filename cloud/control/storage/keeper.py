"""Looks after the disk: lets expire what has outlived its time, measures, forecasts, tells."""

import asyncio
import json
import logging
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from psycopg import Error, errors
from psycopg.rows import DictRow

from cloud.control import audit, events
from cloud.control.database import Pool, connected
from cloud.control.pipeline.actions import SYSTEM
from cloud.control.problems import Problem
from cloud.control.storage import store
from cloud.control.storage.forecast import (
    WARN_DAYS,
    Forecast,
    Growth,
    forecast,
    growth,
)
from cloud.control.storage.measure import Disk, measure
from cloud.stack.folder import Folder

_OFTEN_S = 15.0
_HOUR_S = 3600.0
_FRESH_S = 60.0
_LITTLE_BYTES = 5_000_000_000
"""As `fieldline up` warns of at the start."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Use:
    """One look: sizes in bytes, growths in bytes a day; `database` is all of it, tiers included."""

    at: float
    disk: Disk
    tiers: list[DictRow]
    database: int
    growths: Mapping[str, Growth | None]
    forecast: Forecast
    backups: list[DictRow]
    held_back: str

    @property
    def warning(self) -> str:
        """Say what is to be done about the disk; empty if nothing."""
        days, free = self.forecast.days, self.disk.free / 1e9
        what = "make room, shorten [retention] in fieldline.toml, or use a larger disk"
        if days is not None and days < WARN_DAYS:
            return f"the disk will be full in {days} days, {free:.1f} GB are free; {what}"
        if self.disk.free < _LITTLE_BYTES:
            return f"only {free:.1f} GB of the disk are free; {what}"
        return ""


class Keeper:
    """One for the API. `seen` is None until the first look."""

    def __init__(self, pool: Pool, folder: Folder) -> None:
        self._pool = pool
        self._folder = folder
        self._lock = asyncio.Lock()
        self._tidied = -_HOUR_S
        self._held_back = ""
        self._warned: bool | None = None
        self.seen: Use | None = None

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            try:
                await self.round()
            except (Problem, Error, OSError) as error:
                _log.info("storage is not looked after: %s", " ".join(str(error).split())[:200])
            await asyncio.sleep(_OFTEN_S)

    async def round(self) -> None:
        """Do what is due. Raises Problem, psycopg.Error, OSError."""
        await self.write_off()
        if time.monotonic() - self._tidied >= _HOUR_S:
            await self.tidy()
            await self.look()
            self._tidied = time.monotonic()

    async def write_off(self) -> None:
        """Count as lost, and say, what devices had forgotten before a restore."""
        async with connected(self._pool) as connection:
            for row in await store.write_off(connection):
                subject = f"device/{row['device']}"
                lost = {
                    "epoch": row["epoch"],
                    "packs": row["packs"],
                    "backup": row["taken"].isoformat(),
                }
                await audit.record(connection, SYSTEM, "restore.loss", subject, after=lost)
                await events.publish(connection, "device", row["device"], "restore loss", **lost)
                _log.warning("%s: %d packs are lost with the restore", subject, row["packs"])

    async def tidy(self) -> None:
        """Let expire what has outlived what [retention] says, each partition on its own."""
        with suppress(errors.LockNotAvailable):  # the rest takes what comes until the next time
            async with connected(self._pool) as connection:
                await store.ensure_records(connection)
        async with connected(self._pool) as connection:
            due = await store.expirable(connection)
        held_back = ""
        for one in due:
            try:
                await self._expire(one["tier"], one["since"])
            except errors.LockNotAvailable:
                _log.info("%s from %s is in use, it expires later", one["tier"], one["since"])
            except errors.RaiseException as error:
                held_back = error.diag.message_primary or str(error)
        if held_back and held_back != self._held_back:
            _log.error("retention: %s; see `fieldline verify`", held_back)
            async with connected(self._pool) as connection:
                await events.publish(
                    connection, "storage", "retention", "held back", reason=held_back
                )
        self._held_back = held_back

    async def _expire(self, tier: str, since: datetime) -> None:
        async with self._pool.connection() as connection:
            emptied = await store.expire(connection, tier, since)
            for part in emptied:
                subject = f"storage/{part['partition']}"
                gone = {"tier": tier, "rows": part["rows"], "bytes": part["bytes"]}
                await audit.record(connection, SYSTEM, "retention.expire", subject, before=gone)
                await events.publish(connection, "storage", part["partition"], "expired", **gone)
        _log.info("%s from %s has expired, as [retention] says", tier, since.date())

    async def look(self) -> Use:
        """Measure, unless that was done just now. Raises Problem, OSError."""
        async with self._lock:
            if self.seen is None or time.time() - self.seen.at >= _FRESH_S:
                self.seen = await self._look()
                await self._tell(self.seen)
            return self.seen

    async def _look(self) -> Use:
        async with connected(self._pool) as connection:
            tiers, database = await store.tiers(connection), await store.database_bytes(connection)
            backups = await store.backups(connection)
        files = [backup["file"] for backup in backups]
        disk = await asyncio.to_thread(measure, self._folder, files)
        sizes = _sizes(disk, tiers, database)
        async with connected(self._pool) as connection:
            age = await store.age_of_samples(connection)
            if age is None or age >= _HOUR_S - _FRESH_S:
                await store.keep(connection, sizes)
            before = await store.samples(connection)
        growths = {part: growth(before.get(part, [])) for part in sizes}
        # The database is counted by its tiers; its folder's own growth would count it twice.
        own = {part: one for part, one in growths.items() if part != "postgres"}
        if "postgres" not in disk.servers:  # it is elsewhere, on another disk
            own = {part: own[part] for part in disk.servers}
        kept = {tier["name"]: tier["kept_days"] for tier in tiers}
        return Use(
            time.time(),
            disk,
            tiers,
            database,
            growths,
            forecast(disk.free, sizes, own, kept),
            backups,
            self._held_back,
        )

    async def _tell(self, use: Use) -> None:
        """Tell when it begins and ends to be too little; leave it to `fieldline status`, too."""
        await asyncio.to_thread(self._note, use)
        if bool(use.warning) != bool(self._warned):
            async with connected(self._pool) as connection:
                what = "filling" if use.warning else "room again"
                await events.publish(connection, "storage", "disk", what, warning=use.warning)
        self._warned = bool(use.warning)

    def _note(self, use: Use) -> None:
        run = self._folder.run
        run.mkdir(mode=0o700, exist_ok=True)
        said = json.dumps({"at": use.at, "warning": use.warning})
        (run / "storage.json").write_text(said, "utf-8")


def _sizes(disk: Disk, tiers: list[DictRow], database: int) -> dict[str, int]:
    """Name every part: servers, tiers, and what of the database is in no tier."""
    by_tier = {tier["name"]: tier["bytes"] for tier in tiers}
    return {**disk.servers, **by_tier, "other": max(0, database - sum(by_tier.values()))}
