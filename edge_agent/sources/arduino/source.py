import logging
import threading
import time

from edge_agent.sources.api import Context, SourceFailed
from edge_agent.sources.arduino.connection import Connection
from edge_agent.sources.arduino.port import BY_ID, Port, Unplugged, list_ports
from edge_agent.sources.arduino.settings import Settings

_LISTEN_S = 0.2
"""How long one look at the port takes at most, and so how soon the source stops."""
_BOOT_S = 5.0
"""Opening its port resets an Uno; its boot loader then waits up to two seconds."""
_IDENTIFY_S = 7.0
"""A command is sent three times, two seconds apart."""

log = logging.getLogger(__name__)


class ArduinoSource:
    """Reads one board until its port goes away, which is a failure: it is looked for again."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._connection: Connection | None = None
        self._to_identify = threading.Event()

    def identify(self) -> None:
        """Have the board blink; waits for its answer."""
        connection = self._connection
        if connection is None or not connection.greeted:
            reason = "no board with the library Fieldline is connected"
            raise SourceFailed(reason, "Plug it in, and see the state of the source")
        connection.identified.clear()
        self._to_identify.set()
        if not connection.identified.wait(_IDENTIFY_S):
            reason = f"the board on {connection.path} does not answer to `identify`"
            raise SourceFailed(reason, "Load its sketch anew, with the library of this version")

    def run(self, context: Context) -> None:
        """Read until the agent stops."""
        connection = self._connect(context)
        if connection is None:
            return
        with connection:
            self._connection = connection
            try:
                while not context.stopping.is_set():
                    if self._to_identify.is_set():
                        self._to_identify.clear()
                        connection.identify()
                    connection.step(_LISTEN_S)
            except Unplugged:
                reason = f"the board on {connection.path} was unplugged"
                raise SourceFailed(reason, "It is read again as soon as it is back") from None

    def _connect(self, context: Context) -> Connection | None:
        if self._settings.port != "auto":
            return self._open(self._settings.port, context)
        outcomes = []
        for path in list_ports(BY_ID):
            try:
                connection = self._open(path, context)
            except SourceFailed as failed:
                outcomes.append(failed.reason)
                continue
            if self._answers(connection, context):
                return connection
            connection.close()
            if context.stopping.is_set():
                return None
            outcomes.append(f"{path} did not answer to `hello`")
        if not outcomes:
            reason = f"no serial port in {BY_ID}"
            raise SourceFailed(reason, "Plug the board in")
        reason = f"no board found: {'; '.join(outcomes)}"
        advice = "Load a sketch with the library Fieldline, or name the `port` to read any sketch"
        raise SourceFailed(reason, advice)

    def _open(self, path: str, context: Context) -> Connection:
        return Connection(Port(path, self._settings.baud), self._settings, context)

    def _answers(self, connection: Connection, context: Context) -> bool:
        end = time.monotonic() + _BOOT_S
        try:
            while time.monotonic() < end and not context.stopping.is_set():
                connection.step(_LISTEN_S)
                if connection.greeted:
                    return True
        except (Unplugged, SourceFailed) as error:
            log.info("%s: %s", connection.path, error)
        return False
