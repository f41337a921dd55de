"""The Debian packages that Fieldline stands on, and how they are installed without side effects."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from say import Refused, Teller

PACKAGES = {
    "ca-certificates": "to reach the package registries",
    "python3-venv": "the environment .venv",
    "openjdk-17-jre-headless": "Kafka and Spark",
    "maven": "fetches the jars of Kafka and of Spark's connector",
    "mosquitto": "the MQTT broker",
    "mosquitto-clients": "the C subscriber that the bridge is measured against",
    "postgresql-15": "the database",
    "debhelper": "builds the agent's package",
    "dpkg-dev": "builds the agent's package",
    "fakeroot": "builds the agent's package",
    "lintian": "checks the agent's package",
    "systemd": "checks the agent's unit",
    "gcc": "the simulated board",
    "libc6-dev": "the simulated board",
    "libelf-dev": "the simulated board",
    "libsimavr-dev": "the simulated board",
    "libsimavrparts1": "the simulated board",
    "simavr": "the simulated board",
    "arduino-builder": "compiles the firmware",
    "arduino-core-avr": "compiles the firmware",
    "avr-libc": "compiles the firmware",
    "gcc-avr": "compiles the firmware",
    "fonts-dejavu-core": "the panel",
    "libdbus-1-3": "the panel",
    "libegl1": "the panel",
    "libfontconfig1": "the panel",
    "libgl1": "the panel",
    "libxcb-cursor0": "the panel",
    "libxcb-icccm4": "the panel",
    "libxcb-image0": "the panel",
    "libxcb-keysyms1": "the panel",
    "libxcb-randr0": "the panel",
    "libxcb-render-util0": "the panel",
    "libxcb-render0": "the panel",
    "libxcb-shape0": "the panel",
    "libxcb-shm0": "the panel",
    "libxcb-sync1": "the panel",
    "libxcb-util1": "the panel",
    "libxcb-xfixes0": "the panel",
    "libxcb-xkb1": "the panel",
    "libxkbcommon-x11-0": "the panel",
    "libxkbcommon0": "the panel",
    "xauth": "a screen to try the panel on",
    "xvfb": "a screen to try the panel on",
    "at-spi2-core": "uses the packaged panel as a person does",
    "dbus": "uses the packaged panel as a person does",
    "gir1.2-atspi-2.0": "uses the packaged panel as a person does",
    "python3-gi": "uses the packaged panel as a person does",
    "zsh": "what it completes is tested",
}

# Installing a server must not start one, nor make a database that nobody asked for.
POLICY = Path("/usr/sbin/policy-rc.d")
CLUSTERS = Path("/etc/postgresql-common/createcluster.conf")


def missing(packages: list[str]) -> list[str]:
    """Which of these packages dpkg doesn't call installed."""
    if shutil.which("dpkg-query") is None:
        raise Refused(
            "This machine has no dpkg: the set-up knows Debian and what comes from it (Debian 12, "
            "Raspberry Pi OS, Ubuntu). Install by hand what docs/operation.md lists, then set "
            "FIELDLINE_SKIP_PACKAGES=1."
        )
    asked = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *packages],
        capture_output=True,
        text=True,
        check=False,
    )
    installed = {
        line.split()[0] for line in asked.stdout.splitlines() if line.endswith(" installed")
    }
    return [package for package in packages if package not in installed]


def as_root(packages: list[str]) -> list[str]:
    """The words that make a command run as root: none, or sudo."""
    if os.geteuid() == 0:
        return []
    by_hand = f"apt-get install --no-install-recommends {' '.join(packages)}"
    if shutil.which("sudo") is None:
        raise Refused(
            f"{len(packages)} Debian packages are missing, and there is no sudo here. Run this as "
            f"root, then make again:\n\n    {by_hand}\n"
        )
    silent = subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False)
    if silent.returncode != 0 and not sys.stdin.isatty():
        raise Refused(
            f"{len(packages)} Debian packages are missing, and sudo asks for a password where "
            f"nobody can type it. Run this, then make again:\n\n    sudo {by_hand}\n"
        )
    return ["sudo", "--preserve-env=DEBIAN_FRONTEND"]


