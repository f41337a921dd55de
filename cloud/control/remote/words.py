"""What becomes of a command, in words. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True)
class Presence:
    """Whether a device can be told something; `since` and `reason` of its absence, if known.

    `online` is None while it is not known yet, soon after the API's start.
    """

    online: bool | None
    ever: bool = True
    reason: str = ""
    since: datetime | None = None


def absence(device: str, presence: Presence) -> str:
    """Say why a device cannot be told anything now; empty if it can."""
    if presence.online is not False:
        return ""
    if not presence.ever:
        return f"{device} has never connected"
    since = f" since {moment(presence.since)}" if presence.since else ""
    reason = f" ({presence.reason})" if presence.reason else ""
    return f"{device} is offline{since}{reason}"


def note(row: dict[str, Any], presence: Presence, *, broker: bool) -> str:
    """Say how it stands with a command, as a sentence; `broker`: whether that is connected."""
    device, expires = row["device"], row["expires"]
    until = f"until {moment(expires)}" if expires else "until it comes back"
    away = absence(device, presence)
    match row["state"]:
        case "queued":
            if not broker:
                return f"the broker is away; the command waits {until}"
            return f"{away}; the command waits {until}" if away else "it is being sent"
        case "sent":
            if away:
                return f"it was sent, and {away}; {device} is asked again when it comes back"
            return f"{device} was sent it and has not answered yet"
        case "done":
            return f"{device} has done it"
        case "refused":
            return f"{device} refuses: {row['error']}"
        case "expired":
            return f"{device} was not reached in time; it was not done"
        case "no answer":
            return (
                f"it was sent, and {device} has not said whether it was done; "
                "it is asked again when it comes back"
            )
        case _:
            return "it was withdrawn before it was sent"


def moment(time: datetime) -> str:
    """Write a time as people read it."""
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
