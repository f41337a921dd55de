"""Texts of /proc, taken apart. The formats are those of proc(5) and the kernel's iostats.rst.

Each function raises ValueError (or LookupError) if the text is not what the kernel documents.
"""

from typing import NamedTuple

CPU_STATES = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")

_SECTOR = 512
"""Sectors in /proc/diskstats have 512 bytes whatever the disk's own size of a sector."""


class Disk(NamedTuple):
    """What a disk has done since it appeared."""

    reads: int
    read_bytes: int
    writes: int
    written_bytes: int
    busy_ms: int


class Interface(NamedTuple):
    """What has gone through a network interface since it appeared."""

    in_bytes: int
    in_packets: int
    in_faults: int
    out_bytes: int
    out_packets: int
    out_faults: int


def cpu_ticks(stat: str) -> tuple[int, ...]:
    """Return the ticks of all CPUs together in each of CPU_STATES, from /proc/stat.

    Guests' time is part of user and nice, so it is left out.
    """
    first, *numbers = stat.partition("\n")[0].split()
    if first != "cpu":
        msg = f"/proc/stat begins with {first!r}, not with 'cpu'"
        raise ValueError(msg)
    ticks = [int(n) for n in numbers[: len(CPU_STATES)]]
    return tuple(ticks + [0] * (len(CPU_STATES) - len(ticks)))


def memory(meminfo: str) -> dict[str, int]:
    """Return the bytes that /proc/meminfo says, by its own names."""
    sizes = {}
    for line in meminfo.splitlines():
        name, _, rest = line.partition(":")
        words = rest.split()
        if words[1:] == ["kB"]:
            sizes[name] = int(words[0]) * 1024
    return sizes


def load(loadavg: str) -> tuple[float, float, float]:
    """Return the load over 1, 5 and 15 minutes, from /proc/loadavg."""
    one, five, fifteen = loadavg.split()[:3]
    return float(one), float(five), float(fifteen)


def disks(diskstats: str) -> dict[str, Disk]:
    """Return the counters of each block device, partitions included, from /proc/diskstats."""
    found = {}
    for line in diskstats.splitlines():
        words = line.split()
        if len(words) < 14:
            continue
        n = [int(w) for w in words[3:14]]
        found[words[2]] = Disk(n[0], n[2] * _SECTOR, n[4], n[6] * _SECTOR, n[9])
    return found


def interfaces(net_dev: str) -> dict[str, Interface]:
    """Return the counters of each network interface, from /proc/net/dev."""
    found = {}
    for line in net_dev.splitlines()[2:]:
        name, _, rest = line.rpartition(":")
        n = [int(w) for w in rest.split()]
        found[name.strip()] = Interface(n[0], n[1], n[2] + n[3], n[8], n[9], n[10] + n[11])
    return found
