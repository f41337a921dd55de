"""The arguments of `fieldline alert …`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from cloud.stack.cli_data import read_time
from cloud.stack.cli_devices import Command, duration

_SEVERITIES = ("info", "warning", "critical")
if TYPE_CHECKING:
    Sub = argparse._SubParsersAction[argparse.ArgumentParser]


def add_alerts(command: Command, commands: Sub) -> None:
    """Add `fieldline alert` and all below it."""
    alerts = _group(commands, "alert", "what fires, rules, and whom it is told to", "alert list")
    listed = _one(command, alerts, "alert list", "say what fires", "alert list --device pi-7")
    listed.add_argument("--all", action="store_true", help="also what does not fire")
    history = _one(command, alerts, "alert history", "say what has fired", "alert history -n 20")
    history.add_argument("-n", "--lines", type=int, default=40, metavar="N", help="so many (40)")
    for made in (listed, history):
        made.add_argument("--device", metavar="NAME", help="only of this device")
        made.add_argument("--rule", metavar="NAME", help="only of this rule")
    seen = _one(
        command, alerts, "alert acknowledge", "say that somebody has seen it",
        "alert acknowledge 17 --note 'on my way'",
    )  # fmt: skip
    seen.add_argument("episode", type=int, metavar="NUMBER", help="as `alert list` says")
    seen.add_argument("--note", default="", metavar="TEXT", help="for the others")
    preview = _one(
        command, alerts, "alert preview", "say how often a rule would have fired; makes none",
        "alert preview --above 50 --for 30s --channel 'gas/*' --from 2026-03-01;  "
        "fieldline alert preview gas --above 60",
        "alert_rule",
    )  # fmt: skip
    preview.add_argument(
        "name", nargs="?", metavar="NAME", help="a rule; other words differ from it"
    )
    _say_rule(preview)
    for option, name, text in (
        ("--from", "begin", "2026-03-01, 2026-03-01T12:00:00Z (seven days before the end)"),
        ("--to", "end", "so too (now)"),
    ):
        preview.add_argument(option, dest=name, type=read_time, metavar="TIME", help=text)
    preview.add_argument("-n", "--lines", type=int, default=20, metavar="N",
                         help="so many of the latest, 100 at most (20)")  # fmt: skip
    snoozes = _group(alerts, "snooze", "be told nothing for a while", "alert snooze list")
    _add_snoozes(command, snoozes)
    rules = _group(alerts, "rule", "what is watched for", "alert rule list")
    _add_rules(command, rules)
    windows = _group(alerts, "maintenance", "when work is done", "alert maintenance list")
    _add_windows(command, windows)
    targets = _group(alerts, "target", "whom alerts are told to", "alert target list")
    _add_targets(command, targets)


def _add_rules(command: Command, rules: Sub) -> None:
    _one(command, rules, "rule list", "list the rules", "alert rule list", "alert_rule")
    add = _one(
        command, rules, "rule add", "watch for something from now on",
        "alert rule add gas --above 50 --clear-at 40 --for 30s --channel 'gas/*'", "alert_rule",
    )  # fmt: skip
    change = _one(
        command, rules, "rule change", "say some of a rule anew",
        "alert rule change gas --above 60", "alert_rule",
    )  # fmt: skip
    show = _one(command, rules, "rule show", "show a rule", "alert rule show gas", "alert_rule")
    remove = _one(command, rules, "rule remove", "watch for it no longer", "alert rule remove gas",
                  "alert_rule")  # fmt: skip
    for made in (add, change, show, remove):
        made.add_argument("name", metavar="NAME", help="of the rule")
    remove.add_argument("--yes", action="store_true", help="do not ask")
    for made in (add, change):
        _say_rule(made)
    state = change.add_mutually_exclusive_group()
    state.add_argument("--enable", action="store_true", help="watch again")
    state.add_argument("--disable", action="store_true", help="do not watch for now")


def _say_rule(made: argparse.ArgumentParser) -> None:
    either = made.add_mutually_exclusive_group()
    either.add_argument("--above", type=float, metavar="VALUE", help="fires when beyond it")
    either.add_argument("--below", type=float, metavar="VALUE", help="fires when below it")
    either.add_argument("--silent", type=_span, metavar="SPAN", help="fires without data so long")
    made.add_argument("--rate-over", type=_span, metavar="SPAN",
                      help="of the change a second over so long, not of the value")  # fmt: skip
    made.add_argument("--clear-at", type=float, metavar="VALUE", help="ends only when back here")
    made.add_argument("--for", type=_span, dest="for_s", metavar="SPAN", help="must hold so long")
    made.add_argument("--device", metavar="NAME", help="only of these; may hold `*`")
    made.add_argument("--channel", metavar="NAME", help="only of these; may hold `*`")
    made.add_argument("--site", metavar="NAME", help="only of these; may hold `*`")
    made.add_argument("--severity", choices=_SEVERITIES, help="how bad it is (warning)")


def _add_snoozes(command: Command, snoozes: Sub) -> None:
    _one(command, snoozes, "snooze list", "list those that last", "alert snooze list")
    add = _one(
        command, snoozes, "snooze add", "be told nothing meanwhile; then what still fires",
        "alert snooze add 2h --device 'kiln-*'",
    )  # fmt: skip
    add.add_argument("span", type=_span, metavar="SPAN", help="so long: 30m, 2h, 3d")
    add.add_argument("--rule", metavar="NAME", help="only by this rule")
    add.add_argument("--device", metavar="NAME", help="only of these; may hold `*`")
    add.add_argument("--channel", metavar="NAME", help="only of these; may hold `*`")
    add.add_argument("--reason", default="", metavar="TEXT", help="for the others")
    end = _one(command, snoozes, "snooze end", "be told again", "alert snooze end 3")
    end.add_argument("number", type=int, metavar="NUMBER", help="as the list says")


def _add_windows(command: Command, windows: Sub) -> None:
    _one(command, windows, "maintenance list", "list those that are not over",
         "alert maintenance list")  # fmt: skip
    add = _one(
        command, windows, "maintenance add", "tell nobody meanwhile; then what still fires",
        "alert maintenance add 4h --site 'hall 2' --reason 'new kiln'",
    )  # fmt: skip
    add.add_argument("span", type=_span, metavar="SPAN", help="so long: 30m, 2h, 3d")
    add.add_argument("--in", type=_span, dest="begins", default=0.0, metavar="SPAN",
                     help="begins in so long (now)")  # fmt: skip
    add.add_argument("--device", metavar="NAME", help="only these; may hold `*`")
    add.add_argument("--site", metavar="NAME", help="only these; may hold `*`")
    add.add_argument("--reason", default="", metavar="TEXT", help="for the others")
    remove = _one(command, windows, "maintenance remove", "it is over, or not to be",
                  "alert maintenance remove 3")  # fmt: skip
    remove.add_argument("number", type=int, metavar="NUMBER", help="as the list says")


def _add_targets(command: Command, targets: Sub) -> None:
    _one(command, targets, "target list", "list the targets", "alert target list")
    add = _one(
        command, targets, "target add", "have alerts told to somebody",
        "alert target add ada --email ada@example.org --server mail.example.org --sender "
        "plant@example.org --user plant --secret-file password.txt;  "
        "fieldline alert target add hook --webhook https://hooks.example.org/x",
    )  # fmt: skip
    how = add.add_mutually_exclusive_group(required=True)
    how.add_argument("--email", action="append", metavar="ADDRESS", help="may be given again")
    how.add_argument("--webhook", metavar="URL", help="where a POST goes")
    how.add_argument("--desktop", action="store_true", help="every panel that is open")
    add.add_argument("--server", metavar="HOST[:PORT]", help="the mail server (port 587)")
    add.add_argument("--security", choices=("starttls", "tls", "none"), default="starttls",
                     help="of the mail server (starttls)")  # fmt: skip
    add.add_argument("--sender", metavar="ADDRESS", help="who writes")
    add.add_argument("--user", default="", metavar="NAME", help="login at the mail server")
    add.add_argument("--secret-file", metavar="FILE",
                     help="its password, or the key that signs a webhook; - reads it")  # fmt: skip
    add.add_argument("--ca", metavar="FILE", help="of the server's certificate, if private")
    add.add_argument("--severity", choices=_SEVERITIES, default="warning", help="the least")
    add.add_argument("--wait", type=_span, default=10.0, metavar="SPAN",
                     help="one message tells what a rule fires within so long (10s)")  # fmt: skip
    add.add_argument("--interval", type=_span, default=60.0, metavar="SPAN",
                     help="so long until the next message about the same rule (60s)")  # fmt: skip
    add.add_argument("--most-an-hour", type=int, default=20, metavar="N", help="no more (20)")
    test = _one(command, targets, "target test", "send a test, now", "alert target test ada")
    remove = _one(command, targets, "target remove", "tell them no longer",
                  "alert target remove ada")  # fmt: skip
    for made in (add, test, remove):
        made.add_argument("name", metavar="NAME", help="of the target")
    remove.add_argument("--yes", action="store_true", help="do not ask")


def _group(of: Sub, name: str, text: str, example: str) -> Sub:
    made = of.add_parser(name, help=text, epilog=f"example: fieldline {example}")
    return made.add_subparsers(title="commands", metavar="COMMAND", required=True)


def _one(  # noqa: PLR0917 -- a line each in a table of commands
    command: Command, of: Sub, words: str, text: str, example: str, module: str = "alert"
) -> argparse.ArgumentParser:
    made = command(words.rpartition(" ")[2], module, text, f"fieldline {example}", of=of)
    made.add_argument("--json", action="store_true", help="for programs")
    made.set_defaults(action=words)
    return made


def _span(text: str) -> float:
    """Read a length of time that ends."""
    seconds = duration(text)
    if seconds is None:
        raise argparse.ArgumentTypeError("say 30s, 10m, 2h or 7d")
    return seconds
