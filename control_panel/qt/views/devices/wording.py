"""What devices and their states are called."""

from control_panel.qt.texts import tr

DASH = "\N{EN DASH}"
"""In the place of what nobody knows."""
COMMAND_MARKS = {
    "queued": "pending",
    "sent": "starting",
    "done": "running",
    "refused": "failed",
    "expired": "over",
    "no answer": "warning",
    "withdrawn": "stopped",
}


def command_state(word: str) -> str:
    """Return what has become of a command."""
    return {
        "queued": tr("Waits"),
        "sent": tr("Sent"),
        "done": tr("Done"),
        "refused": tr("Refused"),
        "expired": tr("Expired"),
        "no answer": tr("No answer"),
        "withdrawn": tr("Withdrawn"),
    }.get(word, word)


def clock(word: str) -> str:
    """Return how sure a device is of the time."""
    return {
        "": DASH,
        "synced": tr("Set"),
        "estimated": tr("Estimated"),
        "unset": tr("Not set"),
    }.get(word, word)


def need(role: str, needed: str) -> str:
    """Say why somebody may not do something."""
    return tr("This needs the role {needed}; you are {role}.").format(needed=needed, role=role)
