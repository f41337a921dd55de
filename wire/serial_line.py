"""The serial line between board and agent, as docs/protocols.md defines it; no port here.

A line is `<fields>*<CRC>`; `decode_line` takes one apart, `LineReader` cuts them out of
whatever bytes a port delivers.
"""

import binascii
import math
import re
from collections.abc import Callable, Sequence

import msgspec

from wire.errors import WireError
from wire.names import is_channel_name

VERSION = 1
MAX_LINE = 240
"""Characters of a line of the protocol, its end not counted."""
LEVELS = ("info", "warning", "error")

_COUNTER_MAX = 2**32 - 1
_FORM = re.compile(rb"([ -)+-~]*)\*([0-9A-F]{4})")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_COUNT = re.compile(r"\d{1,10}", re.ASCII)


class LineRefused(WireError):
    """A line is not of the protocol; `reason` is one of `form`, `crc`, `fields`.

    `form`: it has no CRC, so another reader may know it. `crc`: it was damaged on its way.
    `fields`: the CRC is right and the fields are not; board and agent speak differently.
    """

    def __init__(self, reason: str, detail: str, line: bytes) -> None:
        super().__init__(f"{reason}: {detail}: {line[:MAX_LINE]!r}")
        self.reason = reason
        self.detail = detail
        self.line = line


class Greeting(msgspec.Struct, frozen=True):
    """What a board says at start and on `hello`; `channels` is the number of C lines to come."""

    sketch: str
    version: str
    board: str
    interval_ms: int
    channels: int
    running: bool


class ChannelLine(msgspec.Struct, frozen=True):
    """What a board says of one of its channels."""

    index: int
    name: str
    unit: str
    minimum: float | None
    maximum: float | None
    label: str


class Sample(msgspec.Struct, frozen=True, gc=False):
    """One value a channel, None where there is no reading; both counters wrap at 2^32."""

    sequence: int
    board_ms: int
    values: tuple[float | None, ...]


class Log(msgspec.Struct, frozen=True):
    """A board's word for people."""

    board_ms: int
    level: str
    text: str


class Answer(msgspec.Struct, frozen=True):
    """A board's answer to a command; `error` is None if it was carried out."""

    command: str
    error: str | None


Line = Greeting | ChannelLine | Sample | Log | Answer


def crc(data: bytes) -> int:
    """CRC-16/XMODEM: polynomial 0x1021, initial value 0, not reflected."""
    return binascii.crc_hqx(data, 0)


def encode_line(text: str) -> bytes:
    """Append CRC and line end; raises WireError if the text does not fit a line."""
    line = text.encode("ascii", "replace")
    if not text.isascii() or not text.isprintable() or "*" in text or len(line) + 5 > MAX_LINE:
        msg = f"{text[:MAX_LINE]!r} does not fit a line: printable ASCII without '*', at most 235"
        raise WireError(msg)
    return b"%b*%04X\n" % (line, crc(line))


def decode_line(line: bytes) -> Line:
    r"""Decode one line, with or without its `\r\n`; raises LineRefused."""
    line = line.rstrip(b"\r\n")
    form = _FORM.fullmatch(line)
    if form is None:
        raise LineRefused("form", "it does not end in '*' and four hexadecimal digits", line)
    if len(line) > MAX_LINE:
        raise LineRefused("form", f"it has more than {MAX_LINE} characters", line)
    body, said = form.groups()
    if int(said, 16) != crc(body):
        raise LineRefused("crc", f"its CRC is {crc(body):04X}", line)
    kind, *fields = body.decode("ascii").split(",")
    decoder = _DECODERS.get(kind)
    if decoder is None:
        raise LineRefused("fields", f"no line begins with {kind[:20]!r}", line)
    try:
        return decoder(fields)
    except ValueError as error:
        raise LineRefused("fields", str(error), line) from None


