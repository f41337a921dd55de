"""Keeps tokens in the system's keyring; without one, in a file of mode 0600."""

from pathlib import Path

import keyring
import msgspec
from keyring.backend import KeyringBackend
from keyring.errors import KeyringError

from control_panel.client import files
from control_panel.client.errors import NotKept

_SERVICE = "Fieldline"


class Secrets:
    """One secret a name. May wait for a person to unlock the keyring: ask in a worker."""

    def __init__(self, folder: Path, ring: KeyringBackend | None = None) -> None:
        """`folder` holds the file that is used without a keyring; `ring`: None for the system's."""
        found = ring or keyring.get_keyring()
        self._ring = found if found.priority > 0 else None
        self._file = folder / "secrets.json"

    @property
    def where(self) -> str:
        """Say in words where secrets are kept."""
        if self._ring is not None:
            return f"in this computer's keyring ({self._ring.name})"
        return (
            f"in the file {self._file}, which only you may read: this computer has no keyring. "
            "Whoever can read your files can use them"
        )

    def get(self, name: str) -> str | None:
        """Return a secret, None if there is none. Raises NotKept."""
        if self._ring is None:
            return self._read().get(name)
        try:
            return self._ring.get_password(_SERVICE, name)
        except KeyringError as error:
            raise _locked(error) from None

    def put(self, name: str, secret: str) -> None:
        """Keep a secret. Raises NotKept."""
        if self._ring is None:
            files.write(self._file, msgspec.json.encode({**self._read(), name: secret}))
            return
        try:
            self._ring.set_password(_SERVICE, name, secret)
        except KeyringError as error:
            raise _locked(error) from None

    def forget(self, name: str) -> None:
        """Keep it no more; nothing happens if it is not kept. Raises NotKept."""
        if self.get(name) is None:
            return
        if self._ring is None:
            left = {key: value for key, value in self._read().items() if key != name}
            files.write(self._file, msgspec.json.encode(left))
            return
        try:
            self._ring.delete_password(_SERVICE, name)
        except KeyringError as error:
            raise _locked(error) from None

    def _read(self) -> dict[str, str]:
        held = files.read(self._file)
        if held is None:
            return {}
        try:
            return msgspec.json.decode(held, type=dict[str, str])
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise NotKept(
                f"{self._file} is damaged", "Delete it, and pair the panel anew"
            ) from None


def _locked(error: KeyringError) -> NotKept:
    return NotKept(
        f"the keyring does not give or take the panel's secret ({error})",
        "Unlock it, then try again",
    )
