"""What `fieldline up` and `fieldline status` show."""

import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from cloud.stack import words
from cloud.stack.demo import scenario_files
from cloud.stack.folder import Folder, find
from cloud.stack.plan import Plan
from cloud.stack.probes import Device, Newest
from cloud.stack.states import State
from cloud.stack.status import StackStatus, Stage

_COLOUR = {
    State.RUNNING: "green",
    State.STARTING: "yellow",
    State.STALLED: "bold red",
    State.FAILED: "bold red",
    State.STOPPED: "dim",
}
_MOST_CHANNELS = 12
_MOST_DEVICES = 12


def draw(seen: StackStatus, plan: Plan, folder: Folder) -> RenderableType:
    """Draw the whole of it."""
    return _picture(seen, _MOST_CHANNELS, reach(plan, folder))


def draw_within(
    seen: StackStatus, plan: Plan, folder: Folder, console: Console, lines: int
) -> RenderableType:
    """Draw as much of it as fits into so many lines: fewer readings, then no commands to copy."""
    short = Text("enlarge the window, or see `fieldline status`, for all", style="dim")
    for most, below in (
        *((most, reach(plan, folder)) for most in (_MOST_CHANNELS, 6, 3)),
        *((most, short) for most in (6, 3, 0)),
    ):
        picture = _picture(seen, most, below)
        if len(console.render_lines(picture, pad=False)) <= lines:
            break
    return picture


def _picture(seen: StackStatus, most_channels: int, below: RenderableType) -> RenderableType:
    return Group(
        _stages(seen.stages, seen.at), Text(), _devices(seen, most_channels), Text(), below
    )


def _stages(stages: Sequence[Stage], now: float) -> RenderableType:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("STAGE", no_wrap=True, min_width=9)
    table.add_column("STATE", no_wrap=True, min_width=9)
    for name in ("IN", "OUT", "WAITING", "NEWEST", "RESTARTS"):
        table.add_column(name, justify="right", no_wrap=True)
    for stage in stages:
        table.add_row(
            stage.name,
            Text(stage.state, style=_COLOUR[stage.state]),
            words.rate(stage.rate_in),
            words.rate(stage.rate_out),
            "-" if stage.lag is None else f"{stage.lag:,}",
            words.ago(stage.newest, now),
            str(stage.restarts),
        )
    reasons = [
        Text(f"{stage.name}: {stage.reason}", style=_COLOUR[stage.state])
        for stage in stages
        if stage.reason
    ]
    return Group(table, *reasons)


def _devices(seen: StackStatus, most_channels: int) -> RenderableType:
    if seen.devices_error:
        return Text(f"devices: {seen.devices_error}", style="yellow")
    if not seen.devices:
        return Text("no device yet; register one with `fieldline device add NAME`", style="dim")
    table = Table(box=None, pad_edge=False, header_style="dim", expand=True)
    table.add_column("DEVICE", no_wrap=True, overflow="ellipsis", max_width=24)
    table.add_column("STATUS", no_wrap=True)
    table.add_column("STORED", justify="right", no_wrap=True)
    table.add_column("MISSING", justify="right", no_wrap=True)
    table.add_column("NEWEST READINGS", ratio=1)
    by_device: dict[str, list[Newest]] = {}
    for newest in seen.channels:
        by_device.setdefault(newest.device, []).append(newest)
    for device in seen.devices[:_MOST_DEVICES]:
        table.add_row(
            device.device,
            Text(device.status, style="green" if device.status == "online" else "dim"),
            f"{device.stored:,}",
            Text(f"{device.missing:,}", style="red" if device.missing else ""),
            _readings(by_device.get(device.device, []), device, seen.at, most_channels),
        )
    if len(seen.devices) > _MOST_DEVICES:
        table.add_row(f"and {len(seen.devices) - _MOST_DEVICES} more", "", "", "", "")
    return table


def _readings(channels: list[Newest], device: Device, now: float, most: int) -> Text:
    text = Text()
    if not channels:
        return Text(device.reason or "none yet", style="dim")
    youngest = max(one.time for one in channels)
    if most == 0:
        return Text(f"{len(channels)} channels ({words.ago(youngest, now)})", style="dim")
    source = ""
    for one in channels[:most]:
        name = one.channel
        if "/" in name:  # what comes from one source says so once
            head, _, name = name.partition("/")
            if head != source:
                text.append(f"{head}: ", style="cyan")
            source = head
        # Words of one reading stay together when the line is broken.
        shown = words.value(one.value, one.unit).replace(" ", "\u00a0")
        text.append(f"{name}\u00a0", style="dim")
        text.append(shown)
        if youngest - one.time > 10:
            text.append(f"\u00a0({words.ago(one.time, now)})".replace(" ", "\u00a0"), style="dim")
        text.append("  ")
    if len(channels) > most:
        text.append(f"and {len(channels) - most} more  ", style="dim")
    text.append(f"({words.ago(youngest, now)})", style="dim")
    return text


def reach(plan: Plan, folder: Folder) -> RenderableType:
    """Say how to reach what there is: commands to copy."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    dashboards = plan.grafana or (
        "no Grafana on this machine: put version 9 to 12 on the PATH "
        "(grafana.com/grafana/download), and `fieldline up` runs it with its dashboards"
    )
    table.add_row("dashboards", dashboards)
    elsewhere = "" if folder == find(None) else shlex.quote(str(folder.data))
    where = f" --data {elsewhere}" if elsewhere else ""
    fieldline = _command()
    named = f"FIELDLINE_DATA={elsewhere} " if elsewhere else ""
    table.add_row("panel", f"{named}{fieldline}-panel")
    table.add_row("database", f'psql "$({fieldline} env postgres{where})"')
    table.add_row("messages", f"{fieldline} tail 'fieldline/v1/+/data'{where}")
    table.add_row("logs", str(folder.logs))
    for board, file in scenario_files(folder).items():
        table.add_row(board, f"voltages in {file}: edit them and watch")
    return table


def _command() -> str:
    """Name the command so that it can be copied: its path, if it isn't on the PATH."""
    if shutil.which("fieldline"):
        return "fieldline"
    return shlex.quote(os.path.relpath(Path(sys.executable).with_name("fieldline")))


def plain(seen: StackStatus) -> str:
    """One line, for a log file or a pipe."""
    stages = ", ".join(
        f"{stage.name} {stage.state}"
        + (f" {words.rate(stage.rate_out)}" if stage.rate_out is not None else "")
        for stage in seen.stages
    )
    online = sum(device.status == "online" for device in seen.devices)
    missing = sum(device.missing for device in seen.devices)
    devices = seen.devices_error or (
        f"{len(seen.devices)} devices, {online} online, {missing} packs missing"
    )
    return f"{stages}; {devices}"
