"""One `up` at a time prepares a data folder."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from cloud.stack.errors import StackError
from cloud.stack.folder import Folder


class Locked(StackError):
    """Another `up` holds the folder."""

    def __init__(self, folder: Folder, pid: str) -> None:
        super().__init__(
            f"another `fieldline up`{f' (process {pid})' if pid else ''} is just starting "
            f"{folder.data}; wait until it is done and try again"
        )


@contextmanager
def locked(folder: Folder) -> Iterator[None]:
    """Hold the folder while it is prepared and started. Raises Locked.

    The kernel lets go of it if the process dies.
    """
    descriptor = os.open(folder.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Locked(folder, os.pread(descriptor, 20, 0).decode().strip()) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)
