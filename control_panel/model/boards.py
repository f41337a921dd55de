"""Boards: what those on devices say by way of their device, and what one on this computer says."""

from collections import deque
from collections.abc import Iterable

import msgspec

from control_panel.model.live import Live
from wire.serial_line import (
    Answer,
    ChannelLine,
    Greeting,
    Line,
    LineRefused,
    Log,
    Sample,
    decode_line,
)
from wire.status import SourceStatus

_LINES = 2_000
_CHANNELS = 256
_WRAP = 2**32


class BoardRow(msgspec.Struct, frozen=True, kw_only=True):
    """A board on a device; counters count since the agent was started."""

    device: str
    source: str
    sketch: str
    version: str
    board: str
    state: str
    reason: str
    channels: int
    readings: int
    lost_lines: int
    resets: int
    counters: dict[str, int]

    @property
    def key(self) -> tuple[str, str]:
        """By what it is told from others."""
        return self.device, self.source


def board_rows(live: Live, devices: Iterable[str] | None = None) -> list[BoardRow]:
    """Return the boards of these devices, or of all, in the order of device and source."""
    rows = []
    for device in sorted(live.metas if devices is None else devices):
        meta = live.metas.get(device)
        if meta is None:
            continue
        status = live.statuses.get(device)
        sources = {one.name: one for one in (status.sources if status is not None else ())}
        for board in meta.boards:
            source = sources.get(board.source) or SourceStatus(board.source, state="stopped")
            counters = source.counters
            rows.append(
                BoardRow(
                    device=device,
                    source=board.source,
                    sketch=board.sketch,
                    version=board.version,
                    board=board.board,
                    state=source.state,
                    reason=source.reason,
                    channels=sum(one.source == board.source for one in meta.channels),
                    readings=source.readings,
                    lost_lines=counters.get("lost_lines", 0),
                    resets=counters.get("resets", 0),
                    counters=dict(counters),
                )
            )
    return rows


class Said(msgspec.Struct, frozen=True):
    """A line of a board, or one `sent` to it; `fault` says why it is not of the protocol."""

    text: str
    line: Line | None = None
    fault: str = ""
    sent: bool = False


class Talk:
    """What a board on this computer has said; its newest lines, and counts of all."""

    def __init__(self) -> None:
        self.lines: deque[Said] = deque(maxlen=_LINES)
        self.greeting: Greeting | None = None
        self.channels: dict[int, ChannelLine] = {}
        self.newest: Sample | None = None
        self.samples = self.lost = self.damaged = self.foreign = 0
        """Samples that came, that did not, lines with a wrong CRC, lines of another kind."""

    def hear(self, octets: bytes) -> Said:
        """Take a line as it came, without its end."""
        text = octets.decode("utf-8", "replace")
        try:
            line = decode_line(octets)
        except LineRefused as error:
            if error.reason == "form":
                self.foreign += 1
            else:
                self.damaged += 1
            return self._keep(Said(text, fault=f"{error.reason}: {error.detail}"))
        match line:
            case Greeting(sketch, version, _, _, count, _):
                before, self.greeting = self.greeting, line
                if before is None or (sketch, version, count) != (
                    before.sketch, before.version, before.channels,
                ):  # fmt: skip
                    self.channels.clear()
            case ChannelLine() if len(self.channels) < _CHANNELS:
                self.channels[line.index] = line
            case Sample():
                self._count(line)
        return self._keep(Said(text, line))

    def told(self, text: str) -> Said:
        """Take note of what was sent to it."""
        return self._keep(Said(text, sent=True))

    def _count(self, sample: Sample) -> None:
        before, self.newest = self.newest, sample
        self.samples += 1
        if before is None or sample.board_ms < before.board_ms:
            return  # it was reset
        missing = (sample.sequence - before.sequence - 1) % _WRAP
        if missing < _WRAP // 2:  # else the counter went back: it was reset long ago
            self.lost += missing

    def _keep(self, said: Said) -> Said:
        self.lines.append(said)
        return said


def meaning(said: Said, channels: dict[int, ChannelLine]) -> str:
    """Return what a line says, for people; of what is not of the protocol the line itself."""
    match said.line:
        case Greeting(sketch, version, board, interval_ms, count, running):
            state = "running" if running else "stopped"
            return f"{sketch} {version} on {board}: {count} channels, {interval_ms} ms, {state}"
        case ChannelLine(index, name, unit, _, _, label):
            return f"channel {index}: {name} [{unit}] {label}".rstrip()
        case Sample(sequence, _, values):
            parts = []
            for index, value in enumerate(values):
                channel = channels.get(index)
                name = channel.name if channel is not None else f"#{index}"
                parts.append(f"{name}={'' if value is None else format(value, 'g')}")
            return f"{sequence}: {'  '.join(parts)}"
        case Log(_, level, text):
            return f"{level}: {text}"
        case Answer(command, error):
            return f"{command}: done" if error is None else f"{command}: refused, {error}"
    return said.text
