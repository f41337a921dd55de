"""Sets up all that Fieldline needs on this machine; quick when there is nothing to do.

    python3 packaging/setup            # what `make setup` runs
    python3 packaging/setup --check    # says what is missing, changes nothing

Runs on the standard library alone, with the machine's own Python 3.11.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import debian
import jars
import python
from say import Refused, Teller
from stamps import Stamp

CHECKOUT = Path(__file__).resolve().parents[2]
ENVIRONMENT = CHECKOUT / ".venv"
BUILD = CHECKOUT / "build"
DISK_GB = 5


def wanted_packages() -> list[str]:
    if os.environ.get("FIELDLINE_SKIP_PACKAGES"):
        return []
    return debian.missing(list(debian.PACKAGES))


def check_disk() -> None:
    if (ENVIRONMENT / "bin" / "fieldline").exists():
        return
    free = shutil.disk_usage(CHECKOUT).free / 1e9
    if free < DISK_GB:
        raise Refused(
            f"Only {free:.1f} GB are free where {CHECKOUT} is; setting up takes {DISK_GB} GB. "
            "Make room, or clone onto a larger disk."
        )


def stamps() -> dict[str, Stamp]:
    folder = BUILD / "setup"
    poms = CHECKOUT / "packaging" / "jars"
    arduino = CHECKOUT / "firmware" / "arduino"
    return {
        "python": Stamp(
            ENVIRONMENT / "fieldline-setup",
            [CHECKOUT / "packaging" / "requirements.txt", CHECKOUT / "pyproject.toml"],
            [ENVIRONMENT / "bin" / "python", ENVIRONMENT / "bin" / "fieldline"],
        ),
        "jars": Stamp(
            folder / "jars", [poms], [BUILD / "jars" / "kafka", BUILD / "jars" / "spark"]
        ),
        "firmware": Stamp(folder / "firmware", [arduino], [BUILD / "firmware", BUILD / "rig"]),
    }


def set_up() -> None:
    """Bring the machine and the checkout to where `make run` and `make test` can start."""
    python.check_interpreter()
    check_disk()
    BUILD.mkdir(exist_ok=True)
    teller = Teller(4)

    teller.step("Debian packages")
    packages = wanted_packages()
    if packages:
        teller.tell(f"{len(packages)} to install: {', '.join(packages)}")
        debian.install(packages, teller, BUILD / "setup" / "apt.log")
    teller.done(f"{len(packages)} installed" if packages else "all there")

    steps = stamps()
    teller.step("Python packages")
    if not steps["python"].is_fresh():
        requirements = CHECKOUT / "packaging" / "requirements.txt"
        python.make_environment(ENVIRONMENT, CHECKOUT, requirements, teller)
        steps["python"].set()
    teller.done("ready in .venv")

    teller.step("Kafka and Spark's connector")
    if not steps["jars"].is_fresh():
        for name in ("kafka", "spark"):
            pom = CHECKOUT / "packaging" / "jars" / name / "pom.xml"
            jars.fetch(pom, BUILD / "jars" / name, teller)
        steps["jars"].set()
    teller.done("ready in build/jars")

    teller.step("Firmware and the simulated board")
    if not steps["firmware"].is_fresh():
        teller.tell("compiling with the Arduino core")
        compiled = subprocess.run(
            [str(ENVIRONMENT / "bin" / "python"), "-m", "firmware.arduino.build"],
            cwd=CHECKOUT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if compiled.returncode != 0:
            raise Refused(f"The firmware did not compile:\n{compiled.stdout}{compiled.stderr}")
        steps["firmware"].set()
    teller.done("ready in build/firmware")


def check() -> None:
    """Say what setting up would do."""
    packages = wanted_packages()
    print("Debian packages to install:", ", ".join(packages) or "none")
    for name, stamp in stamps().items():
        print(f"{name}: {'ready' if stamp.is_fresh() else 'to do'}")


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python3 packaging/setup",
        description="Sets up all that Fieldline needs on this machine.",
        epilog="example: python3 packaging/setup --check",
    )
    parser.add_argument("--check", action="store_true", help="say what is missing, change nothing")
    arguments = parser.parse_args()
    try:
        if arguments.check:
            check()
            return 0
        BUILD.mkdir(exist_ok=True)
        with (BUILD / "setup.lock").open("w") as lock:
            # Two at once (make run in one terminal, make test in another) take turns.
            fcntl.flock(lock, fcntl.LOCK_EX)
            set_up()
    except Refused as refused:
        print(f"\nfieldline: {refused}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. What was done stays done; make again to go on.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
