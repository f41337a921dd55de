"""What becomes of a message that is due: sent, held back for a while, or not sent. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

ATTEMPTS = 10
_FIRST_S, _LONGEST_S = 5.0, 900.0


@dataclass(frozen=True)
class Case:
    """A message that is due, and how things stand."""

    firing: bool
    """Or that it fires no longer."""
    fires: bool
    """Now."""
    held_back: bool
    """It was due before, and then held back."""
    acknowledged_by: str | None
    snoozed_until: datetime | None
    maintenance_until: datetime | None
    enabled: bool
    sent_last_hour: int
    most_an_hour: int


@dataclass(frozen=True)
class Send:
    """Send it now."""


@dataclass(frozen=True)
class Hold:
    """Look again at that time."""

    until: datetime
    why: str


@dataclass(frozen=True)
class Drop:
    """Never send it."""

    why: str


def decide(case: Case, now: datetime) -> Send | Hold | Drop:
    """Say what to do with a message."""
    if not case.enabled:
        return Drop("the target is switched off")
    full = case.sent_last_hour >= case.most_an_hour
    if not case.firing:
        # Who was told that it fires is told that it no longer does.
        return Hold(now + timedelta(minutes=1), _limit(case)) if full else Send()
    if case.held_back and not case.fires:
        return Drop("it was over before it was to be told")
    if case.held_back and case.acknowledged_by is not None:
        return Drop(f"{case.acknowledged_by} has seen it")
    if case.snoozed_until is not None:
        return Hold(case.snoozed_until, f"snoozed until {case.snoozed_until:%Y-%m-%d %H:%M} UTC")
    if case.maintenance_until is not None:
        return Hold(
            case.maintenance_until, f"maintenance until {case.maintenance_until:%Y-%m-%d %H:%M} UTC"
        )
    return Drop(_limit(case)) if full else Send()


def _limit(case: Case) -> str:
    return f"more than {case.most_an_hour} within an hour"


def again_after(attempts: int) -> float | None:
    """Return in how many seconds to try again after so many failures; None: give up."""
    return None if attempts >= ATTEMPTS else min(_FIRST_S * 2 ** (attempts - 1), _LONGEST_S)
