"""The arguments of `fieldline device …` and `fieldline group …`."""

import argparse
from typing import Protocol

from cloud.stack.words import span

_EXITS = """exit status: 0 done, 1 refused or not as it should be, 2 wrong arguments,
3 the device was not reached or has not answered, 130 interrupted"""


class Command(Protocol):
    """Makes one command: its name, its module, its text and its example."""

    def __call__(
        self,
        name: str,
        module: str,
        text: str,
        example: str,
        of: "argparse._SubParsersAction[argparse.ArgumentParser]",
        *,
        exits: str = "",
    ) -> argparse.ArgumentParser:
        """Make it; `exits` says what exit status 1 means."""


def add_devices(
    command: Command, commands: "argparse._SubParsersAction[argparse.ArgumentParser]"
) -> None:
    """Add `fieldline device` and all below it."""
    device = commands.add_parser(
        "device",
        help="register devices, list them, tell them what to do",
        epilog=f"example: fieldline device list\n\n{_EXITS}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    devices = device.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def one(
        name: str, module: str, text: str, example: str, of_device: str = "the device"
    ) -> argparse.ArgumentParser:
        made = command(name, module, text, f"fieldline device {example}", of=devices)
        made.add_argument("name", metavar="NAME", help=of_device)
        made.add_argument("--json", action="store_true", help="for programs")
        made.set_defaults(action=name)
        return made

    def asked_first(made: argparse.ArgumentParser) -> None:
        made.add_argument("--yes", action="store_true", help="do not ask")

    add = one(
        "add",
        "device_add",
        "register a device, and show or write how it logs in",
        "add pi-7 --out agent.toml;  fieldline device add plc --foreign --json",
        "letters, digits, `.`, `_`, `-`; at most 63",
    )
    add.add_argument("--foreign", action="store_true", help="an MQTT client of another make")
    add.add_argument(
        "--out", metavar="FILE", help="an agent of this machine: have it join, and write this file"
    )
    add.add_argument("--label", default="", metavar="TEXT", help="how people call it")
    add.add_argument("--site", default="", metavar="TEXT", help="where it is")
    listed = command(
        "list", "device_list", "list the devices", "fieldline device list --json", of=devices
    )
    listed.add_argument("--json", action="store_true", help="for programs")
    one("show", "device", "show what is known of a device", "show pi-7")
    one(
        "enrol", "device", "register a device that is new, and draw its one-time token",
        "enrol pi-7",
    )  # fmt: skip
    one("replace", "device", "let another device take its place", "replace pi-7")
    revoke = one("revoke", "device", "shut a device out at once", "revoke pi-7 --reason sold")
    revoke.add_argument("--reason", default="", metavar="TEXT", help="for those who look later")
    asked_first(revoke)
    one("restore", "device", "let a revoked device in again", "restore pi-7")
    asked_first(one("remove", "device", "take a revoked device out for good", "remove pi-7 --yes"))
    rename = one("rename", "device", "say how people call a device", "rename pi-7 'Gas, hall 2'")
    rename.add_argument("label", metavar="LABEL", help="its name in topics and history stays")
    change = one("change", "device", "say where a device is", "change pi-7 --site 'Hall 2'")
    change.add_argument("--label", metavar="TEXT", help="how people call it")
    change.add_argument("--site", metavar="TEXT", help="the site")
    place = change.add_mutually_exclusive_group()
    place.add_argument(
        "--place", type=float, nargs=2, metavar=("LATITUDE", "LONGITUDE"), help="in degrees"
    )
    place.add_argument("--no-place", action="store_true", help="it has no place on the map")
    one("rotate", "device", "have a device make a new key, and end the old one", "rotate pi-7")
    asked_first(
        one("password", "device", "give a foreign device another password", "password plug-1")
    )
    table = command(
        "import",
        "device",
        "register the devices of a CSV table, all or none",
        "fieldline device import devices.csv --tokens",
        of=devices,
    )
    table.add_argument(
        "file",
        metavar="FILE",
        help="its first line names the columns: name, and of label, site, latitude, longitude, "
        "kind those that are wanted",
    )
    table.add_argument("--tokens", action="store_true", help="draw a token for each")
    table.add_argument("--json", action="store_true", help="for programs")
    table.set_defaults(action="import")

    def told(name: str, text: str, example: str) -> argparse.ArgumentParser:
        made = one(name, "tell", text, example)
        made.epilog = f"example: fieldline device {example}\n\n{_EXITS}"
        made.add_argument(
            "--wait",
            type=duration,
            default=0.0,
            metavar="TIME",
            help="if the device is away, for so long: 30s, 10m, 2h, 7d or forever "
            "(else it fails at once)",
        )
        made.add_argument("--detach", action="store_true", help="do not wait for the answer")
        return made

    sampling = told("sampling", "start or stop reading", "sampling pi-7 off --source board")
    sampling.add_argument("switch", choices=["on", "off"], metavar="on|off", help="read or not")
    sampling.add_argument("--source", metavar="SOURCE", help="only this one")
    interval = told("interval", "set how often a source is read", "interval pi-7 board 2.5")
    interval.add_argument("source", metavar="SOURCE", help="the source")
    interval.add_argument("seconds", type=float, metavar="SECONDS", help="from reading to reading")
    identify = told("identify", "blink the LED of a device's board", "identify pi-7")
    identify.add_argument("--source", metavar="SOURCE", help="only this one's board")
    told("restart", "have a device's agent end and start anew", "restart pi-7 --wait 1h")
    told("diagnose", "have a device look at every step to the cloud", "diagnose pi-7")
    history = one("commands", "tell", "list what a device was told", "commands pi-7")
    history.add_argument(
        "-n", "--lines", type=int, default=20, metavar="N", help="so many of the newest (20)"
    )
    withdraw = one("withdraw", "tell", "take back a command that waits", "withdraw pi-7 9f3c…")
    withdraw.add_argument("id", metavar="ID", help="as `device commands` says")
    configured = one(
        "configure",
        "configure",
        "say what a device should do, and wait until it has taken it",
        "configure pi-7 board.interval_s=2 host.on=off",
    )
    configured.epilog = f"{configured.epilog}\n\n{_EXITS}"
    _add_document(configured)
    one(
        "configuration", "configure", "show what a device should do, against what it does",
        "configuration pi-7",
    )  # fmt: skip


