"""The arguments of `fieldline ca …`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cloud.stack.cli_devices import Command

_EXITS = "exit status: 0 done, 1 refused, 2 wrong arguments, 3 not reached, 130 interrupted"


def add_ca(command: Command, commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `fieldline ca` and all below it."""
    ca = commands.add_parser(
        "ca",
        help="look at the CA that everything here trusts, and rotate it",
        epilog=f"example: fieldline ca show\n\n{_EXITS}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    below = ca.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, text, example in (
        ("show", "say which CA is trusted, and how far its rotation is", "show --json"),
        ("rotate", "make a new CA, and have every device go over to it", "rotate --yes"),
        ("finish", "trust the old CA no more, once every device has gone over", "finish"),
    ):
        made = command(name, "ca", text, f"fieldline ca {example}", of=below)
        made.add_argument("--json", action="store_true", help="for programs")
        made.set_defaults(action=name)
        if name != "show":
            made.add_argument("--yes", action="store_true", help="do not ask")
        if name == "finish":
            made.add_argument(
                "--leave", action="append", default=[], metavar="NAME",
                help="revoke this device, which has not come (may be said again)",
            )  # fmt: skip
