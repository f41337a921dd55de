"""What can go wrong between panel and server; each says what happened and what to do next."""


class ClientError(Exception):
    """`said` is what happened, `fix` what to do next; both are shown to a person."""

    def __init__(self, said: str, fix: str) -> None:
        super().__init__(f"{said}. {fix}")
        self.said = said
        self.fix = fix


class LinkRefused(ClientError):
    """A text is no link of ours."""


class NotReached(ClientError):
    """Nobody answers there, or the connection was lost."""


class TooSlow(NotReached):
    """There was no answer in the time given."""


class NotTrusted(ClientError):
    """Who answers is not the server that was paired."""


class StrangeAnswer(ClientError):
    """The answer is none that this panel knows."""


class NotLoggedIn(ClientError):
    """The token or the password is not (or no longer) good."""


class Refused(ClientError):
    """The server says no (RFC 9457)."""

    def __init__(self, status: int, kind: str, said: str, fix: str, request: str) -> None:
        super().__init__(said, fix)
        self.status = status
        self.kind = kind
        """The last word of the problem's type, such as `name-taken`."""
        self.request = request
        """By which the server's log names the request."""

    @property
    def changed_meanwhile(self) -> bool:
        """Whether somebody else has edited it since it was seen."""
        return self.status == 412


class NotKept(ClientError):
    """A secret or a file could not be kept or read."""