def add_groups(
    command: Command, commands: "argparse._SubParsersAction[argparse.ArgumentParser]"
) -> None:
    """Add `fieldline group` and all below it."""
    group = commands.add_parser(
        "group", help="devices that share a configuration", epilog="example: fieldline group list"
    )
    groups = group.add_subparsers(title="commands", metavar="COMMAND", required=True)
    made: dict[str, argparse.ArgumentParser] = {}
    for name, text, example in (
        ("list", "list the groups", "list"),
        ("show", "show what a group says, and to whom", "show hall-2"),
        ("create", "make a group", "create hall-2 --priority 10"),
        ("change", "change a group's label or priority", "change hall-2 --priority 20"),
        ("delete", "delete a group", "delete hall-2"),
        ("add", "put devices into a group", "add hall-2 pi-7 pi-8"),
        ("remove", "take devices out of a group", "remove hall-2 pi-7"),
        ("configure", "say what its devices should do", "configure hall-2 host.interval_s=30"),
    ):
        made[name] = command(name, "group", text, f"fieldline group {example}", of=groups)
        made[name].add_argument("--json", action="store_true", help="for programs")
        made[name].set_defaults(action=name)
        if name != "list":
            made[name].add_argument("name", metavar="GROUP", help="its name")
    for name in ("create", "change"):
        made[name].add_argument("--label", metavar="TEXT", help="how people call it")
        made[name].add_argument(
            "--priority", type=int, metavar="N", help="of two that say otherwise the higher wins"
        )
    made["delete"].add_argument("--yes", action="store_true", help="do not ask")
    for name in ("add", "remove"):
        made[name].add_argument("devices", nargs="+", metavar="DEVICE", help="devices")
    _add_document(made["configure"])


def _add_document(made: argparse.ArgumentParser) -> None:
    made.add_argument(
        "what",
        nargs="*",
        metavar="FILE|KEY=VALUE",
        help="a file with [sources.NAME] (TOML or JSON) in the place of what was said before; or "
        "changes of it: SOURCE.on, SOURCE.interval_s, SOURCE.calibration.CHANNEL.factor and "
        ".offset; nothing after the = takes a key away",
    )
    made.add_argument("--clear", action="store_true", help="say nothing any more")


def duration(text: str) -> float | None:
    """Read how long a command may wait: `90`, `30s`, `10m`, `2h`, `7d`; `forever` is None."""
    if text == "forever":
        return None
    number, unit = (text[:-1], text[-1]) if text[-1:].isalpha() else (text, "s")
    try:
        seconds = float(number) * {"s": 1, "m": 60, "h": 3600, "d": 86_400}[unit]
    except (ValueError, KeyError):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no length of time; say 30s, 10m, 2h, 7d or forever"
        ) from None
    most = 31 * 86_400
    if not 0 <= seconds <= most:
        raise argparse.ArgumentTypeError(f"between 0 and {span(most)}, or forever")
    return seconds
