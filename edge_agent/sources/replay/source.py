import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import msgspec

from edge_agent.sources.api import Channel, Context, Reading, SourceFailed
from edge_agent.sources.replay import position as positions
from edge_agent.sources.replay.items import RecordingBroken, read
from edge_agent.sources.replay.mapping import Taken, Unfit, take
from edge_agent.sources.replay.position import Position
from edge_agent.sources.replay.settings import Settings

EXAMPLES = Path(__file__).parent / "examples"

_READINGS_AT_ONCE = 500
_AHEAD_S = 0.02
"""Items due within this time go out together."""
_EARLIEST = 946_684_800_000_000
"""2000-01-01: no pack may carry an earlier time."""


class ReplaySource:
    """Plays a recording once, in the order of the file, and continues where it was interrupted.

    At a pace, an item is due when the newest time so far is; one that is out of order goes out
    with those before it.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._handed_over: str | None = None

    def run(self, context: Context) -> None:
        """Emit until the end of the file or until the agent stops; fails if there's no file."""
        settings = self._settings
        path = find(settings.file)
        try:
            context.describe(
                [Channel(f"{settings.name}/{f.channel}", f.label, f.unit) for f in settings.fields]
            )
            self._play(path, self._position(path, context), context)
        except OSError as error:
            self._settle(context)
            reason = f"cannot read {path}: {error.strerror}"
            raise SourceFailed(reason, "Name a file that the agent's user may read") from error
        except RecordingBroken as broken:
            self._settle(context)
            reason = f"{path} is broken: {broken}"
            advice = "What came before has been read; mend the file, and the rest follows"
            raise SourceFailed(reason, advice) from broken

    def _settle(self, context: Context) -> None:
        """Wait until what was handed over is on disk, or the next try would hand it over again."""
        while self._handed_over not in {None, context.position}:
            if context.wait(0.05):
                return

    def _position(self, path: Path, context: Context) -> Position:
        """Return where to go on, or the beginning, with the shift decided for good."""
        known = positions.decode(context.position)
        if known and known.times == self._settings.times and known.of_file(path):
            return known
        if self._settings.times == "keep":
            return positions.begin(path, shift=0, times="keep")
        started = context.now_utc()
        newest = max(
            (taken.time_utc for taken in self._taken(read(path, self._settings.format)) if taken),
            default=started,
        )
        return positions.begin(path, shift=started - newest, times="end_now")

    def _taken(
        self, items: Iterator[object], context: Context | None = None
    ) -> Iterator[Taken | None]:
        """Go through items; None for one that is left out or does not fit, which is counted."""
        for item in items:
            try:
                yield take(item, self._settings, context.count if context else _ignore)
            except Unfit as unfit:
                if context:
                    context.count(unfit.reason)
                yield None

    def _play(self, path: Path, begun: Position, context: Context) -> None:
        batch: list[Reading] = []
        done = begun.items

        def hand_over() -> None:
            if batch:
                at = msgspec.structs.replace(begun, items=done)
                self._handed_over = positions.encode(at)
                context.emit(batch.copy(), self._handed_over)
                batch.clear()

        pace = Pace(self._settings.speed)
        rest = islice(read(path, self._settings.format), done, None)
        try:
            for taken in self._taken(rest, context):
                if taken is not None:
                    pause = pace.seconds_until(taken.time_utc)
                    if pause > _AHEAD_S or len(batch) >= _READINGS_AT_ONCE:
                        hand_over()
                    if context.wait(pause) if pause > _AHEAD_S else context.stopping.is_set():
                        return
                    batch += self._readings(taken, begun.shift, context)
                done += 1
        except RecordingBroken:
            hand_over()
            raise
        hand_over()

    def _readings(self, taken: Taken, shift: int, context: Context) -> list[Reading]:
        time_utc = taken.time_utc + shift
        if time_utc < _EARLIEST:
            context.count("items_with_bad_time")
            return []
        return [
            Reading(f"{self._settings.name}/{field.channel}", time_utc, value, field.unit)
            for field, value in taken.values
        ]


class Pace:
    """Says when an item is due: as far from the first as recorded, divided by the speed."""

    def __init__(self, speed: float | str) -> None:
        self._speed = speed if isinstance(speed, float) else None
        self._first: int | None = None
        self._started = 0.0

    def seconds_until(self, time_utc: int) -> float:
        """Return how long to wait for an item; negative if it is overdue."""
        if self._speed is None:
            return 0.0
        if self._first is None:
            self._first, self._started = time_utc, time.monotonic()
        due = self._started + (time_utc - self._first) / 1e6 / self._speed
        return due - time.monotonic()


def find(file: str) -> Path:
    """Return the path of a recording, of one that comes with the agent if there is no other."""
    path = Path(file)
    if path.name == file and not path.exists() and (EXAMPLES / file).exists():
        return EXAMPLES / file
    return path


def _ignore(_: str) -> None:
    pass
