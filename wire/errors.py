"""The errors that have no module of their own."""


class WireError(Exception):
    """What came over a boundary, or was about to go over one, breaks the protocol."""


class MessageRefused(WireError):
    """A payload is no message of its kind (`receipt`, `status`, …)."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(f"this is no {kind} message: {detail}")
        self.kind = kind
        self.detail = detail
