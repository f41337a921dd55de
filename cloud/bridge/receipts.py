"""What each device is to be told, and when: events in, publications out. No IO, no clock.

For every device and epoch the book holds the packs that the present Kafka log has accepted and
those that the stream says are stored. It says when a receipt is due:

- A device's first event after a pause is told at once, what follows within `interval_s` together.
- A pack that is accepted a second time is told a second time: the device has not heard.
- What one log has accepted is never told under another's id: acceptances carry the id of the log
  they were given by, and a new log clears what the old one had. Stored ranges hold whatever the
  log, since they speak of the database.
- Told as accepted is what is accepted or stored; the device resends neither, and a receipt stays
  small because the two join.

Memory is bounded: devices, epochs of a device and ranges of an epoch each have a limit. What is
forgotten costs a resend, never a pack: devices unite what they are told, and the stream tells the
whole of an epoch at its every commit.
"""

import heapq
from collections import OrderedDict
from dataclasses import dataclass, field

from wire.ranges import RangeSet
from wire.receipt import Receipt

_FOLD_AT = 2048  # acceptances kept as a list before they become ranges
_NONE = RangeSet()


@dataclass(slots=True)
class _Epoch:
    accepted: RangeSet = _NONE
    stored: RangeSet = _NONE
    untold: bool = False


@dataclass(slots=True)
class _Account:
    """One device."""

    epochs: dict[str, _Epoch] = field(default_factory=dict)
    fresh: list[tuple[str, int]] = field(default_factory=list)
    current: str = ""  # the epoch from which a pack was accepted last
    accepted_once: bool = False
    told_at: float = float("-inf")
    due: bool = False


@dataclass(frozen=True, slots=True)
class Publication:
    """A receipt to publish to a device, retained or not."""

    device: str
    receipt: Receipt
    retain: bool


class ReceiptBook:
    """The state machine. `now` is a monotonic time in seconds, never going back."""

    def __init__(
        self,
        *,
        interval_s: float = 0.15,
        most_devices: int = 20_000,
        most_epochs: int = 4,
        most_ranges: int = 1_000,
    ) -> None:
        self._interval_s = interval_s
        self._most_devices = most_devices
        self._most_epochs = most_epochs
        self._most_ranges = most_ranges
        self._log: str | None = None
        self._accounts: OrderedDict[str, _Account] = OrderedDict()
        self._queue: list[tuple[float, str]] = []

    @property
    def log(self) -> str | None:
        """The id of the present log; nothing is told before there is one."""
        return self._log

    @property
    def devices(self) -> int:
        """How many devices the book knows."""
        return len(self._accounts)

    def log_is(self, log: str, now: float) -> None:
        """Kafka's log has this id. Another than before clears what was accepted."""
        if log == self._log:
            return
        self._log = log
        for account in self._accounts.values():
            self._fold(account)
            for epoch in account.epochs.values():
                epoch.accepted = _NONE
        self.renew(now)

    def renew(self, now: float) -> None:
        """Tell every device its current epoch anew, as after the broker may have lost it."""
        for account in self._accounts.values():
            if account.current in account.epochs:
                account.epochs[account.current].untold = True
            account.due = True
        self._queue = [(now, device) for device in self._accounts]  # all equal: a heap

    def accepted(self, log: str, device: str, epoch: str, sequence: int, now: float) -> None:
        """The log of this id has a pack; it is ignored if that log is no more."""
        if log != self._log:
            return
        account = self._accounts.get(device)
        if account is None:
            account = self._open(device)
        account.fresh.append((epoch, sequence))
        account.current = epoch
        account.accepted_once = True
        if not account.due:
            self._schedule(device, account, now)
        elif len(account.fresh) >= _FOLD_AT:
            self._fold(account)

    def stored(self, device: str, epoch: str, stored: RangeSet, now: float) -> None:
        """The stream says which packs of an epoch are stored: all of them, each time."""
        account = self._accounts.get(device) or self._open(device)
        entry = self._epoch(account, epoch)
        if not account.accepted_once:
            account.current = epoch
        stored = stored.lowest(self._most_ranges)
        if stored == entry.stored:
            return
        entry.stored = stored
        entry.accepted -= stored
        entry.untold = True
        if not account.due:
            self._schedule(device, account, now)

    def due(self, now: float, most: int) -> list[Publication]:
        """Take what is to be told now, from at most `most` devices."""
        told: list[Publication] = []
        if self._log is None:
            return told
        while self._queue and self._queue[0][0] <= now and most > 0:
            _, device = heapq.heappop(self._queue)
            account = self._accounts.get(device)
            if account is None or not account.due:  # evicted, or queued twice
                continue
            most -= 1
            account.due = False
            account.told_at = now
            self._fold(account)
            for name, epoch in account.epochs.items():
                if epoch.untold:
                    epoch.untold = False
                    accepted = epoch.accepted | epoch.stored
                    receipt = Receipt(self._log, name, accepted, epoch.stored)
                    told.append(Publication(device, receipt, name == account.current))
        return told

    def next_due(self) -> float | None:
        """When `due` next has something to say, or None."""
        return self._queue[0][0] if self._queue and self._log is not None else None

    def _open(self, device: str) -> _Account:
        while len(self._accounts) >= self._most_devices:
            self._accounts.popitem(last=False)
            if len(self._queue) > 2 * self._most_devices:  # mostly of devices forgotten
                self._queue = [entry for entry in self._queue if entry[1] in self._accounts]
                heapq.heapify(self._queue)
        account = self._accounts[device] = _Account()
        return account

    def _schedule(self, device: str, account: _Account, now: float) -> None:
        self._accounts.move_to_end(device)
        account.due = True
        heapq.heappush(self._queue, (max(now, account.told_at + self._interval_s), device))

    def _epoch(self, account: _Account, name: str) -> _Epoch:
        epoch = account.epochs.get(name)
        if epoch is None:
            if len(account.epochs) >= self._most_epochs:
                del account.epochs[next(old for old in account.epochs if old != account.current)]
            epoch = account.epochs[name] = _Epoch()
        return epoch

    def _fold(self, account: _Account) -> None:
        """Turn the list of acceptances into ranges."""
        if not account.fresh:
            return
        numbers: dict[str, list[tuple[int, int]]] = {}
        for name, sequence in account.fresh:
            numbers.setdefault(name, []).append((sequence, sequence))
        account.fresh.clear()
        for name, ranges in numbers.items():
            epoch = self._epoch(account, name)
            union = (epoch.accepted | RangeSet.of(ranges)) - epoch.stored
            epoch.accepted = union.lowest(self._most_ranges)
            epoch.untold = True
