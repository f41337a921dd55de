from __future__ import annotations

import csv
from datetime import datetime

import numpy as np

from control_panel.model.exports import HEADER, heard_lines, line, stored_lines
from control_panel.model.series import Window


def test_readings_come_back_exactly_from_the_csv() -> None:
    window = Window(
        np.array([1_795_400_000_123_456, 1_795_400_001_000_000], np.int64),
        np.array([0.1, -3.0]),
        np.array([False, True]),
    )
    rows = list(csv.reader([line(HEADER), *heard_lines("pi-7", "heat", "Cel", window)]))
    assert tuple(rows[0]) == HEADER
    assert [float(row[3]) for row in rows[1:]] == [0.1, -3.0]
    assert [row[5] for row in rows[1:]] == ["sure", "uncertain"]
    moment = datetime.fromisoformat(rows[1][0])
    assert moment.microsecond == 123_456
    assert round(moment.timestamp()) == 1_795_400_000


def test_a_unit_is_never_a_formula() -> None:
    window = Window(np.array([0], np.int64), np.array([1.0]), np.array([False]))
    assert ",'=1+1," in "".join(heard_lines("d", "c", "=1+1", window))


def test_what_is_stored_is_written_like_what_is_heard() -> None:
    window = Window(np.array([1_795_400_000_123_456], np.int64), np.array([0.1]), np.array([True]))
    at = datetime.fromtimestamp(1_795_400_000).astimezone().isoformat(timespec="seconds")
    stored = [
        "time,channel,value,text,unit,quality,received\r\n",
        "2026-11-23T02:13:20.123456Z,heat,0.1,,Cel,estimated,2026-11-23T02:13:21.000000Z\r\n",
        "2026-11-23T02:13:21.000000Z,heat,,open,,synced,2026-11-23T02:13:21.000000Z\r\n",
    ]
    found = list(stored_lines("pi-7", "heat", stored))
    assert found[0] == next(heard_lines("pi-7", "heat", "Cel", window))
    assert found[1].endswith(",pi-7,heat,open,,sure\r\n")
    assert found[0].startswith(at[:19])
    assert list(stored_lines("pi-7", "heat", [])) == []
