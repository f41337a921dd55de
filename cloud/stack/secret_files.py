"""Generated secrets: one a file, which only its owner may read."""

import os
import secrets
from pathlib import Path

_BYTES = 24


def write(file: Path, text: str) -> None:
    """Put a secret into a file of mode 0600, as a whole and for good (fsync)."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
        handle.write(text)
        handle.flush()
        os.fsync(handle.fileno())
    beside.replace(file)


def ensure(file: Path) -> str:
    """Read a secret; draw it at random if there is none yet."""
    try:
        return file.read_text("utf-8").strip()
    except FileNotFoundError:
        drawn = secrets.token_urlsafe(_BYTES)
        write(file, drawn + "\n")
        return drawn
