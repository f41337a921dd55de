"""The panel's time is the server's."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest

from control_panel.client.clock import Clock

NOW = 1_795_400_000.5


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """By how many seconds this computer's clock is wrong; the steady one stands still."""
    apart = [0.0]
    monkeypatch.setattr(time, "time", lambda: NOW + apart[0])
    monkeypatch.setattr(time, "monotonic", lambda: 1000.0)
    return apart


def test_a_clock_that_agrees_is_the_finer_one(wall: list[float]) -> None:
    clock = Clock()
    wall[0] = 1.2
    clock.heard(formatdate(NOW, usegmt=True), 0.1)
    assert (clock.now_utc(), clock.ahead_s) == (round((NOW + 1.2) * 1e6), 0.0)


@pytest.mark.parametrize("apart", [3600.0, -3600.0, 86_400.0, -86_400.0])
def test_a_jump_moves_nothing_and_is_known(wall: list[float], apart: float) -> None:
    clock = Clock()
    wall[0] = apart
    assert clock.now_utc() == round(NOW * 1e6)
    clock.heard(formatdate(NOW, usegmt=True), 0.1)
    assert (clock.now().timestamp(), clock.ahead_s) == (NOW, apart)


def test_one_that_was_wrong_from_the_start_is_put_right(wall: list[float]) -> None:
    wall[0] = -3600.0
    clock = Clock()
    clock.heard(formatdate(NOW, usegmt=True), 0.1)
    assert abs(clock.now().timestamp() - NOW) <= 0.5
    assert clock.ahead_s == pytest.approx(-3600, abs=0.5)
    wall[0] = 0.0
    clock.heard(formatdate(NOW, usegmt=True), 0.1)
    assert (clock.now().timestamp(), clock.ahead_s) == (NOW, 0.0)


def test_a_slow_answer_says_nothing_against_a_clock(wall: list[float]) -> None:
    clock = Clock()
    clock.heard(formatdate(NOW - 15, usegmt=True), 15.0)
    assert (clock.now().timestamp(), clock.ahead_s) == (NOW, 0.0)
    clock.heard("no date", 0.1)
    clock.heard(None, 0.1)
    assert clock.now().timestamp() == NOW
