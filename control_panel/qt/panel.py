"""What a view is given."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from control_panel.client.api import Api
from control_panel.client.serial_monitor import SERIAL, Serial
from control_panel.model.actions import Registry
from control_panel.model.broadcast import Broadcast
from control_panel.model.fleet import Fleet
from control_panel.model.history import History
from control_panel.model.live import Live
from control_panel.model.places import Place
from control_panel.qt.dashboards import Dashboards
from control_panel.qt.door import Door

__all__ = ["Panel", "Place"]


@dataclass(frozen=True)
class Panel:
    """One server, as one person; `clock` is aware and in UTC, `role` viewer, operator or admin."""

    api: Api
    """Asked only through the door."""
    live: Live
    fleet: Fleet
    events: Broadcast
    registry: Registry
    history: History
    door: Door
    dashboards: Dashboards
    clock: Callable[[], datetime]
    goto: Callable[[Place], None]
    role: str
    serial: Serial = SERIAL
