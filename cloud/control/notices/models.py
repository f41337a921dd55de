"""Bodies and answers about whom alerts are told to."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from cloud.control.alerts.models import Name, Severity

Kind = Literal["email", "webhook", "desktop"]


def _seen(text: str) -> str:
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("only ASCII characters that can be seen, no blanks")
    return text


Host = Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9.:-]{0,251}[A-Za-z0-9])?$")]
Address = Annotated[
    str, AfterValidator(_seen), Field(max_length=254, pattern=r"^[^@<>,;:\"\s]+@[^@<>,;\"\s]+$")
]
Url = Annotated[
    str, AfterValidator(_seen), Field(max_length=2000, pattern=r"^https?://[A-Za-z0-9\[]")
]
Pem = Annotated[str, Field(max_length=20_000, pattern=r"^$|^-----BEGIN CERTIFICATE-----")]
Gathering = Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)]
Secret = Annotated[str, Field(min_length=1, max_length=1000, pattern=r"^[^\r\n\x00]*$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Email(_Strict):
    """A mail server, and who writes to whom."""

    host: Host
    port: Annotated[int, Field(ge=1, le=65_535)] = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: Annotated[str, AfterValidator(_seen), Field(max_length=254)] = ""
    sender: Address
    to: Annotated[list[Address], Field(min_length=1, max_length=20)]
    ca: Pem = Field(default="", description="of the server's certificate; empty: the system's")


class Webhook(_Strict):
    """Where a POST goes."""

    url: Url = Field(examples=["https://hooks.example.org/fieldline"])
    ca: Pem = Field(default="", description="of the server's certificate; empty: the system's")


class TargetRequest(_Strict):
    """Whom alerts are told to; `email` or `webhook` goes with the kind."""

    name: Name = Field(examples=["night shift"])
    kind: Kind
    email: Email | None = None
    webhook: Webhook | None = None
    secret: Secret | None = Field(
        default=None,
        description="the mail server's password, or the key that signs a webhook; never answered; "
        "left out in an edit it stays as it is",
    )
    severity: Severity = Field(default="warning", description="the least that is told")
    most_an_hour: Annotated[int, Field(ge=1, le=1000)] = 20
    wait_s: Gathering = Field(
        default=10, description="what fires by one rule within so long is told in one message"
    )
    interval_s: Gathering = Field(
        default=60, description="the next message about the same rule comes so long after at least"
    )
    enabled: bool = True

    @model_validator(mode="after")
    def _of_its_kind(self) -> Self:
        for kind in ("email", "webhook"):
            if (getattr(self, kind) is not None) != (self.kind == kind):
                raise ValueError(f"`{kind}` goes with the kind {kind}, and only with it")
        if self.email and self.email.username and self.email.security == "none" and self.secret:
            raise ValueError("a password is not sent over a connection without TLS")
        return self


class Target(_Strict):
    """A target, without its secret."""

    id: int
    version: int
    created: datetime
    name: str
    kind: Kind
    email: Email | None
    webhook: Webhook | None
    has_secret: bool
    severity: Severity
    most_an_hour: int
    wait_s: float
    interval_s: float
    enabled: bool


class TargetPage(_Strict):
    """Targets, by number."""

    items: list[Target]
    next: str | None


class Tested(_Strict):
    """What came of a test."""

    sent: bool
    said: str = Field(description="what the other side said, or why it was not reached")


class Notice(_Strict):
    """What one target is told of one alert."""

    id: int
    target: str
    episode: int
    what: Literal["firing", "resolved"]
    rule: str
    device: str
    channel: str
    state: Literal["queued", "sent", "failed", "suppressed"]
    reason: str
    message: int | None = Field(description="all of the same number are told in one message")
    attempts: int
    created: datetime
    ended: datetime | None


class NoticePage(_Strict):
    """What is told, the newest first."""

    items: list[Notice]
    next: str | None
