"""Acts that could not be recorded, since the database was away: on disk until it is back."""

import logging
import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from cloud.control.audit import Act

_log = logging.getLogger(__name__)


class Journal:
    """A JSON object a line; what was added outlives this process and a power cut."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def __bool__(self) -> bool:
        return self._file.exists()

    def add(self, act: Act) -> None:
        """Keep an act. Raises OSError."""
        with self._file.open("ab") as handle:
            os.fchmod(handle.fileno(), 0o600)
            # Begins a line of its own, should the one before have been cut off.
            handle.write(b"\n" + msgspec.json.encode(act) + b"\n")
            handle.flush()
            os.fsync(handle.fileno())

    def acts(self) -> list[Act]:
        """Return what is kept; a line that cannot be read is left out and logged."""
        try:
            lines = self._file.read_bytes().splitlines()
        except FileNotFoundError:
            return []
        acts = []
        for line in filter(None, lines):
            try:
                acts.append(msgspec.json.decode(line, type=Act))
            except msgspec.MsgspecError as error:
                _log.error("%s: an act cannot be read (%s): %r", self._file, error, line)
        return acts

    def forget(self, acts: Sequence[Act]) -> None:
        """Forget these, which are in the database; others may have come meanwhile."""
        rest = [act for act in self.acts() if act not in acts]
        self._file.unlink(missing_ok=True)
        for act in rest:
            self.add(act)
