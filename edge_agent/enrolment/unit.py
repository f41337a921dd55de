"""Has systemd run the agent from now on, where the package has put its unit."""

import os
import subprocess
from pathlib import Path

from edge_agent.enrolment.errors import EnrolmentFailed

CONFIG = Path("/etc/fieldline/agent.toml")
UNIT = "fieldline-agent.service"
_BOOTED = Path("/run/systemd/system")  # sd_booted(3)
_INSTALLED = Path("/lib/systemd/system") / UNIT
_START_S = 90


def is_ours(config: Path) -> bool:
    """Say whether the unit runs the agent of this configuration, and this is who may start it."""
    is_the_units = config.absolute() == CONFIG
    return is_the_units and _INSTALLED.exists() and _BOOTED.is_dir() and os.geteuid() == 0


def start() -> None:
    """Start the unit, or start it anew, now and at each boot; raises EnrolmentFailed."""
    for words in (("enable", UNIT), ("restart", UNIT)):
        try:
            done = subprocess.run(
                ["systemctl", "--quiet", *words],
                stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                timeout=_START_S,
            )  # fmt: skip
            said = done.stderr.strip()[-300:]
        except subprocess.TimeoutExpired:
            done, said = None, f"it takes more than {_START_S} s"
        if done is None or done.returncode != 0:
            raise EnrolmentFailed(
                f"this device is enrolled, but its service does not start: {said}",
                f"Look at `journalctl -u {UNIT} -n 30`",
            )
