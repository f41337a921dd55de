"""All connections to one server, and the inbox that they fill."""

from collections.abc import Callable
from typing import Protocol

import msgspec

from control_panel.client import trust
from control_panel.client.api import Api
from control_panel.client.connections import Asked
from control_panel.client.events import Events
from control_panel.client.inbox import Inbox
from control_panel.client.live import Live
from control_panel.client.serial_monitor import SERIAL, Serial
from control_panel.client.servers import Server, Servers


class Hearing(Protocol):
    """A thread that puts into an inbox what devices send."""

    def start(self) -> None:
        """Begin."""
        ...

    def stop(self) -> None:
        """End without waiting."""
        ...


class Session:
    """Opened once and closed once; it connects again by itself whenever it must.

    All that a panel knows comes through it; `connections`, `hearing` and `serial` say where from
    if not from a server, its broker and this computer's ports.
    """

    def __init__(
        self,
        server: Server,
        token: str,
        *,
        connections: Asked | None = None,
        hearing: Callable[[Api, Inbox], Hearing] = Live,
        serial: Serial = SERIAL,
    ) -> None:
        """Raises NotTrusted if the server's CA is unusable."""
        self.server = server
        self.is_recorded = connections is not None
        """Whether it is a demonstration, and no server is there."""
        self.serial = serial
        self.api = Api(server.url, server.ca, token, connections=connections)
        self.clock = self.api.connections.clock
        self.inbox = Inbox()
        self._kept = True
        self._events = Events(self.api, self.inbox)
        self._live = hearing(self.api, self.inbox)

    def open(self) -> None:
        """Begin to listen; returns at once."""
        self._events.start()
        self._live.start()

    def close(self) -> None:
        """End; returns at once, the threads end on their own."""
        self._events.stop()
        self._live.stop()
        self.api.close()

    def keep_trust(self, servers: Servers) -> None:
        """Ask whom the server trusts now, and keep that: while its CA is rotated there are two.

        To be asked in a worker, when the session begins and at events of kind `ca`.
        Raises ClientError.
        """
        renewed = trust.renewed(self.api.connections)
        if renewed != self.server.ca:
            # Believed first: whether the disk takes it or not, this session goes on.
            self.api.connections.trust(renewed)
            self.server = msgspec.structs.replace(self.server, ca=renewed)
            self._kept = False
        if not self._kept:
            servers.use(self.server)
            self._kept = True
