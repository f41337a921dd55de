from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.buffer import Buffer, Quota
from edge_agent.clock import Clock
from edge_agent.intake import Entry, Intake
from edge_agent.packer import BYTES, READINGS, Packer
from tests.waiting import eventually
from wire.columns import PackColumns, decode_columns
from wire.reading import Reading, TimeQuality

NOW = 1_795_400_000_000_000
SYNCED, ESTIMATED = TimeQuality.SYNCED, TimeQuality.ESTIMATED


class Lane:
    def __init__(self) -> None:
        self.offered: list[int] = []

    def is_open(self) -> bool:
        return True

    def offer(self, epoch: str, number: int, payload: bytes) -> bool:
        self.offered.append(number)
        return number < 1


def packs(folder: Path, entries: list[Entry]) -> tuple[list[PackColumns], list[int], list[int]]:
    """What the packer makes of entries; what it offered live; what it refused."""
    buffer, intake, lane = Buffer(folder, Quota(100_000_000)), Intake(1.0), Lane()
    refused: list[int] = []
    packer = Packer("pi-7", intake, buffer, lane, refused.append, clock=Clock())
    for one in entries:
        intake.put(one, give_up=lambda: False)
    packer.start()
    eventually(intake.is_settled)
    intake.close()
    packer.stop(5)
    made = buffer._store.packs(0, 1000, most=1000)
    assert [number for number, _ in made] == list(range(len(made)))
    due = [n for n, _ in buffer.take_due()]
    assert due == list(range(1, len(made))), "what the lane did not take is due"
    buffer.close()
    decoded = [decode_columns("pi-7", payload, received_utc=NOW) for _, payload in made]
    assert all(len(payload) <= BYTES for _, payload in made)
    return decoded, lane.offered, refused


def some(n: int, value: float | str = 1.5) -> list[Reading]:
    return [Reading(f"s/{i % 3}", NOW - 1000 * i, value, "Cel") for i in range(n)]


def test_readings_are_cut_into_packs_of_one_quality(tmp_path: Path) -> None:
    made, offered, refused = packs(
        tmp_path,
        [Entry("s", some(1000), SYNCED, None), Entry("s", some(10), ESTIMATED, None)],
    )
    assert sum(len(pack.channels) for pack in made) == 1010
    assert all(len(pack.channels) <= READINGS for pack in made)
    assert [set(pack.qualities) for pack in made] == [{SYNCED}, {SYNCED}, {ESTIMATED}]
    assert offered == [0, 1]
    assert refused == []


def test_long_texts_make_smaller_packs(tmp_path: Path) -> None:
    made, _, _ = packs(tmp_path, [Entry("s", some(100, "x" * 8000), SYNCED, None)])
    assert sum(len(pack.channels) for pack in made) == 100
    assert len(made) >= 4


@pytest.mark.parametrize(
    "bad",
    [
        Reading("no name!", NOW, 1.0),
        Reading("s/1", NOW, float("nan")),
        Reading("s/1", 5, 1.0),
        Reading("s/1", NOW, 1e200),
    ],
)
def test_a_reading_that_cannot_travel_is_dropped_alone(tmp_path: Path, bad: Reading) -> None:
    readings = some(20)
    readings[7:7] = [bad]
    made, _, refused = packs(tmp_path, [Entry("s", readings, SYNCED, None)])
    assert sum(len(pack.channels) for pack in made) == 20
    assert refused == [1]
