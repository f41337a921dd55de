"""`fieldline`: one command for the whole stack.

Only the arguments are here; each command is a module of `commands`, imported when it is used.
"""

import argparse
import importlib
import sys
from collections.abc import Sequence

_EXITS = """exit status: 0 done, 1 something is not as it should be, 2 wrong arguments or settings,
130 interrupted.  More: docs/operation.md"""

_STAGES = "broker, kafka, postgres, bridge, stream or grafana"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    options = _parser().parse_args(arguments)
    from cloud.stack.errors import StackError
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
    except (StackError, WireError, OSError) as error:
        print(f"fieldline: {error}", file=sys.stderr)
        return 1
    return status


def _parser() -> argparse.ArgumentParser:
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
    ) -> argparse.ArgumentParser:
        made: argparse.ArgumentParser = of.add_parser(
            name,
            help=text,
            description=text[0].upper() + text[1:] + ".",
            epilog=f"example: {example}",
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
        "status", "status", "say how every stage and device does", "fieldline status --json"
    )
    status.add_argument("--json", action="store_true", help="for programs")

    env = command("env", "env", "say how to reach each part", 'psql "$(fieldline env postgres)"')
    env.add_argument(
        "part",
        nargs="?",
        choices=["mqtt", "kafka", "postgres", "grafana"],
        metavar="PART",
        help="only the address of mqtt, kafka, postgres or grafana, for use in other commands",
    )
    env.add_argument("--json", action="store_true", help="for programs")

    logs = command("logs", "logs", "show what a stage has to say", "fieldline logs stream -f")
    logs.add_argument("stage", metavar="STAGE", help=_STAGES)
    logs.add_argument("-f", "--follow", action="store_true", help="go on as it says more")
    logs.add_argument("-n", "--lines", type=int, default=40, metavar="N", help="so many lines (40)")

    for name, text in (
        ("start", "start a stage that was stopped"),
        ("stop", "stop one stage; the others wait for it and lose nothing"),
        ("restart", "stop and start one stage"),
    ):
        made = command(name, "stages", text, f"fieldline {name} bridge")
        made.add_argument("stage", metavar="STAGE", help=_STAGES)
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

    verify = command(
        "verify",
        "verify",
        "compare every aggregate with the raw readings, and every epoch's holes",
        "fieldline verify --json",
    )
    verify.add_argument("--json", action="store_true", help="for programs")

    device = commands.add_parser(
        "device", help="register devices and list them", epilog="example: fieldline device list"
    )
    devices = device.add_subparsers(title="commands", metavar="COMMAND", required=True)
    add = command(
        "add",
        "device_add",
        "register a device and show its password, once",
        "fieldline device add pi-7 --out agent.toml;  fieldline device add plc --foreign --json",
        of=devices,
    )
    add.add_argument("name", metavar="NAME", help="letters, digits, `.`, `_`, `-`; at most 63")
    add.add_argument("--foreign", action="store_true", help="for an MQTT client of another make")
    add.add_argument("--out", metavar="FILE", help="write the agent's settings there")
    add.add_argument("--json", action="store_true", help="for programs")
    listed = command(
        "list", "device_list", "list the devices", "fieldline device list --json", of=devices
    )
    listed.add_argument("--json", action="store_true", help="for programs")
    return parser


if __name__ == "__main__":
    sys.exit(main())
