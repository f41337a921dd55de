"""The virtual screen of the panel's tests."""

from __future__ import annotations

from tests.control_panel.qt.conftest import screen

__all__ = ["screen"]
