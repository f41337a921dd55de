"""Bodies and answers about people."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from cloud.control.people.passwords import LONGEST
from cloud.control.principal import Role

Username = Annotated[str, Field(pattern=r"^[a-z][a-z0-9._-]{0,62}$", examples=["ada"])]
Client = Annotated[
    str,
    Field(
        min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f]+$", examples=["panel on desk-3"]
    ),
]
Secret = Annotated[str, Field(min_length=1, max_length=LONGEST)]
Code = Annotated[str, Field(min_length=1, max_length=100)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Login(_Strict):
    """A name and a password, and what the token is for."""

    username: Annotated[str, Field(min_length=1, max_length=63)]
    password: Secret
    client: Client


class Session(BaseModel):
    """A token, shown once."""

    token: str
    username: str
    role: Role
    expires: datetime


class Whoever(BaseModel):
    """Whose token it is; `local` is the server's own machine."""

    username: str
    role: Role


class NewUser(_Strict):
    """Somebody who is to come in; they choose their password themselves."""

    username: Username
    role: Role


class UserChange(_Strict):
    """What is not named stays."""

    role: Role | None = None
    disabled: bool | None = None


class User(BaseModel):
    """Somebody."""

    username: str
    role: Role
    disabled: bool
    has_password: bool
    created: datetime
    version: int


class UserList(BaseModel):
    """All of them, by name."""

    items: list[User]


class Invitation(BaseModel):
    """A code by which somebody sets their password, shown once; `link` is for the panel."""

    username: str
    code: str
    link: str
    expires: datetime
    local_only: bool = Field(
        description="its address is reached from the server's own machine alone: for others set "
        "`[mqtt] bind` in fieldline.toml"
    )


class Invited(BaseModel):
    """A new user, and their invitation."""

    user: User
    invitation: Invitation


class Acceptance(_Strict):
    """The code of an invitation, and the password that is wanted."""

    code: Code
    password: Secret
    client: Client


class Pairing(BaseModel):
    """A code by which a panel logs in, shown once; `text` as one line to paste, `qr` as SVG."""

    code: str
    text: str
    qr: str
    expires: datetime
    local_only: bool = Field(
        description="its address is reached from the server's own machine alone: for others set "
        "`[mqtt] bind` in fieldline.toml"
    )


class PairingFor(_Strict):
    """Whose panel it is to be; an administrator may name anybody."""

    username: Username | None = None


class PairingCode(_Strict):
    """The code that a panel was given."""

    code: Code
    client: Client


class LiveLogin(BaseModel):
    """A login at the MQTT broker (MQTT 5, TLS), shown once; it may subscribe to `topics` alone."""

    host: str
    port: int
    ca: str
    username: str
    password: str
    topics: list[str]


class Token(BaseModel):
    """A client that is logged in."""

    id: int
    username: str
    client: str
    created: datetime
    expires: datetime | None
    last_used: datetime | None
    last_address: str | None


class TokenList(BaseModel):
    """Those that work, the newest first."""

    items: list[Token]
