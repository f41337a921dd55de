"""What can go wrong in the agent, each error with the fields a program may want."""


class AgentError(Exception):
    """Base of every error the agent raises; its text says what happened and what to do next."""


class SourceFailed(AgentError):
    """A source can't go on for now; it is tried again later, and the reason is shown in the status.

    `reason` says what happened, `advice` what a person can do about it (may be empty).
    """

    def __init__(self, reason: str, advice: str = "") -> None:
        super().__init__(f"{reason}. {advice}" if advice else reason)
        self.reason = reason
        self.advice = advice


class BufferBusy(AgentError):
    """Another process has the buffer open."""

    def __init__(self, folder: str) -> None:
        super().__init__(
            f"another fieldline-agent is running on {folder}. Stop it first, or give this one a"
            " folder of its own ([agent] data)"
        )
        self.folder = folder


class BufferNewer(AgentError):
    """The buffer was written by a later version of the agent, and is left as it is."""

    def __init__(self, path: str, version: int, known: int) -> None:
        super().__init__(
            f"{path} was written by a newer fieldline-agent (format {version}, this one knows"
            f" {known}) and was left untouched. Install that version again, or give this one a"
            " folder of its own ([agent] data)"
        )
        self.path = path
        self.version = version
        self.known = known


class BufferFull(AgentError):
    """The quota is used up and the policy is `refuse_new`: nothing is taken until room is made."""


class DiskFailed(AgentError):
    """The disk does not take writes for now (full, read-only, failing); trying again may help."""

    def __init__(self, path: str, detail: str) -> None:
        super().__init__(
            f"cannot write {path}: {detail}. Readings wait in memory; make room or check the disk"
        )
        self.path = path
        self.detail = detail


class EpochBegun(AgentError):
    """The buffer was damaged and set aside; a new epoch has begun, so packs need new numbers."""

    def __init__(self, set_aside: str, detail: str) -> None:
        super().__init__(
            f"the buffer was damaged ({detail}) and has been set aside as {set_aside};"
            " a new one was begun. Keep the file if its readings matter"
        )
        self.set_aside = set_aside
        self.detail = detail
