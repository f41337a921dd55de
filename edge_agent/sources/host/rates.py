"""From the kernel's counters to rates, without ever inventing one."""

from collections.abc import Sequence

_WRAP = 1 << 32


def growth(before: Sequence[int], after: Sequence[int]) -> tuple[int, ...] | None:
    """Return by how much the counters of one device grew; None if that cannot be known.

    Counters of 32 bit (old network drivers, the milliseconds in /proc/diskstats) wrap around; a
    device that was taken away and came back begins at zero. Both look like a fall. What tells them
    apart are the device's other counters: after a wrap they have gone on, after a reset they have
    fallen too.
    """
    fallen = [i for i in range(len(before)) if after[i] < before[i]]
    if not fallen:
        return tuple(a - b for a, b in zip(after, before, strict=True))
    wrapped = fallen[0]
    witnesses = [b for i, b in enumerate(before) if i != wrapped and b > 0]
    if len(fallen) > 1 or not witnesses or not _WRAP // 2 <= before[wrapped] < _WRAP:
        return None
    return tuple(
        a - b + (_WRAP if i == wrapped else 0)
        for i, (a, b) in enumerate(zip(after, before, strict=True))
    )


def busy_share(before: Sequence[int], after: Sequence[int]) -> tuple[float, ...] | None:
    """Return the share of time that CPUs spent in each state between two lines of /proc/stat.

    Takes the ticks of `proc.CPU_STATES`. None if no time passed or a counter fell, as it does when
    a CPU is taken out. Idle time and waiting for IO are counted loosely by the kernel
    (proc(5): iowait may fall), so only their sum must not have fallen.
    """
    grown = [a - b for a, b in zip(after, before, strict=True)]
    idle = grown[3] + grown[4]
    if idle < 0 or any(ticks < 0 for i, ticks in enumerate(grown) if i not in {3, 4}):
        return None
    grown[4] = min(max(grown[4], 0), idle)
    grown[3] = idle - grown[4]
    total = sum(grown)
    if total == 0:
        return None
    return tuple(ticks / total for ticks in grown)
