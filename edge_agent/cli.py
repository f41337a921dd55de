"""`fieldline-agent`: what a person types on the device."""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge_agent.settings import Settings

EXAMPLES = """examples:
  fieldline-agent run --config /etc/fieldline/agent.toml
  fieldline-agent run --config history.toml --once     replay recordings, exit when all is stored
  fieldline-agent status --config agent.toml --json
  fieldline-agent buffer show --config agent.toml
  fieldline-agent buffer export --config agent.toml > packs.jsonl
  fieldline-agent scan                                 which serial ports are there
"""


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
    except OSError as error:
        print(f"fieldline-agent: {error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fieldline-agent",
        description="Reads sensors, keeps every reading on disk until the cloud has stored it.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="read the sources and send, until stopped")
    _add_config(run)
    run.add_argument(
        "--once", action="store_true", help="exit when all sources have finished and all is stored"
    )
    run.add_argument("--verbose", action="store_true", help="log details")
    run.set_defaults(command=_run)

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


def _status(options: argparse.Namespace) -> int:
    from edge_agent.report import FILE

    path = Path(_settings(options).agent.data) / FILE
    try:
        status = json.loads(path.read_bytes())
    except FileNotFoundError:
        print(f"no agent has run on {path.parent} yet: start one with `fieldline-agent run`")
        return 1
    running = _is_alive(status["pid"]) and status["connection"] != "stopped"
    status["running"] = running
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

    by_id = {}
    folder = Path("/dev/serial/by-id")
    if folder.is_dir():
        by_id = {str(link.resolve()): str(link) for link in folder.iterdir()}
    ports = [
        {
            "port": by_id.get(port.device, port.device),
            "device": port.device,
            "what": port.description,
        }
        for port in sorted(comports())
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
