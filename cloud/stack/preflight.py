"""What a newcomer's machine may lack: each with a sentence that says what to do."""

import os
from collections.abc import Callable

from cloud.stack.errors import StackError
from cloud.stack.folder import Folder
from cloud.stack.programs import UNWRITABLE

_REFUSE_BYTES = 2_000_000_000
_WARN_BYTES = 5_000_000_000
_LONGEST_SOCKET = 107  # sun_path, unix(7)

Say = Callable[[str], None]


def check_path(folder: Folder) -> None:
    """Refuse a data folder whose path the servers' configurations cannot hold."""
    bad = sorted(UNWRITABLE & set(str(folder.data)))
    if bad:
        raise StackError(
            f"the data folder's path {str(folder.data)!r} holds {' '.join(map(repr, bad))}; "
            "choose another with --data"
        )
    if len(str(folder.socket)) > _LONGEST_SOCKET:
        raise StackError(
            f"the data folder's path {folder.data} is too long for sockets in it, by "
            f"{len(str(folder.socket)) - _LONGEST_SOCKET} characters; choose another with --data"
        )


def make_folder(folder: Folder) -> None:
    """Make the data folder, or say why that cannot be."""
    try:
        folder.data.mkdir(parents=True, exist_ok=True, mode=0o755)
        for part in (folder.run, folder.logs, folder.agents):
            part.mkdir(exist_ok=True)
        folder.run.chmod(0o700)
        probe = folder.run / "writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise StackError(
            f"the data folder {folder.data} cannot be written to ({error.strerror}); choose "
            "another with --data, or run this as the user who owns it"
        ) from None


def check_disk(folder: Folder, say: Say) -> None:
    """Refuse to start on a disk that is nearly full."""
    found = os.statvfs(folder.data)
    free = found.f_bavail * found.f_frsize
    if free < _REFUSE_BYTES:
        raise StackError(
            f"only {free / 1e9:.1f} GB are free where {folder.data} is, and Kafka and PostgreSQL "
            "need 2 GB to begin with; make room, or choose another disk with --data"
        )
    if free < _WARN_BYTES:
        say(f"only {free / 1e9:.1f} GB are free where {folder.data} is; make room soon")
