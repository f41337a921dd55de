"""Whether a device is there, from what it says itself and what was judged of it."""

from typing import Any

from cloud.control.remote.words import Presence
from cloud.control.status.judge import Condition
from cloud.control.status.rounds import Rounds


def presence(status: Rounds, device: str, row: dict[str, Any]) -> Presence:
    """Look whether a device is there; `row` holds `status` and `status_since` as judged."""
    said = status.said(device)
    if said is None and not status.heard:
        return Presence(online=None)
    if said is None:
        return Presence(online=False, ever=False)
    judged_so = row["status"] == Condition.OFFLINE
    return Presence(
        online=said.online, reason=said.reason, since=row["status_since"] if judged_so else None
    )
