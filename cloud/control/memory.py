"""Keeps the process small.

glibc maps a large block (M_MMAP_THRESHOLD, 128 KiB) by itself and gives it back when it is freed,
but raises that bound to the size of each such block that was freed. Each TLS connection has a
buffer of 256 KiB: after the first, all of them come from the heap, which then never shrinks (28 MB
more after fifty connections at once). A bound that was set stays as it is.
"""

import ctypes

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # malloc.h
_LARGE = 128 * 1024


def be_small() -> None:
    """Tell the C library (mallopt(3)); does nothing where it has no such function."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGE)
        mallopt(_M_TRIM_THRESHOLD, _LARGE)
        mallopt(_M_ARENA_MAX, 1)
