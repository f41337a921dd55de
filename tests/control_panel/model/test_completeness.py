"""What has arrived, the worst first."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_panel.model.completeness import Row, Tally, Verdict, parts, rows, total
from control_panel.model.things import Completeness


def epoch(device: str, name: str = "e", stored: int = 0, on_device: int = 0, lost: int = 0,
          missing: int = 0) -> Completeness:  # fmt: skip
    last = stored + on_device + lost + missing - 1
    return Completeness(device=device, epoch=name, first_seq=0, last_seq=last, stored=stored,
                        on_device=on_device, lost=lost, missing=missing)  # fmt: skip


def test_the_worst_comes_first() -> None:
    found = rows(
        [epoch("fine", stored=9), epoch("away", stored=1, on_device=5), epoch("new"),
         epoch("lossy", stored=5, lost=2), epoch("worse", lost=7), epoch("hole", missing=1)]
    )  # fmt: skip
    assert [row.device for row in found] == ["hole", "worse", "lossy", "away", "fine", "new"]
    assert [row.tally.verdict for row in found] == [
        Verdict.MISSING, Verdict.LOST, Verdict.LOST, Verdict.WAITING, Verdict.COMPLETE,
        Verdict.EMPTY,
    ]  # fmt: skip


def test_a_device_with_several_epochs_is_summed_and_each_is_shown() -> None:
    found = rows([epoch("pi", "old", stored=3, lost=1), epoch("pi", "new", stored=5)])
    assert found[0] == Row("pi", "", Tally(8, 0, 1, 0), 0, 0, 2)
    assert [row.epoch for row in found[1:]] == ["old", "new"]
    (single,) = rows([epoch("pi", "only", stored=3)])
    assert (single.epoch, single.epochs, single.last_seq) == ("only", 1, 2)


def test_all_of_nothing_is_complete() -> None:
    assert total([]) == Tally(0, 0, 0, 0)
    assert total([]).share == 1.0
    assert parts(total([])) == []


numbers = st.integers(0, 10**9)


@given(st.builds(Tally, numbers, numbers, numbers, numbers))
def test_a_bar_is_filled_and_shows_what_there_is_at_all(tally: Tally) -> None:
    drawn = parts(tally)
    assert [part.kind for part in drawn] == [
        kind for kind in ("stored", "on_device", "lost", "missing") if getattr(tally, kind)
    ]
    if drawn:
        assert drawn[0].begin == 0
        assert drawn[-1].end == pytest.approx(1)
        assert all(part.end - part.begin > 0.01 for part in drawn)
        assert all(a.end == b.begin for a, b in zip(drawn, drawn[1:], strict=False))  # noqa: RUF007
