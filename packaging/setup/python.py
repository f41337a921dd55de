"""The environment .venv: exact versions, checked by their hashes."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from say import Refused, Teller


def check_interpreter() -> None:
    if sys.version_info[:2] != (3, 11):
        found = ".".join(map(str, sys.version_info[:3]))
        raise Refused(
            f"Python 3.11 is needed, this is {found} ({sys.executable}). Debian 12 has it as "
            "python3.11: apt-get install python3.11, or make PYTHON=/path/to/python3.11 …"
        )


def make_environment(folder: Path, checkout: Path, requirements: Path, teller: Teller) -> None:
    """Make or mend the virtual environment `folder` and install the checkout into it, editable."""
    python = folder / "bin" / "python"
    if not python.exists():
        teller.tell("making it")
        made = subprocess.run(
            [sys.executable, "-m", "venv", "--clear", str(folder)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if made.returncode != 0:
            raise Refused(
                f"{sys.executable} could not make an environment in {folder}:\n{made.stdout}"
                f"{made.stderr}\nOn Debian: apt-get install python3-venv"
            )
    total = len(
        re.findall(r"^[a-z0-9].*==", requirements.read_text(), re.MULTILINE | re.IGNORECASE)
    )
    _pip(python, ["--require-hashes", "--no-deps", "-r", str(requirements)], teller, total)
    _pip(
        python,
        ["--no-deps", "--no-build-isolation", "--config-settings", "editable_mode=compat",
         "-e", str(checkout)],
        teller,
        1,
    )  # fmt: skip


def _pip(python: Path, arguments: list[str], teller: Teller, total: int) -> None:
    process = subprocess.Popen(
        [str(python), "-m", "pip", "install", "--disable-pip-version-check",
         "--no-input", "--progress-bar", "off", *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    seen = 0
    tail: list[str] = []
    for line in process.stdout:
        words = line.split()
        if line.startswith(("Collecting", "Requirement already", "Obtaining")):
            seen += 1
            name = words[1] if words[0] == "Collecting" else words[-1]
            teller.tell(f"{min(seen, total)} of {total} packages: {name}")
        elif line.lstrip().startswith("Downloading"):
            teller.tell(f"{min(seen, total)} of {total} packages: {' '.join(words[1:])}")
        elif line.startswith("Installing"):
            teller.tell("unpacking (some 700 MB)")
        tail = [*tail[-12:], line.rstrip()]
    if process.wait() != 0:
        raise Refused(why(tail))


def why(lines: list[str]) -> str:
    """What pip's last lines mean to a person.

    Of a network that is away pip says at the end only that there is no such package; what
    happened stands in the warnings before.
    """
    said = [line for line in lines if "Retrying (" not in line]
    broken = [
        line.rpartition("after connection broken by ")[2] for line in lines if line not in said
    ]
    if broken:
        reason = re.search(r"\[Errno [^]]*\] ([^']*)", broken[-1])
        return (
            f"pip could not reach its package index ({reason[1] if reason else broken[-1]}). Check "
            "the network and the proxy (https_proxy), then make again."
        )
    quoted = "\n    ".join(said)
    return (
        f"pip could not install the packages. It said:\n    {quoted}\n"
        "If it could not reach its index: check the network and the proxy, then make again."
    )
