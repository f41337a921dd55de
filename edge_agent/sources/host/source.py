import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from edge_agent.sources.announced import Announced
from edge_agent.sources.api import Channel, Context, Reading, SourceFailed
from edge_agent.sources.host import proc
from edge_agent.sources.host.measure import Look, measure
from edge_agent.sources.host.settings import Settings
from edge_agent.sources.schedule import ticks

T = TypeVar("T")


class HostSource:
    """Reads /proc at intervals. What cannot be read is left out and counted as `unreadable`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._proc = Path(settings.proc)

    def run(self, context: Context) -> None:
        """Read until the agent stops; fails if there is no procfs."""
        settings = self._settings
        if not (self._proc / "stat").exists():
            reason = f"there is no {self._proc / 'stat'}"
            raise SourceFailed(reason, "Mount procfs there, or set `proc` to where it is mounted")
        announced = Announced(context)
        before: Look | None = None
        for _ in ticks(context, settings.interval_s):
            after = self._look(context)
            time_utc = context.now_utc()
            measured = measure(
                before,
                after,
                cpu_states=settings.cpu_states,
                disks=settings.disks,
                interfaces=settings.interfaces,
                count=context.count,
            )
            before = after
            name = settings.name
            announced.include(Channel(f"{name}/{m.what}", m.label, m.unit) for m in measured)
            context.emit([Reading(f"{name}/{m.what}", time_utc, m.value, m.unit) for m in measured])

    def _look(self, context: Context) -> Look:
        return Look(
            at=time.monotonic(),
            cpu=self._read("stat", proc.cpu_ticks, context),
            memory=self._read("meminfo", proc.memory, context) or {},
            load=self._read("loadavg", proc.load, context),
            disks=self._read("diskstats", proc.disks, context) or {},
            interfaces=self._read("net/dev", proc.interfaces, context) or {},
            space=self._space(context),
        )

    def _read(self, name: str, parse: Callable[[str], T], context: Context) -> T | None:
        try:
            return parse((self._proc / name).read_text(encoding="utf-8", errors="replace"))
        except (OSError, ValueError, LookupError):
            context.count("unreadable")
            return None

    def _space(self, context: Context) -> dict[str, tuple[int, int]]:
        space = {}
        for mount in self._settings.mounts:
            try:
                found = os.statvfs(mount)
            except OSError:
                context.count("unreadable")
                continue
            used = (found.f_blocks - found.f_bfree) * found.f_frsize
            space[mount] = (used, found.f_bavail * found.f_frsize)
        return space
