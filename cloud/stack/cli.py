"""`fieldline`: one command for the whole stack.

Only the arguments are here; each command is a module of `commands`, imported when it is used.
"""

import argparse
import importlib
import sys
from collections.abc import Callable, Sequence

_EXITS = """exit status: 0 done, 1 not as it should be or refused, 2 wrong arguments or settings,
3 not reached (a server, the API or the device does not answer), 130 interrupted.
More: docs/operation.md"""

_STAGES = "broker, kafka, postgres, api, bridge, stream or grafana"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    options = make_parser().parse_args(arguments)
    from cloud.stack.errors import NotReached, StackError
    from cloud.stack.folder import find
    from wire.errors import WireError
    from wire.settings import SettingsRefused

    command = importlib.import_module(f"cloud.stack.commands.{options.module}")
    try:
        status: int = command.run(find(options.data), options)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has gone
        return 0
    except SettingsRefused as error:
        print(f"fieldline: {error}", file=sys.stderr)
        return 2
    except (NotReached, ConnectionError, TimeoutError) as error:
        print(f"fieldline: {error}", file=sys.stderr)
        return 3
    except (StackError, WireError, OSError) as error:
        print(f"fieldline: {error}", file=sys.stderr)
        return 1
    return status


def make_parser() -> argparse.ArgumentParser:
    """Say what there is to say to `fieldline`."""
    from cloud.stack.cli_alerts import add_alerts
    from cloud.stack.cli_ca import add_ca
    from cloud.stack.cli_data import add_data
    from cloud.stack.cli_devices import add_devices, add_groups

    parser = argparse.ArgumentParser(
        prog="fieldline",
        description="Runs the whole of Fieldline on this machine, and looks into it.",
        epilog=f"example: fieldline up --demo\n\n{_EXITS}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(
        name: str,
        module: str,
        text: str,
        example: str,
        of: "argparse._SubParsersAction[argparse.ArgumentParser]" = commands,
        *,
        exits: str = "",
    ) -> argparse.ArgumentParser:
        made: argparse.ArgumentParser = of.add_parser(
            name,
            help=text,
            description=text[0].upper() + text[1:] + ".",
            epilog=f"example: {example}" + (f"\n\nexit status 1: {exits}" if exits else ""),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        made.set_defaults(module=module)
        made.add_argument(
            "--data",
            metavar="DIR",
            help="the data folder (or FIELDLINE_DATA; as root /var/lib/fieldline, "
            "else ~/.local/share/fieldline)",
        )
        return made

    up = command("up", "up", "start everything and show how it does", "fieldline up --demo")
    up.add_argument("--detach", action="store_true", help="return when everything makes progress")
    up.add_argument(
        "--demo", action="store_true", help="with simulated boards and this machine's own sensors"
    )
    up.add_argument("--config", metavar="FILE", help="settings instead of DATA/fieldline.toml")

    command("down", "down", "stop everything, in order", "fieldline down")

    status = command(
        "status",
        "status",
        "say how every stage and device does",
        "fieldline status --json",
        exits="not every stage runs",
    )
    status.add_argument("--json", action="store_true", help="for programs")

    env = command("env", "env", "say how to reach each part", 'psql "$(fieldline env postgres)"')
    env.add_argument(
        "part",
        nargs="?",
        choices=["mqtt", "kafka", "api", "postgres", "grafana"],
        metavar="PART",
        help="only the address of mqtt, kafka, api, postgres or grafana, for use in other commands",
    )
    env.add_argument("--json", action="store_true", help="for programs")

    logs = command("logs", "logs", "show what a stage has to say", "fieldline logs stream -f")
    logs.add_argument("stage", metavar="STAGE", help=_STAGES)
    logs.add_argument("-f", "--follow", action="store_true", help="go on as it says more")
    logs.add_argument("-n", "--lines", type=int, default=40, metavar="N", help="so many lines (40)")
    logs.add_argument("--json", action="store_true", help="for programs, an object a line")

    for name, text in (
        ("start", "start a stage that was stopped, or all"),
        ("stop", "stop one stage, or all; the others wait for it and lose nothing"),
        ("restart", "stop and start one stage, or all"),
    ):
        made = command(name, "stages", text, f"fieldline {name} bridge")
        made.add_argument("stage", metavar="STAGE", help=f"{_STAGES}, or all")
        made.add_argument("--dry-run", action="store_true", help="only say what it brings about")
        made.add_argument("--json", action="store_true", help="for programs")
        made.set_defaults(action=name)

    tail = command(
        "tail",
        "tail",
        "show messages as they come, one a line",
        "fieldline tail fieldline.packs;  fieldline tail 'fieldline/v1/+/status'",
    )
    tail.add_argument("topic", metavar="TOPIC", help="a Kafka topic, or an MQTT topic filter")
    tail.add_argument(
        "-n", "--lines", type=int, metavar="N", help="end after so many (else at Ctrl-C)"
    )
    tail.add_argument("--json", action="store_true", help="for programs, an object a line")

    verify = command(
        "verify",
        "verify",
        "compare every aggregate with the raw readings, and every epoch's holes",
        "fieldline verify --json",
        exits="something differs, is missing or doubled",
    )
    verify.add_argument("--json", action="store_true", help="for programs")

    add_data(command, commands)
    _add_keeping(command)
    doctor = command(
        "doctor",
        "doctor",
        "examine every hop, and send a reading through all of them",
        "fieldline doctor --json",
        exits="something is wrong",
    )
    doctor.add_argument("--json", action="store_true", help="for programs")

    add_devices(command, commands)
    add_groups(command, commands)
    add_alerts(command, commands)
    add_ca(command, commands)
    _add_people(command, commands)
    completion = command(
        "completion",
        "completion",
        "print what lets a shell complete commands, stages and names of devices",
        'eval "$(fieldline completion bash)"',
    )
    completion.add_argument(
        "shell", choices=["bash", "zsh"], metavar="SHELL", nargs="?", help="bash or zsh"
    )
    completion.add_argument("--names", choices=["devices", "groups"], help=argparse.SUPPRESS)
    return parser


def _add_keeping(command: Callable[..., argparse.ArgumentParser]) -> None:
    """What is kept, and what comes back."""
    backup = command(
        "backup",
        "backup",
        "write everything that must be kept into one file, while everything runs",
        "fieldline backup /mnt/backups/ --passphrase-file ~/passphrase",
    )
    backup.add_argument(
        "file", metavar="FILE|DIR", help="a file that is not there yet, or a folder for one"
    )
    restore = command(
        "restore",
        "restore",
        "fill an empty data folder from a backup; devices go on without a new enrolment",
        "fieldline restore fieldline-lab-20260131T030000Z.backup",
    )
    restore.add_argument("file", metavar="FILE", help="what `fieldline backup` has written")
    restore.add_argument(
        "--dry-run", action="store_true", help="check every sum and version, show what is in it"
    )
    restore.add_argument(
        "--new-ports",
        action="store_true",
        help="choose free ports, for a trial beside what runs (devices know the old ones)",
    )
    restore.add_argument(
        "--config", metavar="FILE", help="settings instead of the backup's, as for `up --config`"
    )
    install = command(
        "install-service",
        "install_service",
        "let systemd run the stack on this machine, as a system user, hardened",
        "sudo fieldline install-service",
    )
    instead = install.add_mutually_exclusive_group()
    instead.add_argument("--print", action="store_true", help="show the unit, change nothing")
    instead.add_argument("--remove", action="store_true", help="take it away; the data stays")
    storage = command(
        "storage",
        "storage",
        "say what takes the disk, and when it will be full",
        "fieldline storage",
    )
    storage.add_argument("--json", action="store_true", help="for programs")
    for made in (backup, restore):
        made.add_argument(
            "--passphrase-file", metavar="FILE", help="encrypt with what is in it (AES-256-GCM)"
        )
        made.add_argument("--json", action="store_true", help="for programs")


def _add_people(
    command: Callable[..., argparse.ArgumentParser],
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
) -> None:
    """Who may come in, and what they did."""
    roles = ("viewer", "operator", "admin")
    user = commands.add_parser(
        "user", help="say who may come in", epilog="example: fieldline user list"
    )
    users = user.add_subparsers(title="commands", metavar="COMMAND", required=True)
    token = commands.add_parser(
        "token", help="say which clients are logged in", epilog="example: fieldline token list"
    )
    tokens = token.add_subparsers(title="commands", metavar="COMMAND", required=True)
    made: dict[str, argparse.ArgumentParser] = {}
    for words, text, example, of in (
        ("user add", "invite somebody", "fieldline user add ada --role operator", users),
        ("user invite", "draw a code for another password", "fieldline user invite ada", users),
        ("user accept", "set a password with an invitation", "fieldline user accept LINK", users),
        ("user list", "list people", "fieldline user list --json", users),
        ("user change", "change a role, shut out", "fieldline user change ada --disable", users),
        ("user remove", "remove somebody", "fieldline user remove ada", users),
        ("token list", "list clients that are logged in", "fieldline token list", tokens),
        ("token revoke", "log a client out", "fieldline token revoke 7", tokens),
        ("pair", "draw a code by which a panel logs in", "fieldline pair ada", commands),
        ("audit", "say who did what", "fieldline audit --subject device/pi-7", commands),
    ):  # fmt: skip
        made[words] = command(words.rpartition(" ")[2], "people", text, example, of=of)
        made[words].add_argument("--json", action="store_true", help="for programs")
        made[words].set_defaults(action=words)
    for words in ("user add", "user invite", "user change", "user remove", "pair"):
        made[words].add_argument("name", metavar="USERNAME", help="lower-case letters first")
    made["user accept"].add_argument("code", metavar="LINK", help="of the invitation, or its code")
    made["user add"].add_argument("--role", choices=roles, required=True, help="what they may do")
    made["user change"].add_argument("--role", choices=roles, help="what they may do")
    either = made["user change"].add_mutually_exclusive_group()
    either.add_argument("--disable", action="store_true", help="shut out; tokens end at once")
    either.add_argument("--enable", action="store_true", help="let in again")
    made["token revoke"].add_argument("id", type=int, metavar="ID", help="as `token list` says")
    made["audit"].add_argument(
        "-n", "--lines", type=int, default=40, metavar="N", help="so many (40)"
    )
    made["audit"].add_argument("--person", default="", metavar="NAME", help="only theirs")
    made["audit"].add_argument("--subject", default="", metavar="WHICH", help="e.g. device/pi-7")


if __name__ == "__main__":
    sys.exit(main())
