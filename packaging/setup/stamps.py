"""Which steps are done already: a step's stamp holds the digest of what it was made from."""

from __future__ import annotations

import hashlib
from pathlib import Path


def digest(inputs: list[Path]) -> str:
    """A digest over the names and contents of files, and of all files below folders."""
    total = hashlib.sha256()
    for path in inputs:
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in files:
            if file.is_file() and "__pycache__" not in file.parts:
                total.update(str(file).encode())
                total.update(file.read_bytes())
    return total.hexdigest()


class Stamp:
    """Remembers in a file that a step was done with these inputs, and left these outputs."""

    def __init__(self, file: Path, inputs: list[Path], outputs: list[Path]) -> None:
        self.file = file
        self.digest = digest(inputs)
        self.outputs = outputs

    def is_fresh(self) -> bool:
        return (
            self.file.is_file()
            and self.file.read_text() == self.digest
            and all(output.exists() for output in self.outputs)
        )

    def set(self) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.write_text(self.digest)
