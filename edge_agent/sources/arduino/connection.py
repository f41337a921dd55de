"""One open port, from the first byte to the last: lines to readings, and commands back."""

import logging
import threading
import time
from types import TracebackType
from typing import Self

from edge_agent.sources.announced import Announced
from edge_agent.sources.api import Board as Introduction
from edge_agent.sources.api import Channel, Context, Reading, SourceFailed
from edge_agent.sources.arduino.board import Board, Description, Values
from edge_agent.sources.arduino.clock import WallClock
from edge_agent.sources.arduino.port import Port
from edge_agent.sources.arduino.settings import Settings
from edge_agent.sources.arduino.sketches import SketchReader
from edge_agent.sources.names import distinct, slug
from wire.names import is_channel_name
from wire.serial_line import (
    Answer,
    ChannelLine,
    Greeting,
    LineReader,
    LineRefused,
    Log,
    Sample,
    decode_line,
    encode_line,
)
from wire.units import is_registered

IDENTIFY = "identify"
_MOST_CHANNELS = 64
"""Of a sketch that describes nothing: more names than this are noise."""
_UNREADABLE_LINES = 100
_SILENT_INTERVALS = 5
_SILENT_AT_LEAST_US = 10_000_000
_LEVELS = {"info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}

log = logging.getLogger(__name__)


class Connection:
    """Reads a port step by step. Owns it: close the connection, or use it in `with`."""

    def __init__(self, port: Port, settings: Settings, context: Context) -> None:
        self._port = port
        self._settings = settings
        self._context = context
        self._lines = LineReader()
        self._board = Board(settings.interval_ms, context.count)
        self._sketch = SketchReader()
        self._announced = Announced(context)
        self._wall = WallClock(context.now_utc, _monotonic)
        self._first_line = True
        # With `auto` any other device may be at the other end: only a board that greets is read.
        self._speaks_protocol = settings.port == "auto"
        self._channels: list[Channel] = []
        self._unreadable = 0
        self._last_line = _monotonic()
        self._asked_for_life = False
        self.identified = threading.Event()
        """The board has answered that it blinks."""

    @property
    def path(self) -> str:
        """The port's path."""
        return self._port.path

    @property
    def greeted(self) -> bool:
        """Whether a board that speaks the protocol is at the other end."""
        return self._board.speaks

    def step(self, seconds: float) -> None:
        """Listen for at most so long, and answer. Raises Unplugged, and SourceFailed."""
        for command in self._commands(_monotonic()):
            self._port.write(encode_line(command))
        data = self._port.read(seconds)
        if not data:
            return
        arrived = _monotonic()
        self._wall.look()
        overlong, garbage = self._lines.overlong, self._lines.garbage
        readings: list[Reading] = []
        for line in self._lines.feed(data):
            readings += self._read(line, arrived)
        self._count_unreadable(
            self._lines.overlong - overlong + self._lines.garbage - garbage, "garbage"
        )
        if readings:
            self._context.emit(readings)

    def identify(self) -> None:
        """Have the board blink; see `identified`."""
        self.identified.clear()
        self._board.order(IDENTIFY)

    def close(self) -> None:
        """Give the port free."""
        self._port.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _commands(self, now: int) -> list[str]:
        description = self._board.description
        if description is not None:
            patience = max(
                _SILENT_INTERVALS
                * 1000
                * max(self._settings.interval_ms or 0, description.greeting.interval_ms),
                _SILENT_AT_LEAST_US,
            )
            silent = now - self._last_line
            if silent > 2 * patience and self._asked_for_life:
                reason = f"the board on {self.path} has been silent for {silent // 1_000_000} s"
                raise SourceFailed(reason, "Press its reset button, or unplug it and plug it in")
            if silent > patience and not self._asked_for_life:
                self._asked_for_life = True
                self._board.ask_again()
        elif self._announced and not self._speaks_protocol:
            return []  # a sketch that knows no commands
        return self._board.due(now)

    def _read(self, line: bytes, arrived: int) -> list[Reading]:
        first, self._first_line = self._first_line, False
        try:
            decoded = decode_line(line)
        except LineRefused as refused:
            if first:
                return []  # perhaps only the tail of a line: that of 21.5 looks like 1.5
            if refused.reason == "form":
                return self._read_of_sketch(line, arrived)
            self._speaks_protocol = True
            self._count_unreadable(1, "bad_crc" if refused.reason == "crc" else "bad_fields")
            return []
        self._speaks_protocol = True
        self._unreadable = 0
        self._last_line = arrived
        self._asked_for_life = False
        match decoded:
            case Greeting():
                self._board.greet(decoded)
            case ChannelLine():
                description = self._board.describe(decoded)
                if description is not None:
                    self._describe(description)
                    return [r for values in self._board.held() for r in self._readings(values)]
            case Sample():
                values = self._board.take(decoded, arrived)
                return self._readings(values) if values else []
            case Log():
                log.log(_LEVELS[decoded.level], "%s: %s", self._settings.name, decoded.text)
            case Answer():
                if decoded.command == IDENTIFY:
                    self.identified.set()
                if self._board.answer(decoded):
                    log.warning(
                        "%s: the board refuses %r: %s",
                        self._settings.name,
                        decoded.command,
                        decoded.error,
                    )
        return []

    def _describe(self, description: Description) -> None:
        names = distinct(self._channel(c.name) for c in description.channels)
        self._channels = [
            Channel(name, c.label, c.unit, c.minimum, c.maximum)
            for name, c in zip(names, description.channels, strict=True)
        ]
        for channel in self._channels:
            self._note_unit(channel)
        greeting = description.greeting
        self._context.describe(
            self._channels, Introduction(greeting.sketch, greeting.version, greeting.board)
        )

    def _readings(self, values: Values) -> list[Reading]:
        time_utc = self._wall.utc(values.taken)
        return [
            Reading(channel.channel, time_utc, value, channel.unit)
            for channel, value in zip(self._channels, values.values, strict=True)
            if value is not None
        ]

    def _read_of_sketch(self, line: bytes, arrived: int) -> list[Reading]:
        """Read what is not of the protocol, unless the board speaks it: then it is damage."""
        found = None if self._speaks_protocol else self._sketch.read(line.decode())
        if found is None:
            self._count_unreadable(1, "garbage" if self._speaks_protocol else "words")
            return []
        self._unreadable = 0
        time_utc = self._wall.utc(arrived)
        channels = []
        readings = []
        for label, value, unit in found:
            name = self._channel(label)
            if name not in self._announced and len(self._announced) >= _MOST_CHANNELS:
                self._context.count("too_many_channels")
            elif value is None:
                self._context.count("bad_values")
            else:
                channels.append(Channel(name, label, unit))
                readings.append(Reading(name, time_utc, value, unit))
        new = [c for c in channels if c.channel not in self._announced]
        for channel in new:
            self._note_unit(channel)
        self._announced.include(new)
        return readings

    def _channel(self, name: str) -> str:
        full = f"{self._settings.name}/{name}"
        if is_channel_name(full):
            return full
        return f"{self._settings.name}/" + "/".join(map(slug, name.split("/")[:2]))

    def _note_unit(self, channel: Channel) -> None:
        if channel.unit and not is_registered(channel.unit):
            self._context.count("unknown_units")
            log.info("%s: unit %r is none of SenML's; it is kept", channel.channel, channel.unit)

    def _count_unreadable(self, n: int, counter: str) -> None:
        if n == 0:
            return
        self._context.count(counter, n)
        if counter != "words":
            self._unreadable += n
        if self._unreadable > _UNREADABLE_LINES:
            reason = f"nothing of what arrives on {self.path} can be read"
            advice = f"Check that the sketch prints at {self._settings.baud} baud, or set `baud`"
            raise SourceFailed(reason, advice)


def _monotonic() -> int:
    return time.monotonic_ns() // 1000
