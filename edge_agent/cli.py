"""`fieldline-agent`: what a person types on the device."""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge_agent.doctor import Check
    from edge_agent.settings import Settings

EXAMPLES = """examples:
  fieldline-agent run --config /etc/fieldline/agent.toml
  fieldline-agent run --config history.toml --once     replay recordings, exit when all is stored
  fieldline-agent enrol 'fieldline:enrol?url=…'        join, with the text of the code
  fieldline-agent doctor                               is every step to the cloud all right?
  fieldline-agent status --config agent.toml --json
  fieldline-agent buffer show --config agent.toml
  fieldline-agent buffer export --config agent.toml > packs.jsonl
  fieldline-agent scan                                 which serial ports are there
"""

STATUS_AGE_S = 30
"""The agent writes its status every 10 s."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status: 2 if it was asked for something impossible."""
    options = _parser().parse_args(arguments)
    from edge_agent.errors import AgentError
    from wire.errors import WireError

    try:
        return int(options.command(options))
    except (AgentError, WireError) as error:
        print(f"fieldline-agent: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        return 1
    except OSError as error:
        what = ": ".join(str(part) for part in (error.filename, error.strerror or error) if part)
        fix = ". Run this as root, or as the agent's user" * isinstance(error, PermissionError)
        print(f"fieldline-agent: {what}{fix}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fieldline-agent",
        description="Reads sensors, keeps every reading on disk until the cloud has stored it.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    # Without `prog` argparse would load a formatter to find it, and shutil, bz2 and lzma with it.
    commands = parser.add_subparsers(required=True, metavar="COMMAND", prog=parser.prog)

    run = commands.add_parser("run", help="read the sources and send, until stopped")
    _add_config(run)
    run.add_argument(
        "--once", action="store_true", help="exit when all sources have finished and all is stored"
    )
    run.add_argument("--verbose", action="store_true", help="log details")
    run.set_defaults(command=_run)

    enrol = commands.add_parser(
        "enrol",
        help="join with a one-time code; writes agent.toml",
        description="Makes this device's key, has it certified with a one-time code that"
        " `fieldline device enrol NAME` on the server shows, writes agent.toml, and starts the"
        " service. Without a code on the command line it asks for one.",
        epilog="example: sudo fieldline-agent enrol 'fieldline:enrol?url=https%3A%2F%2F…'",
    )
    _add_config(enrol)
    enrol.add_argument(
        "text", nargs="?", metavar="CODE", help="the text of the code; -: read from stdin"
    )
    enrol.add_argument("--url", metavar="URL", help="the API: https://server:port")
    enrol.add_argument("--ca", metavar="SHA256", help="the CA's fingerprint, hexadecimal")
    enrol.add_argument("--token", metavar="TOKEN", help="the one-time token; -: read from stdin")
    enrol.add_argument(
        "--data",
        type=Path,
        default=Path("/var/lib/fieldline-agent"),
        metavar="FOLDER",
        help="the data folder, if there is no agent.toml yet (%(default)s)",
    )
    enrol.add_argument(
        "--again", action="store_true", help="a new key for a device that is enrolled already"
    )
    enrol.set_defaults(command=_enrol)

    doctor = commands.add_parser("doctor", help="look at every step from here to the cloud")
    _add_config(doctor)
    doctor.add_argument("--json", action="store_true", help="for programs")
    doctor.set_defaults(command=_doctor)

    status = commands.add_parser("status", help="show the state of the agent on this machine")
    _add_config(status)
    status.add_argument("--json", action="store_true", help="for programs")
    status.set_defaults(command=_status)

    buffer = commands.add_parser("buffer", help="look into the buffer, also while the agent runs")
    _add_config(buffer)
    buffer.add_argument("what", choices=["show", "export"], help="figures, or packs as JSON lines")
    buffer.set_defaults(command=_buffer)

    scan = commands.add_parser("scan", help="list the serial ports of this machine")
    scan.add_argument("--json", action="store_true", help="for programs")
    scan.set_defaults(command=_scan)
    return parser


def _add_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config",
        type=Path,
        default=Path("/etc/fieldline/agent.toml"),
        metavar="FILE",
        help="agent.toml (%(default)s)",
    )


def _settings(options: argparse.Namespace) -> "Settings":
    from edge_agent.settings import read

    return read(options.config)


def _run(options: argparse.Namespace) -> int:
    from edge_agent import agent, log

    log.set_up(verbose=options.verbose)
    return agent.run(_settings(options), once=options.once)


def _enrol(options: argparse.Namespace) -> int:
    from edge_agent.enrolment import api, unit
    from edge_agent.enrolment.enrol import enrol

    given = (options.url, options.ca, options.token)
    if all(given) and not options.text:
        code = api.Code(options.url, options.ca, _or_stdin(options.token))
    elif any(given) or not (options.text or sys.stdin.isatty()):
        print(
            "fieldline-agent enrol: give the text of a code, or --url, --ca and --token;"
            f" {api.DRAW} shows them",
            file=sys.stderr,
        )
        return 2
    else:
        if not options.text:
            print(f"Paste the code that {api.DRAW} shows, and press Enter:", file=sys.stderr)
        code = api.code_of(_or_stdin(options.text or "-"))
    enrol(code, options.config, options.data, _tell, again=options.again)
    if unit.is_ours(options.config):
        unit.start()
        _tell("the service runs, now and at each boot; `fieldline-agent status` shows it")
    else:
        print(f"now run the agent: fieldline-agent run --config {options.config}")
    return 0


def _tell(done: str) -> None:
    print(f"✓ {done}", flush=True)


def _or_stdin(given: str) -> str:
    return sys.stdin.readline().strip() if given == "-" else given


def _doctor(options: argparse.Namespace) -> int:
    from edge_agent.doctor import as_json, examine

    def show(check: "Check") -> None:
        if not options.json:
            print(f"{'✓' if check.ok else '✗'} {check.name:<14} {check.seen}")
            if check.fix:
                print(f"  → {check.fix}")

    settings = _settings(options)
    checks = examine(settings, tell=show, connection=_connection(settings))
    if options.json:
        print(json.dumps({"checks": as_json(checks)}, indent=1))
    return 0 if all(check.ok for check in checks) else 1


def _connection(settings: "Settings") -> str:
    """Return what a running agent says of its connection; empty if there is none."""
    from edge_agent.report import FILE

    try:
        status = json.loads((Path(settings.agent.data) / FILE).read_bytes())
    except OSError:
        return ""
    fresh = abs(time.time() - status["at"]) < STATUS_AGE_S
    running = fresh and _is_alive(status["pid"]) and status["connection"] != "stopped"
    return str(status["connection"]) if running else ""


def _status(options: argparse.Namespace) -> int:
    from edge_agent.remote.state import is_revoked
    from edge_agent.report import FILE

    settings = _settings(options)
    path = Path(settings.agent.data) / FILE
    try:
        status = json.loads(path.read_bytes())
    except FileNotFoundError:
        todo = "start one with `fieldline-agent run`"
        if not settings.mqtt.host:
            todo = "this device is not enrolled, see `fieldline-agent enrol --help`"
        print(f"no agent has run on {path.parent} yet: {todo}")
        return 1
    running = _is_alive(status["pid"]) and status["connection"] != "stopped"
    status["running"] = running
    status["revoked"] = is_revoked(path.parent)
    if options.json:
        print(json.dumps(status, indent=1))
        return 0 if running else 1
    print(_in_words(status, running=running))
    return 0 if running else 1


def _is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def _in_words(status: dict[str, object], *, running: bool) -> str:
    buffer = status.get("buffer", {})
    assert isinstance(buffer, dict)
    held = sum(last - first + 1 for first, last in buffer.get("held", []))
    lost = sum(last - first + 1 for first, last, _ in buffer.get("lost", []))
    age = time.time() - float(str(status["at"]))
    lines = [
        f"agent       {'running' if running else 'not running'} (said so {age:.0f} s ago)",
        f"connection  {status['connection']}",
        *(["revoked     the server has shut this device out"] if status["revoked"] else []),
        f"clock       {status.get('clock', '')}",
        (
            f"buffer      {held} packs not stored yet, {lost} lost,"
            f" {buffer.get('bytes', 0) / 1e6:.1f} of {buffer.get('quota', 0) / 1e6:.0f} MB"
        ),
    ]
    sources = status.get("sources", [])
    assert isinstance(sources, list)
    for source in sources:
        counters = ", ".join(f"{k} {v}" for k, v in source.get("counters", {}).items())
        lines.append(
            f"source      {source['name']} ({source.get('kind', '')}):"
            f" {source.get('state', 'running')} {source.get('reason', '')}".rstrip()
            + f", {source.get('readings', 0)} readings, {source.get('errors', 0)} errors"
            + (f", {counters}" if counters else "")
        )
    problems = status["problems"]
    assert isinstance(problems, list)
    return "\n".join(lines + [f"problem     {problem}" for problem in problems])


def _buffer(options: argparse.Namespace) -> int:
    from edge_agent.buffer.snapshot import snapshot

    settings = _settings(options)
    with snapshot(Path(settings.agent.data)) as contents:
        if options.what == "show":
            print(json.dumps(contents.summary(), indent=1))
            return 0
        for number, payload in contents.packs():
            head = json.dumps({"epoch": contents.epoch, "sequence": number})[:-1]
            print(f'{head}, "pack": {payload.decode()}}}')
    return 0


def _scan(options: argparse.Namespace) -> int:
    from serial.tools.list_ports import comports

    from edge_agent.sources.arduino import port

    # What `port = "auto"` would try, and what has no stable name.
    by_id = {str(Path(link).resolve()): link for link in port.list_ports(port.BY_ID)}
    known = {found.device: found.description for found in comports()}
    ports = [
        {
            "port": by_id.get(device, device),
            "device": device,
            "what": known.get(device) or Path(by_id[device]).name,
        }
        for device in sorted({*known, *by_id})
    ]
    if options.json:
        print(json.dumps(ports, indent=1))
    elif not ports:
        print("no serial ports: is the board plugged in, with a cable that carries data?")
    else:
        print("\n".join(f"{port['port']}  {port['what']}" for port in ports))
    return 0


if __name__ == "__main__":
    sys.exit(main())
