"""Builds Debian packages from a staged tree."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import debian
from say import Refused, Teller

TOOLS = ["debhelper", "dpkg-dev", "fakeroot", "lintian"]


def host_architecture() -> str:
    """Return this machine's architecture as Debian calls it."""
    asked = subprocess.run(
        ["dpkg", "--print-architecture"], capture_output=True, text=True, check=True
    )
    return asked.stdout.strip()


def ensure_tools(teller: Teller, log: Path) -> str:
    """Install what builds packages, as far as it lacks; say what was done."""
    lacking = debian.missing(TOOLS)
    if lacking:
        debian.install(lacking, teller, log)
    return f"{len(lacking)} installed" if lacking else "there"


def build(tree: Path, arch: str) -> Path:
    """Run debhelper over a tree with its folder `debian`; the same input gives the same package."""
    environment = {
        **os.environ,
        "SOURCE_DATE_EPOCH": subprocess.run(
            ["dpkg-parsechangelog", "-STimestamp"],
            cwd=tree, capture_output=True, text=True, check=True,
        ).stdout.strip(),
        "DEB_BUILD_OPTIONS": "nostrip",
    }  # fmt: skip
    done = subprocess.run(
        ["dpkg-buildpackage", "-us", "-uc", "-b", "-d", f"--host-arch={arch}"],
        cwd=tree, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise Refused(
            f"the package could not be built:\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
        )
    (made,) = tree.parent.glob("*.deb")
    return made
