"""Keeps the process small: glibc would give each thread an arena and keep what startup used."""

import ctypes
import importlib
import sys
from types import ModuleType
from typing import Any

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


def load_later(name: str) -> None:
    """Have a submodule loaded when something of it is used for the first time, not when imported.

    For what a library imports at its top and does not use here.
    """
    if name in sys.modules:
        return
    stand_in = ModuleType(name)

    def load(attribute: str) -> Any:
        if sys.modules.get(name) is stand_in:
            del sys.modules[name]
        return getattr(importlib.import_module(name), attribute)

    stand_in.__getattr__ = load  # type: ignore[method-assign]  # PEP 562
    sys.modules[name] = stand_in
    parent, _, child = name.rpartition(".")
    setattr(importlib.import_module(parent), child, stand_in)
