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
