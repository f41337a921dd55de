"""The arguments of `fieldline completeness`, `rejected …`, `replay` and `export`."""

import argparse

from cloud.stack.cli_devices import Command

_ROLLUPS = ("1m", "1h", "1d")


def add_data(
    command: Command, commands: "argparse._SubParsersAction[argparse.ArgumentParser]"
) -> None:
    """Add what is done with readings, and with what could not become readings."""
    complete = command(
        "completeness",
        "completeness",
        "say what has arrived of devices' packs, what is on them still, and what is lost",
        "fieldline completeness;  fieldline completeness pi-7 --since 2026-03-01",
        of=commands,
        exits="packs are missing: neither stored, nor on the device, nor said to be lost",
    )
    complete.add_argument("device", nargs="?", metavar="DEVICE", help="of this one, by day")
    complete.add_argument("--since", metavar="DAY", help="the first day, such as 2026-03-01")

    rejected = commands.add_parser(
        "rejected",
        help="look at what could not be stored, and send it through again",
        epilog="example: fieldline rejected list",
    )
    letters = rejected.add_subparsers(title="commands", metavar="COMMAND", required=True)
    listed = command(
        "list",
        "rejected",
        "list what could not be stored, with the reason",
        "fieldline rejected list --device pi-7 --reason bad_value",
        of=letters,
    )
    listed.add_argument("-n", "--lines", type=int, default=20, metavar="N", help="so many (20)")
    redrive = command(
        "redrive",
        "redrive",
        "send what this version can read through the pipeline again, with its original bytes; "
        "nothing is stored twice",
        "fieldline rejected redrive --device pi-7 --dry-run",
        of=letters,
        exits="some of it is refused as before",
    )
    redrive.add_argument("--dry-run", action="store_true", help="only say what would be sent")
    for made in (listed, redrive):
        made.add_argument("--device", metavar="DEVICE", help="only of this device")
        made.add_argument("--reason", metavar="TEXT", help="only where the reason begins so")

    replay = command(
        "replay",
        "replay",
        "read the whole Kafka log again: what is stored stays as it is, what is missing and still "
        "in the log is filled in",
        "fieldline replay --dry-run",
        of=commands,
    )
    replay.add_argument("--dry-run", action="store_true", help="only say what it brings about")
    replay.add_argument("--yes", action="store_true", help="do not ask")

    export = command(
        "export",
        "export",
        "write readings of devices into a file",
        "fieldline export pi-7 pi-8 --from 2026-03-01 --out march.parquet",
        of=commands,
    )
    export.add_argument("devices", nargs="+", metavar="DEVICE", help="devices")
    export.add_argument(
        "--out", required=True, metavar="FILE", help="ends in .csv, .arrow or .parquet"
    )
    export.add_argument(
        "--channel", action="append", metavar="CHANNEL", help="only this one; may be said again"
    )
    for option, name in (("--from", "begin"), ("--to", "end")):
        export.add_argument(
            option,
            dest=name,
            type=read_time,
            metavar="TIME",
            help="2026-03-01, 2026-03-01T12:00:00Z",
        )
    export.add_argument("--rollup", choices=_ROLLUPS, help="not the readings, but their rollups")
    export.add_argument("--force", action="store_true", help="in the place of a file that is there")
    for made in (complete, listed, redrive, replay, export):
        made.add_argument("--json", action="store_true", help="for programs")


def read_time(text: str) -> object:
    """Read `2026-03-01`, or with a time of day. Raises ValueError."""
    from cloud.stack.commands.export import time

    return time(text)
