"""What the agent tells systemd: ready, alive, stopping. Protocol: sd_notify(3)."""

import logging
import socket
from collections.abc import Mapping

_log = logging.getLogger(__name__)


class ServiceManager:
    """Says nothing where no service manager asked for it."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        address = environment.get("NOTIFY_SOCKET", "")
        # "@" stands for the NUL of an abstract socket.
        self._address = f"\0{address[1:]}" if address.startswith("@") else address

    def ready(self) -> None:
        """All parts have been started."""
        self._say("READY=1")

    def alive(self, words: str) -> None:
        """The agent goes on; `words` are what `systemctl status` shows."""
        self._say(f"WATCHDOG=1\nSTATUS={' '.join(words.split())}")

    def stopping(self) -> None:
        """The agent ends in order."""
        self._say("STOPPING=1")

    def _say(self, text: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as plain:
                plain.sendto(text.encode(), self._address)
        except OSError as error:
            _log.warning("cannot tell systemd %s: %s", text.partition("=")[0], error.strerror)
