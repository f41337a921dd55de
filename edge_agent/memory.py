"""Keeps the process small: glibc would give each thread an arena and keep what startup used."""

import ctypes

_M_ARENA_MAX = -8


def be_small() -> None:
    """Use one arena for all threads (mallopt(3)); does nothing where the C library has no such."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, 1)


def give_back() -> None:
    """Return to the system what importing and starting has freed (malloc_trim(3))."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
