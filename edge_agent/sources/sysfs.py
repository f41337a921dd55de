"""Single values from sysfs, each one line in a file of its own."""

from pathlib import Path


def text(path: Path) -> str | None:
    """Return the line, or None if there is no such file or the driver refuses to answer."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None


def integer(path: Path) -> int | None:
    """Return the number, or None if the sensor fails (EIO, ENODATA, …) or says no number."""
    line = text(path)
    if line is None:
        return None
    try:
        return int(line)
    except ValueError:
        return None
