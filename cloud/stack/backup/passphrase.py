"""The passphrase of a backup, from a file: never an argument, which every user may see."""

from pathlib import Path

from cloud.stack.backup.errors import BackupRefused

LEAST = 12
"""Characters; what is shorter is guessed, however slow each guess is."""


def read(file: str | None) -> bytes | None:
    """Read it; None if no file is named. Raises BackupRefused, OSError."""
    if file is None:
        return None
    passphrase = Path(file).read_bytes().strip()
    if len(passphrase) < LEAST:
        raise BackupRefused(f"the passphrase in {file} has fewer than {LEAST} characters")
    return passphrase
