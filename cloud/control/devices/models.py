"""Bodies and answers about devices."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from cloud.stack import accounts
from wire.names import NameRefused, check_device_name

Kind = Literal["agent", "foreign"]
State = Literal["registered", "enrolled", "revoked", "gone"]


def _named(text: str) -> str:
    # NameRefused is no ValueError, which is what pydantic takes for a fault of the caller.
    try:
        return check_device_name(text)
    except NameRefused as error:
        raise ValueError(str(error)) from None


def _free(text: str) -> str:
    if text in accounts.OWN:
        raise ValueError(f"{text} is an account of the stack's own; choose another name")
    return _named(text)


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("only characters that can be seen, and no line breaks")
    return text.strip()


DeviceName = Annotated[str, AfterValidator(_named), Field(max_length=63, examples=["pi-7"])]
"""A device's id, as in its topics."""
NewName = Annotated[str, AfterValidator(_free), Field(max_length=63, examples=["pi-7"])]
Text = Annotated[str, AfterValidator(_printable), Field(max_length=128)]
Latitude = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
Longitude = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Described(_Strict):
    """What people say of a device, and may change."""

    label: Text = Field(default="", description="how people call it; empty: as its name")
    site: Text = ""
    latitude: Latitude | None = None
    longitude: Longitude | None = None

    @model_validator(mode="after")
    def _both_or_none(self) -> "Described":
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError("latitude and longitude go together")
        return self


class NewDevice(Described):
    """A device to register."""

    name: NewName = Field(description="its id, in its topics and its history; never changes")
    kind: Kind = Field(
        default="agent", description="`foreign`: an MQTT client that is not Fieldline's agent"
    )


class Device(_Strict):
    """A device, and how it was seen last."""

    name: str
    kind: Kind
    label: str
    site: str
    latitude: float | None
    longitude: float | None
    state: State
    reason: str = Field(description="why it was revoked")
    created: datetime
    enrolled: datetime | None
    revoked: datetime | None
    restorable_until: datetime | None = Field(description="of a revoked one")
    status: str = Field(description="online, late, offline …: see docs/control.md, Status")
    status_reason: str
    last_seen: datetime | None
    agent_version: str | None
    version: int = Field(description="its ETag")


class Credential(_Strict):
    """By what a device logs in; never the secret itself."""

    username: str
    kind: Literal["certificate", "password"]
    created: datetime
    withdrawn: datetime | None


class DeviceDetails(Device):
    """A device with its credentials, the newest first."""

    credentials: list[Credential]


class DevicePage(_Strict):
    """A page of the list, by name."""

    items: list[Device]
    next: str | None


class Login(_Strict):
    """What a client of another make needs; shown once."""

    device: str
    username: str
    password: str
    topic: str
    host: str
    port: int
    ca: str = Field(description="the CA's certificate, PEM")


class Registered(_Strict):
    """A device that was registered; `login` for a foreign one, shown once."""

    device: Device
    login: Login | None = None


class EnrolmentToken(_Strict):
    """A one-time token, shown once."""

    device: str
    token: str
    text: str = Field(description="of the QR code; `fieldline-agent enrol` takes it as it is")
    svg: str = Field(
        description="the QR code; empty in the answer to an import: it takes 10 ms each"
    )
    local_only: bool = Field(
        description="its address is reached from the server's own machine alone: for others set "
        "`[mqtt] bind` in fieldline.toml"
    )
    expires: datetime


class EnrolmentRequest(_Strict):
    """What a device sends: the token, and a request for a certificate of its own key."""

    token: str = Field(min_length=1, max_length=200)
    request: str = Field(max_length=8192, description="PKCS#10, PEM, of an EC P-256 key")


class Enrolled(_Strict):
    """What a device is from now on known by."""

    device: str
    username: str
    certificate: str = Field(description="PEM")
    ca: str = Field(description="PEM; whom to trust")
    host: str
    port: int = Field(description="the broker's listener for devices")


class Reason(_Strict):
    """Why something is done, for those who look later."""

    reason: Text = ""


class Revoked(_Strict):
    """A device that was revoked."""

    device: Device
    told: bool = Field(description="it has answered that it stops")
    cut_off: bool = Field(
        description="the broker has let it go; if not, it is away, and will when it is back"
    )


class Rotated(_Strict):
    """A device that has a new key."""

    device: str
    username: str
    withdrawn: list[str] = Field(description="what does not log in any more")


class Imported(_Strict):
    """What a table of devices has become."""

    registered: int
    tokens: list[EnrolmentToken] = Field(description="of the agents, if they were asked for")
    logins: list[Login] = Field(description="of the foreign devices; shown once")
