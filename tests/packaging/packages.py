"""Debian packages as they are handled in tests."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path


def newer(package: Path) -> Path:
    """Return the same package as a later version."""
    tree = package.parent / "tree"
    subprocess.run(["dpkg-deb", "-R", package, tree], check=True)
    control = tree / "DEBIAN" / "control"
    control.write_text(re.sub(r"(?m)^Version: .*", "Version: 999", control.read_text()))
    later = package.with_name("later.deb")
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", tree, later], check=True)
    shutil.rmtree(tree)
    return later
