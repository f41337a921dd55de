"""What can go wrong with a backup."""

from pathlib import Path

from cloud.stack.errors import StackError


class BackupRefused(StackError):
    """It is not made, or not restored, and nothing was changed."""


class Damaged(StackError):
    """The file is not what was written."""

    def __init__(self, file: Path, what: str) -> None:
        super().__init__(f"{file} is damaged: {what}; nothing can be restored from it")
        self.file = file


class WrongPassphrase(StackError):
    """The file cannot be opened with it."""

    def __init__(self, file: Path) -> None:
        super().__init__(
            f"{file} cannot be opened: the passphrase is not the one that it was made with, or the "
            "file is damaged at its beginning"
        )
        self.file = file
