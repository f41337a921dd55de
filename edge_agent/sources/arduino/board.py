"""A board that speaks the serial line's protocol: what it has said, and what it is to be told.

No port here: lines go in with the time of their arrival, values come out with the time at which
they were taken, and `due` says what to send.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from edge_agent.sources.arduino.clock import BoardClock
from wire.serial_line import Answer, ChannelLine, Greeting, Sample

_HELLO_EVERY_US = 1_500_000
_ANSWER_WITHIN_US = 2_000_000
_TRIES = 3
_UNREADABLE = "?"
"""The command in a board's answer to a line that it cannot read or does not know."""
_COUNTER = 1 << 32
_MOST_HELD = 200
"""Samples that wait for the description at most."""


class Values(NamedTuple):
    """One sample: a value a channel of the description, None where there is none."""

    taken: int
    """Monotonic µs."""
    values: Sequence[float | None]


class Description(NamedTuple):
    """A greeting with all its channels, in the order of a sample's values."""

    greeting: Greeting
    channels: list[ChannelLine]


class _Pending:
    """A command that waits for its answer."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tries = 0
        self.next_try = 0


class Board:
    """One board, from the opening of its port on."""

    def __init__(self, interval_ms: int | None, count: Callable[[str, int], None]) -> None:
        self.description: Description | None = None
        self._interval_ms = interval_ms
        self._count = count
        self._clock = BoardClock()
        self._expected: int | None = None
        self._greeting: Greeting | None = None
        self._channels: dict[int, ChannelLine] = {}
        self._asked = False
        self._hello_is_out = False
        self._restarted = False
        self._to_greet = True
        self._next_hello = 0
        self._pending: list[_Pending] = []
        self._held: list[Values] = []

    @property
    def speaks(self) -> bool:
        """Whether it has greeted."""
        return self._greeting is not None

    def greet(self, greeting: Greeting) -> None:
        """Take its greeting; one that nobody asked for may mean that it has started anew."""
        self._restarted = self.speaks and not self._asked
        self._asked = False
        self._greeting = greeting
        self._channels = {}
        self._pending = []
        if self._interval_ms is not None and greeting.interval_ms != self._interval_ms:
            self._pending.append(_Pending(f"interval {self._interval_ms}"))
        if not greeting.running:
            self._pending.append(_Pending("start"))

    def describe(self, channel: ChannelLine) -> Description | None:
        """Take a channel; return the description when it is complete."""
        if self._greeting is None or channel.index >= self._greeting.channels:
            return None
        self._channels[channel.index] = channel
        if len(self._channels) < self._greeting.channels:
            return None
        channels = [self._channels[i] for i in range(self._greeting.channels)]
        self.description = Description(self._greeting, channels)
        self._to_greet = False
        return self.description

    def take(self, sample: Sample, arrived: int) -> Values | None:
        """Take a sample that arrived at monotonic µs; None if its channels are not known yet."""
        self._follow(sample)
        taken = self._clock.estimate(sample.board_ms, arrived)
        if self.description is None:
            if len(self._held) < _MOST_HELD:
                self._held.append(Values(taken, sample.values))
            else:
                self._count("unnamed_samples", 1)
            return None
        if len(sample.values) != len(self.description.channels):
            self._count("bad_fields", 1)
            self.description = None
            self.ask_again()
            return None
        return Values(taken, sample.values)

    def held(self) -> list[Values]:
        """Give out, once, the samples that came before the description and fit it."""
        held, self._held = self._held, []
        width = len(self.description.channels) if self.description else 0
        fitting = [values for values in held if len(values.values) == width]
        if len(fitting) < len(held):
            self._count("unnamed_samples", len(held) - len(fitting))
        return fitting

    def answer(self, answer: Answer) -> bool:
        """Take the answer to a command; say whether it was refused.

        One that arrived damaged is not: it is sent again, at once.
        A `hello` may arrive damaged at every start: it is sent before the board listens, which
        then hears its end alone, and says so after the greeting of its own. That is no fault.
        """
        word = answer.command.split(" ", 1)[0]
        if word != _UNREADABLE:
            self._hello_is_out = self._hello_is_out and word != "hello"
            self._pending = [p for p in self._pending if p.text.split(" ", 1)[0] != word]
            if answer.error is not None:
                self._count("refused_commands", 1)
                return True
        elif self._hello_is_out:
            self._hello_is_out = False
        else:
            self._count("damaged_commands", 1)
            for pending in self._pending:
                pending.next_try = 0
        return False

    def order(self, command: str) -> None:
        """Have `due` send a command once the board has described itself."""
        self._pending.append(_Pending(command))

    def ask_again(self) -> None:
        """Have `due` say hello until there is a new description."""
        self._to_greet = True

    def due(self, now: int) -> list[str]:
        """Return the commands to send now, monotonic µs."""
        commands = []
        if self._to_greet and now >= self._next_hello:
            commands.append("hello")
            self._asked = self._hello_is_out = True
            self._next_hello = now + _HELLO_EVERY_US
        elif not self._to_greet:
            for pending in self._pending:
                if now >= pending.next_try:
                    pending.tries += 1
                    pending.next_try = now + _ANSWER_WITHIN_US
                    if pending.tries > _TRIES:
                        self._count("unanswered_commands", 1)
                    else:
                        commands.append(pending.text)
            self._pending = [p for p in self._pending if p.tries <= _TRIES]
        return commands

    def _follow(self, sample: Sample) -> None:
        """Count lines that are missing before this one; start anew if the board has."""
        if self._expected is not None:
            missing = (sample.sequence - self._expected) % _COUNTER
            if (
                missing >= _COUNTER // 2
                or self._clock.went_back(sample.board_ms)
                or (missing and self._restarted)
            ):
                self._count("resets", 1)
                if not self._restarted:  # its greeting was lost, and with it what it is to be told
                    self.ask_again()
                self._clock.begin_anew()
                missing = sample.sequence
            if missing:
                self._count("lost_lines", missing)
        self._restarted = False
        self._expected = (sample.sequence + 1) % _COUNTER
