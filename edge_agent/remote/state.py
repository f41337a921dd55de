"""What the device was told and must know after a restart: one small file, replaced as a whole."""

import logging
import os
from pathlib import Path

import msgspec

from wire.command import Reply
from wire.configuration import Desired, SourceConfiguration

FILE = "remote.json"
REPLIES = 100
"""Replies kept, so that a command that comes again is answered and not done again."""

_log = logging.getLogger(__name__)


class State(msgspec.Struct, frozen=True, omit_defaults=True):
    """`told` is what commands have said of sources since the `desired` that holds."""

    sampling: bool = True
    told: dict[str, SourceConfiguration] = {}
    desired: Desired = Desired(0)
    revoked: str | None = None
    replies: tuple[Reply, ...] = ()

    def with_reply(self, reply: Reply) -> "State":
        """Remember a reply; the oldest is forgotten."""
        return msgspec.structs.replace(self, replies=(*self.replies, reply)[-REPLIES:])

    def reply(self, identity: str) -> Reply | None:
        """Return the reply that was given to a command."""
        return next((reply for reply in self.replies if reply.id == identity), None)


def load(folder: Path) -> State:
    """Read the state; a damaged file is set aside, and the device is as agent.toml says."""
    path = folder / FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=State)
    except FileNotFoundError:
        return State()
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        aside = path.with_suffix(".damaged.json")
        _log.warning("cannot read %s (%s); begun anew, the old one is %s", path, error, aside)
        path.replace(aside)
        return State()


def is_revoked(folder: Path) -> bool:
    """Say, from outside the running agent, whether the device was shut out."""
    try:
        return msgspec.json.decode((folder / FILE).read_bytes(), type=State).revoked is not None
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return False


def save(folder: Path, state: State) -> None:
    """Write the state so that a power cut leaves the old or the new one. Raises OSError."""
    part = folder / (FILE + ".part")
    with part.open("wb") as file:
        file.write(msgspec.json.encode(state))
        file.flush()
        os.fsync(file.fileno())
    part.replace(folder / FILE)
    directory = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
