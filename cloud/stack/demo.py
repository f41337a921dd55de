"""What `up --demo` adds: two simulated boards, this machine's own sensors, a recorded day."""

import re
import shutil
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

from cloud.stack.agents import agent_toml, write
from cloud.stack.errors import StackError
from cloud.stack.folder import Folder
from cloud.stack.plan import Mqtt
from cloud.stack.programs import Program
from wire.names import is_device_name

CHECKOUT = Path(__file__).resolve().parents[2]
_SCENARIOS = CHECKOUT / "firmware" / "arduino" / "rig" / "scenarios"
_RECORDINGS = CHECKOUT / "edge_agent" / "sources" / "replay" / "examples"

WORKSHOP = "workshop"
SKETCHES = {"mq2_air_quality": "gas", "environment": "room"}
"""Sketch of each simulated board, and the name of the source that reads it."""
_PRIORITY = 400


@dataclass(frozen=True)
class DemoAgent:
    """An agent run here; `once` if it replays a recording and is done when all is stored."""

    device: str
    sources: str
    once: bool = False


def agents(folder: Folder, hostname: str | None = None) -> list[DemoAgent]:
    """Say which agents the demo runs."""
    recorded = [
        DemoAgent(file.stem, file.read_text("utf-8"), once=True)
        for file in sorted(_RECORDINGS.glob("iot-device-*.toml"))
    ]
    return [
        DemoAgent(WORKSHOP, _boards(folder)),
        DemoAgent(device_name(hostname or socket.gethostname()), _machine()),
        *recorded,
    ]


def device_name(hostname: str) -> str:
    """Turn a host's name into a device's."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", hostname).strip("-._")[:63]
    if name == WORKSHOP or name.startswith("iot-device-"):
        name = f"{name[:58]}-host"
    return name if is_device_name(name) else "this-machine"


def prepare(folder: Folder, mqtt: Mqtt) -> None:
    """Write what the agents need; what a person has edited stays."""
    for agent in agents(folder):
        home = folder.agent(agent.device)
        home.mkdir(parents=True, exist_ok=True)
        home.chmod(0o700)
        text = agent_toml(
            agent.device,
            str(home),
            mqtt,
            str(home / "password"),
            host=mqtt.host,
            sources=agent.sources,
        )
        write(home / "agent.toml", text)
    for sketch, file in _scenario_paths(folder).items():
        if not file.exists():
            try:
                shutil.copyfile(_SCENARIOS / f"{sketch}.toml", file)
            except FileNotFoundError as error:
                raise StackError(f"the scenario {error.filename} is missing") from None


def programs(folder: Folder) -> list[Program]:
    """Return the supervised programs of the demo, one group."""
    made = [
        Program(
            name=f"board-{sketch.replace('_', '-')}",
            command=[
                sys.executable, "-m", "firmware.arduino.rig", "--sketch", sketch,
                "--scenario", str(file), "--link", str(_port(folder, sketch)),
            ],
            priority=_PRIORITY,
            group="demo",
            whole_group=True,
        )
        for sketch, file in _scenario_paths(folder).items()
    ]  # fmt: skip
    made += [
            Program(
                name=f"agent-{agent.device}",
                command=[
                    sys.executable, "-m", "edge_agent.cli", "run",
                    "--config", str(folder.agent(agent.device) / "agent.toml"),
                    *(["--once"] if agent.once else []),
                ],
                priority=_PRIORITY + 1,
                group="demo",
                once=agent.once,
            )
        for agent in agents(folder)
    ]  # fmt: skip
    return made


def scenario_files(folder: Folder) -> dict[str, Path]:
    """Name the scenario of each simulated board there is."""
    return {
        f"{WORKSHOP}/{SKETCHES[sketch]}": file
        for sketch, file in _scenario_paths(folder).items()
        if file.exists()
    }


def _scenario_paths(folder: Folder) -> dict[str, Path]:
    return {sketch: folder.agent(WORKSHOP) / f"{sketch}.toml" for sketch in SKETCHES}


def _port(folder: Folder, sketch: str) -> Path:
    return folder.run / f"tty-{sketch}"


def _boards(folder: Folder) -> str:
    return "".join(
        f'\n[[source]]\nkind = "arduino"\nname = "{name}"\nport = "{_port(folder, sketch)}"\n'
        for sketch, name in SKETCHES.items()
    )


def _machine() -> str:
    kinds = ["host"]
    for kind, where in (
        ("thermal", "/sys/class/thermal/thermal_zone*"),
        ("hwmon", "/sys/class/hwmon/hwmon*"),
    ):
        if any(Path("/").glob(where.lstrip("/"))):
            kinds.append(kind)
    return "".join(
        f'\n[[source]]\nkind = "{kind}"\nname = "{kind}"\ninterval_s = 1.0\n' for kind in kinds
    )
