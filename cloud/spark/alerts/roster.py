"""Which series there are, which rules are about each, and how far each is stored."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection

from cloud.spark.alerts.rules import Rule, matcher
from cloud.spark.arrays import Int4

NEVER = np.iinfo(np.int64).min
"""In `newest`: nothing is stored."""

Ids = NDArray[np.int32]

_SERIES = """
SELECT s.id, d.device, s.channel, (extract(epoch FROM r.last_time) * 1000000)::int8
FROM storage.series AS s
JOIN storage.device AS d ON d.id = s.device
LEFT JOIN LATERAL (
    SELECT last_time FROM storage.rollup_1d WHERE series = s.id ORDER BY time DESC LIMIT 1
) AS r ON true
"""

_DEVICES = "SELECT device, site, status = 'revoked' FROM fieldline.device"


class Roster:
    """A cache of one connection that alone writes readings, filled when it is first needed.

    `ruled` and `applies`, by rule, say by a series' number whether it is meant; `newest` holds
    the time of its newest number.
    """

    def __init__(self, connection: Connection[Any]) -> None:
        self._connection = connection
        self._rules: Sequence[Rule] = ()
        self._complete = False
        self._devices: dict[str, tuple[str | None, bool]] = {}  # their site; if they are revoked
        self._names: dict[int, tuple[str, str]] = {}
        self._known = np.zeros(0, np.bool_)
        self.newest = np.zeros(0, np.int64)
        self.ruled = np.zeros(0, np.bool_)
        self.applies: dict[int, NDArray[np.bool_]] = {}

    def name(self, series: int) -> tuple[str, str]:
        """Return device and channel."""
        return self._names[series]

    def obey(self, rules: Sequence[Rule]) -> None:
        """Take other rules. The first ones have all series read, before a batch changes them."""
        self._rules = rules
        if rules and not self._complete:
            self._read(self._connection.execute(_SERIES))
            self._devices = self._read_devices()
        self._complete = bool(rules)  # without rules nobody tells what becomes of the series
        self._match_all()

    def reread_devices(self) -> bool:
        """Ask again where devices are and which are revoked; return whether that has changed."""
        if all(rule.site is None and not rule.is_silence for rule in self._rules):
            return False
        devices = self._read_devices()
        if devices == self._devices:
            return False
        self._devices = devices
        self._match_all()
        return True

    def learn(self, series: Ids) -> None:
        """Take in the series that are unknown: of those nothing was stored before."""
        size = int(series.max(initial=-1)) + 1
        self._grow(size)
        new = np.unique(series[~self._known[series]])
        if len(new):
            rows = self._connection.execute(_SERIES + "WHERE s.id = ANY(%s)", (Int4(new),))
            self._read(rows)
            self.newest[new] = NEVER
            if not {self._names[number][0] for number in new.tolist()} <= self._devices.keys():
                self._devices = self._read_devices()
            self._match(new)

    def _read(self, rows: Iterable[tuple[int, str, str, int | None]]) -> None:
        found = list(rows)
        self._grow(max((row[0] for row in found), default=-1) + 1)
        for series, device, channel, newest in found:
            self._names[series] = device, channel
            self._known[series] = True
            self.newest[series] = NEVER if newest is None else newest

    def _read_devices(self) -> dict[str, tuple[str | None, bool]]:
        rows = self._connection.execute(_DEVICES)
        return {device: (site, revoked) for device, site, revoked in rows}

    def _grow(self, size: int) -> None:
        more = size - len(self._known)
        if more <= 0:
            return
        more = max(more, len(self._known) // 2, 64)
        self._known = np.append(self._known, np.zeros(more, np.bool_))
        self.ruled = np.append(self.ruled, np.zeros(more, np.bool_))
        self.newest = np.append(self.newest, np.full(more, NEVER))
        for rule, applies in self.applies.items():
            self.applies[rule] = np.append(applies, np.zeros(more, np.bool_))

    def _match_all(self) -> None:
        self.applies = {rule.id: np.zeros(len(self._known), np.bool_) for rule in self._rules}
        self.ruled = np.zeros(len(self._known), np.bool_)
        self._match(np.flatnonzero(self._known).astype(np.int32))

    def _match(self, series: Ids) -> None:
        """Say which rules are about some series; each name is compared once a rule."""
        if not len(series) or not self._rules:
            return
        names = [self._names[number] for number in series.tolist()]
        devices = {device: n for n, device in enumerate(dict.fromkeys(d for d, _ in names))}
        channels = {channel: n for n, channel in enumerate(dict.fromkeys(c for _, c in names))}
        device_of = np.array([devices[device] for device, _ in names])
        channel_of = np.array([channels[channel] for _, channel in names])
        # One that `fieldline.device` does not show is none of the user's.
        shown = [self._devices.get(device) for device in devices]
        theirs = np.array([said is not None for said in shown])
        sites = [None if said is None else said[0] for said in shown]
        revoked = np.array([said is not None and said[1] for said in shown])
        for rule in self._rules:
            by_device = np.fromiter(map(matcher(rule.device), devices), np.bool_) & theirs
            if rule.is_silence:
                by_device &= ~revoked
            by_device &= np.fromiter(map(matcher(rule.site), sites), np.bool_)
            by_channel = np.fromiter(map(matcher(rule.channel), channels), np.bool_)
            meant = by_device[device_of] & by_channel[channel_of]
            self.applies[rule.id][series] = meant
            self.ruled[series] |= meant
