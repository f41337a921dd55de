"""What this machine knows of the time: its wall clock, whether that is right, its boot."""

import ctypes
import time
from collections.abc import Callable
from pathlib import Path

from wire.reading import TimeQuality

EARLIEST_UTC = 1_704_067_200_000_000
"""2024-01-01: a wall clock before it has never been set (a Pi has no battery clock)."""

_STA_UNSYNC = 0x0040
_TIME_ERROR = 5
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_TIMESYNCD = Path("/run/systemd/timesync/synchronized")


class _Timex(ctypes.Structure):
    """The head of `struct timex` (linux/timex.h); the kernel fills 208 bytes at most."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


def kernel_synced() -> bool:
    """Say whether the kernel holds its clock for synchronised (adjtimex(2), read only)."""
    timex = _Timex()
    state: int = ctypes.CDLL(None).adjtimex(ctypes.byref(timex))
    return state not in {-1, _TIME_ERROR} and not timex.status & _STA_UNSYNC


def synced() -> bool:
    """Say whether something keeps this machine's clock right."""
    return kernel_synced() or _TIMESYNCD.exists()


def boot_id() -> str:
    """Return the identifier of this run of the kernel; empty where there is none."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""


_EARLIEST_SENT_UTC = 946_684_800_000_000
"""2000-01-01: no pack holds a time before it, so such a one is that of an unset clock."""
_AHEAD_US = 1_000_000


class Clock:
    """The wall clock with its quality; both sources of time are given, so tests set them."""

    def __init__(
        self,
        *,
        now_utc: Callable[[], int] = lambda: time.time_ns() // 1000,
        boot_time: Callable[[], int] = lambda: time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000,
        is_synced: Callable[[], bool] = synced,
        boot: str | None = None,
    ) -> None:
        self.now_utc = now_utc
        """µs since 1970."""
        self.boot_time = boot_time
        """µs since boot, sleep included; never jumps."""
        self.boot = boot_id() if boot is None else boot
        self._is_synced = is_synced
        self._quality = TimeQuality.ESTIMATED
        self._asked_at = -10_000_000
        self._unset: tuple[int, ...] = ()
        self.stamp()

    def is_known(self) -> bool:
        """Say whether the clock has been set at all."""
        return self.now_utc() >= EARLIEST_UTC

    def stamp(self) -> int:
        """Return the wall clock for a reading, noting by how much an unset one is off."""
        now = self.now_utc()
        if now < EARLIEST_UTC:
            offset = now - self.boot_time()
            if not any(abs(offset - known) < _AHEAD_US for known in self._unset):
                self._unset = (offset, *self._unset)
        return now

    def was_unset(self) -> bool:
        """Say whether this clock ever was seen not to be set."""
        return bool(self._unset)

    def unset_offset(self, time_utc: int) -> int | None:
        """Return what the clock, not set, said more than the boot time when it gave this time.

        None for a time of the clock after it was set, or of another origin (a recording). The
        clock may have been set since, and may have been wrong in more than one way before.
        """
        boot_time = self.boot_time()
        for offset in self._unset:
            if offset <= time_utc <= offset + boot_time + _AHEAD_US:
                return offset
        if self._unset and time_utc < _EARLIEST_SENT_UTC:
            offset = min(self._unset)  # counted back from now, further than the boot
            return offset if time_utc <= offset + boot_time + _AHEAD_US else None
        return None

    def quality(self) -> TimeQuality:
        """Return the quality of times taken now; asked anew every few seconds."""
        now = self.boot_time()
        if now - self._asked_at >= 5_000_000:
            self._asked_at = now
            self._quality = TimeQuality.SYNCED if self._is_synced() else TimeQuality.ESTIMATED
        return self._quality
