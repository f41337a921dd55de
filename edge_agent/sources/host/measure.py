"""What two looks at the kernel's counters say."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeVar

from edge_agent.sources.host.proc import CPU_STATES, Disk, Interface
from edge_agent.sources.host.rates import busy_share, growth
from edge_agent.sources.names import slug

_REAL_DISK = re.compile(r"(sd|vd|xvd|hd)[a-z]+|nvme\d+n\d+|mmcblk\d+")
_VIRTUAL_INTERFACE = re.compile(r"(lo|veth|docker|br-|virbr|ifb|dummy|cni|flannel|cali)")

Device = TypeVar("Device", Disk, Interface)


class Look(NamedTuple):
    """All that was read at one instant; what could not be read is None or left out."""

    at: float
    """Seconds on the monotonic clock."""
    cpu: tuple[int, ...] | None
    memory: Mapping[str, int]
    load: tuple[float, float, float] | None
    disks: Mapping[str, Disk]
    interfaces: Mapping[str, Interface]
    space: Mapping[str, tuple[int, int]]
    """Bytes used and bytes that users may still have, by mount point."""


class Measured(NamedTuple):
    """A value of a channel, its name still without that of the source."""

    what: str
    label: str
    unit: str
    value: float


def measure(
    before: Look | None,
    after: Look,
    *,
    cpu_states: bool,
    disks: Sequence[str] | None,
    interfaces: Sequence[str] | None,
    count: Callable[[str], None],
) -> list[Measured]:
    """Return what is known now: levels from `after` alone, rates only if there was a look before.

    `disks` and `interfaces` name those wanted, None all real ones. `count` is told of resets.
    """
    measured = [*_memory(after.memory), *_load(after.load), *_space(after.space)]
    if before is None:
        return measured
    seconds = after.at - before.at
    if before.cpu and after.cpu:
        measured += _cpu(before.cpu, after.cpu, cpu_states=cpu_states)
    for name, disk in _grown(before.disks, after.disks, count):
        if name in disks if disks is not None else _REAL_DISK.fullmatch(name):
            measured += _disk(name, disk, seconds)
    for name, interface in _grown(before.interfaces, after.interfaces, count):
        if name in interfaces if interfaces is not None else not _VIRTUAL_INTERFACE.match(name):
            measured += _interface(name, interface, seconds)
    return measured


def _cpu(before: Sequence[int], after: Sequence[int], *, cpu_states: bool) -> Iterator[Measured]:
    shares = busy_share(before, after)
    if shares is None:
        return
    idle = shares[3] + shares[4]
    yield Measured("cpu", "CPU busy", "%", 100 * (1 - idle))
    if cpu_states:
        for state, share in zip(CPU_STATES, shares, strict=True):
            yield Measured(f"cpu/{state}", f"CPU {state}", "%", 100 * share)


def _memory(sizes: Mapping[str, int]) -> Iterator[Measured]:
    total, available = sizes.get("MemTotal"), sizes.get("MemAvailable")
    if total and available is not None:
        yield Measured("memory", "Memory used", "%", 100 * (1 - available / total))
        yield Measured("memory/available", "Memory available", "B", available)
    swap, swap_free = sizes.get("SwapTotal"), sizes.get("SwapFree")
    if swap and swap_free is not None:
        yield Measured("swap", "Swap used", "%", 100 * (1 - swap_free / swap))


def _load(load: tuple[float, float, float] | None) -> Iterator[Measured]:
    if load:
        for minutes, value in zip((1, 5, 15), load, strict=True):
            yield Measured(f"load/{minutes}m", f"Load over {minutes} min", "", value)


def _space(space: Mapping[str, tuple[int, int]]) -> Iterator[Measured]:
    for mount, (used, available) in space.items():
        name = "root" if mount == "/" else slug(mount)
        if used + available:
            share = 100 * used / (used + available)
            yield Measured(f"disk/{name}", f"{mount} used", "%", share)
            yield Measured(f"disk/{name}/available", f"{mount} available", "B", available)


def _disk(name: str, grown: Disk, seconds: float) -> Iterator[Measured]:
    what = f"io/{slug(name)}"
    yield Measured(f"{what}/read", f"{name} read", "B/s", grown.read_bytes / seconds)
    yield Measured(f"{what}/written", f"{name} written", "B/s", grown.written_bytes / seconds)
    busy = min(grown.busy_ms / (10 * seconds), 100.0)
    yield Measured(f"{what}/busy", f"{name} busy", "%", busy)


def _interface(name: str, grown: Interface, seconds: float) -> Iterator[Measured]:
    what = f"net/{slug(name)}"
    yield Measured(f"{what}/in", f"{name} received", "B/s", grown.in_bytes / seconds)
    yield Measured(f"{what}/out", f"{name} sent", "B/s", grown.out_bytes / seconds)
    faults = grown.in_faults + grown.out_faults
    yield Measured(f"{what}/faults", f"{name} errors and drops", "1/s", faults / seconds)


def _grown(
    before: Mapping[str, Device], after: Mapping[str, Device], count: Callable[[str], None]
) -> Iterator[tuple[str, Device]]:
    """Go through the devices that were there both times, with what their counters grew by."""
    for name, now in after.items():
        then = before.get(name)
        if then is None:
            continue
        grown = growth(then, now)
        if grown is None:
            count("counter_resets")
        else:
            yield name, type(now)(*grown)
