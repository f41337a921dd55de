"""Why a device could not enrol or change its key, with what to do."""

from edge_agent.errors import AgentError


class EnrolmentFailed(AgentError):
    """The device is as it was before; `reason` says what happened, `advice` what to do."""

    def __init__(self, reason: str, advice: str) -> None:
        super().__init__(f"{reason}. {advice}")
        self.reason = reason
        self.advice = advice
