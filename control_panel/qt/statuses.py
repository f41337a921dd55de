"""A device's status as a word and as a mark."""

from control_panel.qt.texts import tr

MARKS = {
    "online": "running",
    "late": "warning",
    "offline": "failed",
    "source failing": "firing",
    "buffer filling": "stalled",
    "clock unknown": "pending",
    "never seen": "unseen",
    "revoked": "stopped",
}
"""Each as a mark of `qt.marks`."""


def status_word(status: str) -> str:
    """Return a status for people; one that is not known as the server says it."""
    return {
        "online": tr("Online"),
        "late": tr("Late"),
        "offline": tr("Offline"),
        "source failing": tr("Source failing"),
        "buffer filling": tr("Buffer filling"),
        "clock unknown": tr("Clock unknown"),
        "never seen": tr("Never seen"),
        "revoked": tr("Revoked"),
        "unknown": tr("Not known yet"),
    }.get(status, status)
