"""What is on charts as files: readings as CSV, pictures as PNG; workers write them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PySide6.QtCore import QBuffer
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QFileDialog, QWidget

from control_panel.client import files
from control_panel.client.api import Api, Query, route
from control_panel.client.errors import ClientError, Refused
from control_panel.model.drawing import Stretch
from control_panel.model.exports import HEADER, heard_lines, line, stored_lines
from control_panel.model.series import ALWAYS, NEVER, Window
from control_panel.qt.charts.traces import Trace
from control_panel.qt.door import Door
from control_panel.qt.inline import Said
from control_panel.qt.sentences import heard
from control_panel.qt.texts import tr

_SILENCE_S = 60.0
_NOT_FOUND = 404
_FIRST = datetime(2000, 1, 1, tzinfo=UTC)


class Wanted(NamedTuple):
    """A channel to write: what memory has of it, and from when on that is all."""

    device: str
    channel: str
    unit: str
    heard: Window
    seam_utc: int
    begin_utc: int
    end_utc: int


class Saving:
    """Asks for a file, has it written, and says what has become of it."""

    def __init__(self, owner: QWidget, api: Api, door: Door, said: Said) -> None:
        self._owner = owner
        self._api = api
        self._door = door
        self._said = said

    def ask_csv(self, wanted: Callable[[], list[Wanted]]) -> None:
        """Let the person choose a file for readings."""
        path, _ = QFileDialog.getSaveFileName(
            self._owner, tr("Save as CSV"), "readings.csv", "CSV (*.csv)"
        )
        if path:
            self.write_csv(Path(path), wanted())

    def ask_picture(self, image: Callable[[], QImage]) -> None:
        """Let the person choose a file for a picture."""
        path, _ = QFileDialog.getSaveFileName(
            self._owner, tr("Save picture"), "charts.png", "PNG (*.png)"
        )
        if path:
            self.write_picture(Path(path), image())

    def write_picture(self, path: Path, image: QImage) -> None:
        """Write a picture; the name gets the ending of one."""
        path = path.with_suffix(".png")
        self._save(lambda: files.export(path, _png(image)), path)

    def write_csv(self, path: Path, wanted: list[Wanted]) -> None:
        """Write readings; a name without an ending gets that of CSV."""
        if not path.suffix:
            path = path.with_suffix(".csv")
        self._save(partial(_write, self._api, path, wanted), path)

    def _save(self, write: Callable[[], object], path: Path) -> None:
        self._said.say(tr("Saving {path} …").format(path=path))

        def done(partly: object) -> None:
            if partly:
                text = tr("Saved {path}, but only what is in memory: {why}")
                self._said.say(text.format(path=path, why=partly), "warning")
            else:
                self._said.say(tr("Saved {path}").format(path=path), "good")

        def failed(error: ClientError) -> None:
            self._said.say(tr("Not saved: {reason}").format(reason=error), "bad")

        self._door.ask(write, done, failed, self._owner)


def wanted_of(trace: Trace, span: Stretch | None) -> Wanted:
    """Return what is to be written of a curve, of a span or of all times."""
    begin_utc, end_utc = span or (ALWAYS, NEVER)
    series = trace.series
    if series is None:
        return Wanted(*_names(trace), trace.nothing, NEVER, begin_utc, end_utc)
    heard = series.window(begin_utc, end_utc)
    heard = heard.picked(np.ones(len(heard.times), np.bool_))  # copies
    return Wanted(*_names(trace), heard, series.seam_utc, begin_utc, end_utc)


def _names(trace: Trace) -> tuple[str, str, str]:
    return trace.curve.device, trace.curve.channel, trace.unit


def _write(api: Api, path: Path, wanted: list[Wanted]) -> str:
    """Return why what is stored is not in it; empty if all is."""
    partly = ""

    def lines() -> Iterator[str]:
        nonlocal partly
        yield line(HEADER)
        for one in wanted:
            since_utc = ALWAYS
            if not partly and one.begin_utc < one.seam_utc:
                try:
                    with _stored(api, one) as stored:
                        yield from stored_lines(one.device, one.channel, stored)
                    since_utc = one.seam_utc
                except Refused as error:
                    if error.status != _NOT_FOUND:  # else nothing is stored of it
                        partly = heard(error.said)
                except ClientError as error:
                    partly = heard(error.said)
            window = one.heard.picked(one.heard.times >= since_utc)
            yield from heard_lines(one.device, one.channel, one.unit, window)

    files.export_lines(path, lines())
    return partly


@contextmanager
def _stored(api: Api, one: Wanted) -> Iterator[Iterator[str]]:
    query: Query = {
        "device": one.device,
        "channel": one.channel,
        "from": _FIRST if one.begin_utc == ALWAYS else _moment(one.begin_utc),
        "to": None if min(one.seam_utc, one.end_utc) == NEVER
        else _moment(min(one.seam_utc, one.end_utc + 1)),
        "format": "csv",
    }  # fmt: skip
    with api.lines(route("readings"), query, silence_s=_SILENCE_S) as lines:
        yield (text.decode() for text in lines)


def _moment(time_utc: int) -> datetime:
    return max(datetime.fromtimestamp(time_utc / 1e6, UTC), _FIRST)


def _png(image: QImage) -> bytes:
    buffer = QBuffer()
    buffer.open(QBuffer.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")  # type: ignore[call-overload]
    return bytes(buffer.data().data())
