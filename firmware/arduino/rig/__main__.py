"""Runs a sketch on a simulated board, or tells a running one what to do."""

import argparse
import signal
import sys
import threading
from pathlib import Path

from firmware.arduino.build import FIRMWARE
from firmware.arduino.rig.control import USAGE, Control, control_path, tell
from firmware.arduino.rig.rig import Rig
from firmware.errors import RigError
from wire.settings import SettingsRefused

SCENARIOS = Path(__file__).parent / "scenarios"

EXAMPLES = """examples:
  python -m firmware.arduino.rig --sketch mq2_air_quality --link /tmp/board
  python -m firmware.arduino.rig --sketch environment --scenario my.toml --link /tmp/room
  python -m firmware.arduino.rig --link /tmp/board --tell "volts A3 2.5"
  python -m firmware.arduino.rig --link /tmp/board --tell unplug
"""


def main() -> int:
    """Run until SIGINT or SIGTERM; the exit status is 1 if the rig could not run or obey."""
    parser = argparse.ArgumentParser(
        prog="python -m firmware.arduino.rig",
        description="Run a compiled sketch on a simulated Arduino Uno behind a serial port.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--link", type=Path, required=True, help="the name the port is to have")
    parser.add_argument("--sketch", help="name of a sketch, or path of an .elf file")
    parser.add_argument(
        "--scenario", type=Path, help="what happens at the pins; default: the sketch's own"
    )
    parser.add_argument("--tell", metavar="COMMAND", help=f"to a running rig: {USAGE}")
    arguments = parser.parse_args()
    if (arguments.tell is None) == (arguments.sketch is None):
        parser.error("name a --sketch to run, or a command to --tell")
    try:
        if arguments.tell is not None:
            tell(arguments.link, arguments.tell)
        else:
            run(arguments.sketch, arguments.scenario, arguments.link)
    except (RigError, SettingsRefused, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def run(sketch: str, scenario: Path | None, link: Path) -> None:
    """Run a sketch until a signal comes."""
    elf = Path(sketch)
    if elf.suffix != ".elf":
        elf = FIRMWARE / sketch / f"{sketch}.elf"
        own = SCENARIOS / f"{sketch}.toml"
        if scenario is None and own.exists():
            scenario = own
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    with Rig(elf, scenario, link, tell=_say) as rig, Control(rig, control_path(link)):
        _say(f"{elf.stem} runs behind {link}; tell it things at {control_path(link)}")
        while not stopping.wait(0.5):
            rig.wait(0)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
