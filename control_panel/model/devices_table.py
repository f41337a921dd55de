"""The table of devices: what the server knows of each, and what it says itself, as rows.

Rows are kept in their order, so that a filter is one pass over texts that are ready in lower case.
"""

import functools
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from control_panel.model.fleet import STATUSES
from control_panel.model.live import Live
from control_panel.model.things import Completeness, Device
from wire.status import Status

COLUMNS = (
    "status", "name", "label", "site", "last seen", "clock", "unsent", "agent", "complete",
    "reason",
)  # fmt: skip
_RANK = {status: rank for rank, status in enumerate(STATUSES)}
_NEVER = datetime.min.replace(tzinfo=UTC)


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A device as it is shown.

    `unsent` are packs that wait on the device, `fill` the share of its buffer that they take, both
    None if it has not said; `complete` is the share of its packs that are stored.
    """

    name: str
    status: str
    reason: str
    label: str
    site: str
    last_seen: datetime | None
    clock: str
    unsent: int | None
    fill: float | None
    agent: str
    complete: float | None


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of the table; `statuses` empty: all of them."""

    words: str = ""
    statuses: frozenset[str] = frozenset()
    sort: str = "status"
    descending: bool = False


class DevicesTable:
    """Rows of all devices, and those of them that are asked for."""

    def __init__(self) -> None:
        self.shown = Shown()
        self.visible: list[Row] = []
        self._rows: dict[str, Row] = {}
        self._texts: dict[str, str] = {}
        self._ordered: list[Row] = []
        self._shares: dict[str, float] = {}
        self._heard_utc: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def row(self, name: str) -> Row | None:
        """Return the row of a device."""
        return self._rows.get(name)

    def show(self, shown: Shown) -> None:
        """Show what is asked for."""
        before, self.shown = self.shown, shown
        if (before.sort, before.descending) != (shown.sort, shown.descending):
            self._order()
        self._filter()

    def complete(self, epochs: Iterable[Completeness]) -> None:
        """Take what has arrived of each device's packs; `take` then shows it."""
        stored: dict[str, list[int]] = {}
        for epoch in epochs:
            sums = stored.setdefault(epoch.device, [0, 0])
            sums[0] += epoch.stored
            sums[1] += epoch.stored + epoch.missing + epoch.lost + epoch.on_device
        self._shares = {name: part / whole for name, (part, whole) in stored.items() if whole}

    def heard(self, device: str, received_utc: int) -> None:
        """Take note that readings of a device have come; `take` then shows it."""
        self._heard_utc[device] = max(received_utc, self._heard_utc.get(device, 0))

    def take(self, names: Iterable[str], devices: Mapping[str, Device], live: Live) -> bool:
        """Look at these devices anew; return whether anything differs."""
        changed = False
        for name in names:
            device = devices.get(name)
            if device is None or device.state == "gone":
                changed |= self._rows.pop(name, None) is not None
                self._texts.pop(name, None)
                continue
            row = self._row(device, live.statuses.get(name))
            if self._rows.get(name) != row:
                changed = True
                self._rows[name] = row
                self._texts[name] = "\n".join(
                    (row.name, row.label, row.site, row.status, row.reason, row.agent, row.clock)
                ).casefold()
        if changed:
            self._order()
            self._filter()
        return changed

    def _row(self, device: Device, status: Status | None) -> Row:
        buffer = status.buffer if status is not None else None
        return Row(
            name=device.name,
            status=device.status,
            reason=device.status_reason,
            label=device.label,
            site=device.site,
            last_seen=self._last_seen(device),
            clock=status.clock if status is not None else "",
            unsent=None if buffer is None else sum(b - a + 1 for a, b in buffer.held),
            fill=buffer.bytes / buffer.quota if buffer is not None and buffer.quota else None,
            agent=(status.agent if status is not None else "") or device.agent_version or "",
            complete=self._shares.get(device.name),
        )

    def _last_seen(self, device: Device) -> datetime | None:
        heard = self._heard_utc.get(device.name)
        if heard is None:
            return device.last_seen
        at = datetime.fromtimestamp(heard // 1_000_000, UTC)  # whole seconds: it is shown so
        return at if device.last_seen is None else max(at, device.last_seen)

    def _order(self) -> None:
        by_name = sorted(self._rows.values(), key=lambda row: _natural(row.name))
        if self.shown.sort == "name":
            self._ordered = by_name[::-1] if self.shown.descending else by_name
        else:
            key = _KEYS.get(self.shown.sort, _KEYS["status"])
            # Equal ones stay in the order of their names either way.
            self._ordered = sorted(by_name, key=key, reverse=self.shown.descending)

    def _filter(self) -> None:
        statuses, texts = self.shown.statuses, self._texts
        rows = self._ordered
        if statuses:
            rows = [row for row in rows if row.status in statuses]
        for word in self.shown.words.casefold().split():
            rows = [row for row in rows if word in texts[row.name]]
        self.visible = rows


@functools.lru_cache(maxsize=20_000)  # the same names are ordered again and again
def _natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """Order pi-2 before pi-10."""
    parts: list[tuple[int, int, str]] = []
    run = ""
    for character in text.casefold():
        if run and run[-1].isdecimal() != character.isdecimal():
            parts.append(_part(run))
            run = ""
        run += character
    parts.append(_part(run))
    return tuple(parts)


def _part(run: str) -> tuple[int, int, str]:
    return (0, int(run), run) if run.isdecimal() else (1, 0, run)


_KEYS: dict[str, Callable[[Row], Any]] = {
    "status": lambda row: _RANK.get(row.status, len(_RANK)),
    "label": lambda row: row.label.casefold(),
    "site": lambda row: row.site.casefold(),
    "reason": lambda row: row.reason.casefold(),
    "last seen": lambda row: row.last_seen or _NEVER,
    "clock": lambda row: row.clock,
    "unsent": lambda row: -1 if row.unsent is None else row.unsent,
    "agent": lambda row: _natural(row.agent),
    "complete": lambda row: 2.0 if row.complete is None else row.complete,
}