class LineReader:
    """Cuts lines out of bytes that come in any pieces; holds at most one line.

    `overlong` counts lines that were dropped because they did not end in time, `garbage`
    those dropped because they are no text: not UTF-8, or with control characters.
    """

    def __init__(self, limit: int = 1024) -> None:
        self.overlong = 0
        self.garbage = 0
        self._limit = limit
        self._rest = b""
        self._skipping = False

    @property
    def pending(self) -> int:
        """Bytes of the line that is not finished."""
        return len(self._rest)

    def feed(self, data: bytes) -> list[bytes]:
        """Return the lines that are complete by now, without their ends and without empty ones."""
        lines = []
        *complete, rest = (self._rest + data).split(b"\n")
        for whole in complete:
            line = whole.removesuffix(b"\r")
            if self._skipping:
                self._skipping = False
            elif len(line) > self._limit:
                self.overlong += 1
            elif not _is_text(line):
                self.garbage += 1
            elif line:
                lines.append(line)
        if self._skipping:
            rest = b""
        elif len(rest) > self._limit + 1:
            self.overlong += 1
            self._skipping = True
            rest = b""
        self._rest = rest
        return lines

    def reset(self) -> None:
        """Forget the unfinished line, as after the port was opened anew."""
        self._rest = b""
        self._skipping = False


def _is_text(line: bytes) -> bool:
    try:
        text = line.decode()
    except UnicodeDecodeError:
        return False
    return text.replace("\t", " ").isprintable()


def _decode_greeting(fields: Sequence[str]) -> Greeting:
    _check_number_of_fields(fields, 7)
    version, sketch, release, board, interval, channels, running = fields
    if version != str(VERSION):
        msg = f"version {version} of the protocol; this agent speaks {VERSION}"
        raise ValueError(msg)
    if running not in {"0", "1"}:
        msg = f"running is {running!r}, neither 0 nor 1"
        raise ValueError(msg)
    return Greeting(sketch, release, board, _count(interval), _count(channels), running == "1")


def _decode_channel(fields: Sequence[str]) -> ChannelLine:
    _check_number_of_fields(fields, 6)
    index, name, unit, minimum, maximum, label = fields
    if not is_channel_name(name):
        msg = f"{name!r} is no name for a channel"
        raise ValueError(msg)
    return ChannelLine(_count(index), name, unit, _number(minimum), _number(maximum), label)


def _decode_sample(fields: Sequence[str]) -> Sample:
    if len(fields) < 2:
        msg = "a sample has a sequence number and milliseconds at least"
        raise ValueError(msg)
    sequence, board_ms, *values = fields
    return Sample(_count(sequence), _count(board_ms), tuple(map(_number, values)))


def _decode_log(fields: Sequence[str]) -> Log:
    _check_number_of_fields(fields, 3)
    board_ms, level, text = fields
    if level not in LEVELS:
        msg = f"the level is {level!r}, none of {', '.join(LEVELS)}"
        raise ValueError(msg)
    return Log(_count(board_ms), level, text)


def _decode_answer(fields: Sequence[str]) -> Answer:
    match fields:
        case [command, "ok"]:
            return Answer(command, None)
        case [command, "error", text]:
            return Answer(command, text)
    msg = "an answer is <command>,ok or <command>,error,<text>"
    raise ValueError(msg)


def _check_number_of_fields(fields: Sequence[str], expected: int) -> None:
    if len(fields) != expected:
        msg = f"{len(fields)} fields instead of {expected}"
        raise ValueError(msg)


def _count(text: str) -> int:
    if not _COUNT.fullmatch(text) or int(text) > _COUNTER_MAX:
        msg = f"{text!r} is no integer of 32 bits"
        raise ValueError(msg)
    return int(text)


def _number(text: str) -> float | None:
    if not text:
        return None
    if not _NUMBER.fullmatch(text) or not math.isfinite(number := float(text)):
        msg = f"{text!r} is no decimal number"
        raise ValueError(msg)
    return number


_DECODERS: dict[str, Callable[[Sequence[str]], Line]] = {
    "F": _decode_greeting,
    "C": _decode_channel,
    "S": _decode_sample,
    "L": _decode_log,
    "A": _decode_answer,
}
