"""How a device does, and why. Pure."""

from datetime import UTC, datetime
from enum import StrEnum

import msgspec

from wire.status import Status

LATE_S = 60.0
"""No device is late before; `LATE_TIMES` its usual interval is waited for."""
LATE_TIMES = 4.0
OFFLINE_TIMES = 10.0
"""A device that says no status is offline after so many times what makes it late."""
FILLING = 0.8
"""Share of the buffer's quota from which on it is filling."""
FIRST_USUAL_S = 10.0
_MOST_USUAL_S = 86_400.0


class Condition(StrEnum):
    """What a device is said to be; the worst that is true."""

    REVOKED = "revoked"
    NEVER_SEEN = "never seen"
    OFFLINE = "offline"
    BUFFER_FILLING = "buffer filling"
    SOURCE_FAILING = "source failing"
    CLOCK_UNKNOWN = "clock unknown"
    LATE = "late"
    ONLINE = "online"


class Said(msgspec.Struct, frozen=True, gc=False):
    """What counts of a device's own status. `filled` is a share, rounded so that it seldom changes.

    `failing` is what its first failing source says, `idle` whether no source is meant to run.
    """

    online: bool
    reason: str
    since: float | None
    synced: bool
    filled: float
    oldest: float | None
    failing: str
    idle: bool


class Known(msgspec.Struct, frozen=True, gc=False):
    """What the registry and the tables know. Times in seconds since 1970.

    `arrival`: when readings were stored last; `usual`: seconds between two of those; `carried`:
    since when readings would have come through; `before`: what it was said to be.
    """

    registration: str | None = None
    revoked: float | None = None
    revocation: str = ""
    arrival: float | None = None
    usual: float = FIRST_USUAL_S
    carried: float = 0.0
    before: str | None = None


class Verdict(msgspec.Struct, frozen=True):
    """The condition, why, and since when if something tells it; else since it was first seen so."""

    condition: Condition
    reason: str = ""
    since: float | None = None


def hear(status: Status) -> Said:
    """Keep of a status what counts."""
    buffer = status.buffer
    share = buffer.bytes / buffer.quota if buffer and buffer.quota > 0 else 0.0
    failing = next((one for one in status.sources if one.state == "failing"), None)
    return Said(
        online=status.state == "online",
        reason=status.reason,
        since=status.since,
        synced=status.clock in {"", "synced"},
        filled=min(1.0, int(share * 20) / 20),
        oldest=buffer.oldest if buffer else None,
        failing=f"{failing.name}: {failing.reason or 'gives no reading'}" if failing else "",
        idle=bool(status.sources)
        and all(one.state in {"finished", "stopped"} for one in status.sources),
    )


def judge(said: Said | None, known: Known, now: float) -> Verdict:
    """Return how a device does. `said` is None for one that says no status."""
    if known.registration in {"revoked", "gone"}:
        return Verdict(Condition.REVOKED, known.revocation or "by hand", known.revoked)
    if said is None and known.arrival is None:
        return Verdict(Condition.NEVER_SEEN, "it has never connected")
    if said is not None and not said.online:
        since = said.since if said.since is not None and said.since <= now else None
        return Verdict(Condition.OFFLINE, said.reason or "it gave no reason", since)
    if said is not None:
        if said.filled >= FILLING:
            wait = f", the oldest of {_clock(said.oldest)}" if said.oldest else ""
            reason = f"{said.filled:.0%} of it hold readings that are not stored{wait}"
            return Verdict(Condition.BUFFER_FILLING, reason)
        if said.failing:
            return Verdict(Condition.SOURCE_FAILING, said.failing)
        if not said.synced:
            return Verdict(
                Condition.CLOCK_UNKNOWN, "nothing sets its clock: its times are estimated"
            )
        if said.idle:
            return Verdict(Condition.ONLINE, "every source is switched off or at its end")
    return _by_arrival(said, known, now)


def _by_arrival(said: Said | None, known: Known, now: float) -> Verdict:
    limit = max(LATE_S, LATE_TIMES * known.usual)
    last = known.arrival or 0.0
    # The silence of a time in which nothing could come through is not the device's.
    begin = last if known.before == Condition.LATE else max(last, known.carried)
    if said is not None and said.since is not None and said.since <= now:
        begin = max(begin, said.since)
    heard = f"since {_clock(last)}" if known.arrival else "yet"
    reason = f"no reading was stored {heard}; usually every {known.usual:.0f} s"
    if said is None and now - max(begin, known.carried) > OFFLINE_TIMES * limit:
        return Verdict(Condition.OFFLINE, reason, known.arrival)
    if now - begin > limit:
        return Verdict(Condition.LATE, reason)
    return Verdict(Condition.ONLINE)


def usual(before: float, gap: float) -> float:
    """Return the usual interval after another one was seen; it grows twofold at most at once.

    So an absence of a day does not make a device of one-second readings be waited for for days.
    """
    if gap >= before:
        return min(gap, 2 * before, _MOST_USUAL_S)
    return max(FIRST_USUAL_S, 0.9 * before + 0.1 * gap)


def _clock(seconds: float | None) -> str:
    if seconds is None or not 0 <= seconds < 4e9:
        return "an unknown time"
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
