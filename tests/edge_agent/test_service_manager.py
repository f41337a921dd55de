from __future__ import annotations

import socket
from pathlib import Path

from edge_agent.service_manager import ServiceManager


def heard(listener: socket.socket) -> str:
    return listener.recv(4096).decode()


def test_systemd_hears_ready_alive_and_stopping(tmp_path: Path) -> None:
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(address)
        listener.settimeout(5)
        manager = ServiceManager({"NOTIFY_SOCKET": address})
        manager.ready()
        manager.alive("connected,\n3 packs held")
        manager.stopping()
        said = [heard(listener) for _ in range(3)]
    assert said == ["READY=1", "WATCHDOG=1\nSTATUS=connected, 3 packs held", "STOPPING=1"]


def test_an_abstract_socket_is_reached() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind("\0fieldline-test-notify")
        listener.settimeout(5)
        ServiceManager({"NOTIFY_SOCKET": "@fieldline-test-notify"}).ready()
        assert heard(listener) == "READY=1"


def test_without_a_service_manager_nothing_is_said(tmp_path: Path) -> None:
    ServiceManager({}).ready()
    ServiceManager({"NOTIFY_SOCKET": str(tmp_path / "gone")}).ready()
