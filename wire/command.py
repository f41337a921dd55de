"""Commands to a device and its replies (docs/control.md, Commands)."""

from typing import Annotated, Any

import msgspec

from wire.errors import WireError
from wire.message import Text, Word, decode

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r"\A[A-Za-z0-9_-]+\Z")]
Pem = Annotated[str, msgspec.Meta(min_length=1, max_length=65_536)]


class Command(msgspec.Struct, frozen=True):
    """What a device is to do; `expires` in seconds since 1970, None: never.

    Unknown keys are ignored; the arguments are read by `arguments_of`, strictly.
    """

    id: Id
    command: Word
    expires: float | None = None
    arguments: dict[str, Any] = {}


class Reply(msgspec.Struct, frozen=True, omit_defaults=True):
    """What has become of a command: a result if `ok`, else a sentence; `at` seconds since 1970."""

    id: Id
    ok: bool
    at: float
    result: dict[str, Any] | None = None
    error: Text = ""


class _Arguments(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class Sampling(_Arguments, frozen=True):
    """Start or stop reading, of one source or of the device as a whole."""

    on: bool
    source: Word | None = None


class Interval(_Arguments, frozen=True):
    """Read a source so often."""

    source: Word
    interval_s: float


class Identify(_Arguments, frozen=True):
    """Blink a board's LED for 10 s; without a source, that of every board."""

    source: Word | None = None


class Restart(_Arguments, frozen=True):
    """End in order and be started again."""


class Diagnose(_Arguments, frozen=True):
    """Say what `fieldline-agent doctor --json` says."""


class Csr(_Arguments, frozen=True):
    """Make a new key and a certificate request for it."""


class Certificate(_Arguments, frozen=True):
    """The certificate for the key of the last `csr`, and whom to trust from now on; both PEM."""

    pem: Pem
    ca: Pem


class Revoked(_Arguments, frozen=True):
    """The device has been shut out: it says so, stops sending and keeps its readings."""

    reason: Text = ""


Arguments = Sampling | Interval | Identify | Restart | Diagnose | Csr | Certificate | Revoked

COMMANDS: dict[str, type[Arguments]] = {
    "sampling": Sampling,
    "interval": Interval,
    "identify": Identify,
    "restart": Restart,
    "diagnose": Diagnose,
    "csr": Csr,
    "certificate": Certificate,
    "revoked": Revoked,
}


class CommandRefused(WireError):
    """A command is unknown or its arguments are wrong; the message says what is known."""


_command_decoder = msgspec.json.Decoder(Command)
_reply_decoder = msgspec.json.Decoder(Reply)


def encode_command(command: Command) -> bytes:
    """Encode a command."""
    return msgspec.json.encode(command)


def decode_command(payload: bytes) -> Command:
    """Decode a command; raises MessageRefused."""
    return decode(payload, _command_decoder, "command")


def encode_reply(reply: Reply) -> bytes:
    """Encode a reply; what it does not say is left out."""
    return msgspec.json.encode(reply)


def decode_reply(payload: bytes) -> Reply:
    """Decode a reply; raises MessageRefused."""
    return decode(payload, _reply_decoder, "reply")


def arguments_of(command: Command) -> Arguments:
    """Read a command's arguments, strictly; raises CommandRefused."""
    model = COMMANDS.get(command.command)
    if model is None:
        import difflib  # only a mistake needs it, and it would stay in memory

        close = difflib.get_close_matches(command.command, COMMANDS, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise CommandRefused(
            f"there is no command {command.command[:64]!r}; {hint}known are {', '.join(COMMANDS)}"
        )
    try:
        return msgspec.convert(command.arguments, model)
    except msgspec.ValidationError as error:
        fields = msgspec.structs.fields(model)
        known = ", ".join(f.name if f.required else f"{f.name} (optional)" for f in fields)
        raise CommandRefused(
            f"wrong arguments of {command.command!r}: {error}; it takes {known or 'none'}"
        ) from None
