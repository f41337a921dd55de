"""Files of the panel: read as a whole, written as a whole."""

import os
import sys
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path

from control_panel.client.errors import NotKept


def settings_folder(environment: Mapping[str, str], platform: str = sys.platform) -> Path:
    """Return where this platform keeps a person's settings of the panel."""
    home = Path(environment.get("HOME") or "~").expanduser()
    if platform == "win32":
        return Path(environment.get("APPDATA") or home) / "Fieldline"
    if platform == "darwin":
        return home / "Library" / "Application Support" / "Fieldline"
    return Path(environment.get("XDG_CONFIG_HOME") or home / ".config") / "fieldline"


def read(file: Path) -> bytes | None:
    """Return what it holds, None if it is not there. Raises NotKept."""
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise NotKept(
            f"{file} cannot be read ({error.strerror})", "Check whose it is, and the disk"
        ) from None


def write(file: Path, content: bytes) -> None:
    """Replace it; only its owner may read it. Raises NotKept."""
    beside = file.with_name(f".{file.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())
        beside.replace(file)
    except OSError as error:
        raise NotKept(
            f"{file} cannot be written ({error.strerror})",
            "Check whose the folder is, and the disk",
        ) from None


def export(file: Path, content: bytes) -> None:
    """Write a file that a person asked for, where they asked for it. Raises NotKept."""
    try:
        file.write_bytes(content)
    except OSError as error:
        raise NotKept(
            f"{file} cannot be written ({error.strerror})", "Choose another folder, or make room"
        ) from None


def export_lines(file: Path, lines: Iterable[str]) -> None:
    """Write a file of any length line by line; it is whole or not there. Raises NotKept."""
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        try:
            with beside.open("w", encoding="utf-8", newline="") as handle:
                handle.writelines(lines)
            beside.replace(file)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise NotKept(
            f"{file} cannot be written ({error.strerror})", "Choose another folder, or make room"
        ) from None
