"""Finds the Java that Kafka and Spark run on."""

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from cloud.stack.errors import JavaMissing

# Those that Spark 4.2 is tested with; Kafka runs on them too.
WANTED = (17, 21)
_INSTALLED = Path("/usr/lib/jvm")


def version(java: Path) -> int | None:
    """Ask a `java` for its major version; None if it is no Java that runs."""
    try:
        said = subprocess.run(
            [str(java), "-version"], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r'version "(?:1\.)?(\d+)', said.stderr + said.stdout)
    return int(found[1]) if found else None


def find(environment: Mapping[str, str], installed: Path = _INSTALLED) -> Path:
    """Return the `java` to use: that of JAVA_HOME, of the PATH, or one installed by Debian.

    Raises JavaMissing, naming what was found instead.
    """
    candidates: list[Path] = []
    if home := environment.get("JAVA_HOME"):
        candidates.append(Path(home) / "bin" / "java")
    if on_path := shutil.which("java", path=environment.get("PATH", "")):
        candidates.append(Path(on_path))
    candidates += sorted(installed.glob("*/bin/java"))
    seen: dict[str, int] = {}
    for java in candidates:
        found = version(java)
        if found in WANTED:
            return java
        if found is not None:
            seen[str(java)] = found
    raise JavaMissing(seen)


def home_of(java: Path) -> Path:
    """Return the JAVA_HOME to which a `java` belongs."""
    return java.resolve().parent.parent