def install(packages: list[str], teller: Teller, log: Path) -> None:
    """Install packages without starting their services; progress goes to the teller.

    Raises Refused with apt's own last words and what to do.
    """
    root = as_root(packages)
    os.environ["DEBIAN_FRONTEND"] = "noninteractive"
    teller.tell("reading the lists of packages")
    _apt(root, ["update"], teller, log)
    kept = _keep_services_down(root)
    try:
        _apt(
            root,
            ["install", "-y", "--no-install-recommends",
             "-o", "Dpkg::Use-Pty=0",
             # Our word on clusters stands there before the package brings its own.
             "-o", "Dpkg::Options::=--force-confold", *packages],
            teller,
            log,
        )  # fmt: skip
    finally:
        for file in kept:
            subprocess.run([*root, "rm", "-f", str(file)], check=True)
    if "mosquitto" in packages and Path("/run/systemd/system").is_dir():
        # Fieldline runs a broker of its own; Debian's would take port 1883 at the next start.
        subprocess.run(
            [*root, "systemctl", "disable", "mosquitto"], capture_output=True, check=False
        )


def _keep_services_down(root: list[str]) -> list[Path]:
    """Returns the files to take away again."""
    made = []
    for file, text, mode in (
        (POLICY, "#!/bin/sh\nexit 101\n", "755"),
        (CLUSTERS, "create_main_cluster = false\n", "644"),
    ):
        if file.exists():
            continue
        subprocess.run([*root, "mkdir", "-p", str(file.parent)], check=True)
        subprocess.run(
            [*root, "tee", str(file)], input=text, text=True, stdout=subprocess.DEVNULL, check=True
        )
        subprocess.run([*root, "chmod", mode, str(file)], check=True)
        # A setting that postgresql-common asks about stays, the lock on services goes.
        if file == POLICY:
            made.append(file)
    return made


STATUS = re.compile(r"^(dl|pm)status:([^:]*):([0-9.]+):(.*)$")


def progress_of(line: str) -> str | None:
    """What a line of apt's status stream says to a person; None if nothing.

    Format: apt's README.progress-reporting, `pmstatus:package:percent:words`.
    """
    found = STATUS.match(line)
    if not found:
        return None
    kind, _, percent, words = found.groups()
    verb = "downloading" if kind == "dl" else "installing"
    return f"{verb}, {float(percent):.0f} %: {words}"


# apt's progress takes the pipe, as descriptor 3, and everything else the log: package scripts break
# when their standard output is also the progress stream, and sudo passes on no other descriptors.
PROGRESS_APART = 'log=$1; shift; exec 3>&1 >>"$log" 2>&1; exec "$@" -o APT::Status-Fd=3'


def _apt(root: list[str], words: list[str], teller: Teller, log: Path) -> None:
    """Run apt-get; its output goes to the log, its progress to the teller."""
    log.parent.mkdir(parents=True, exist_ok=True)
    log.touch()
    process = subprocess.Popen(
        [*root, "sh", "-c", PROGRESS_APART, "sh", str(log), "apt-get", *words],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, errors="replace",
    )  # fmt: skip
    assert process.stdout is not None
    for line in process.stdout:
        told = progress_of(line)
        if told:
            teller.tell(told)
    if process.wait() != 0:
        lines = log.read_text(errors="replace").splitlines()
        said = "\n    ".join(line for line in lines if line.startswith(("E:", "W:", "dpkg:")))
        raise Refused(
            f"apt-get could not finish. It said:\n    {said or '(nothing)'}\n"
            f"(all of it: {log})\n"
            "If it could not reach a server: check the network and the proxy (http_proxy), then "
            "make again. If another apt is running: wait for it, then make again."
        )
