from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.arduino.build import sketch_names
from firmware.arduino.rig.scenario import Player, Ramp, Step, level_at, parse, volts_at
from wire.settings import SettingsRefused

SCENARIOS = Path(__file__).parents[2] / "firmware" / "arduino" / "rig" / "scenarios"
RAMPS = [Ramp(10, 1.0), Ramp(20, 3.0, 10), Ramp(25, 0.0, 5), Ramp(40, 2.0)]


def player(text: str) -> Player:
    return Player(parse(text, file="test.toml"))


@pytest.mark.parametrize(
    ("seconds", "volts"),
    [(0, 1), (10, 1), (20, 1), (22.5, 1.5), (25, 2), (27.5, 1), (30, 0), (39, 0), (40, 2), (99, 2)],
)
def test_steps_and_ramps(seconds: float, volts: float) -> None:
    """The second ramp is cut short by the third, which begins where it has got to."""
    assert volts_at(RAMPS, seconds) == pytest.approx(volts)


@given(st.floats(0, 60))
def test_a_voltage_never_leaves_the_range_of_its_ramps(seconds: float) -> None:
    assert 0 <= volts_at(RAMPS, seconds) <= 3


def test_levels_change_at_their_times() -> None:
    steps = [Step(1, True), Step(2, False)]
    assert [level_at(steps, at) for at in (0, 1, 1.9, 2, 3)] == [True, True, True, False, False]
    assert level_at(True, 5)


def test_a_scenario_repeats_but_types_only_once() -> None:
    playing = player(
        "repeat_s = 10\n"
        '[[pin]]\npin = "A0"\nvolts = [{at_s = 0, to = 1}, {at_s = 5, to = 2}]\n'
        '[[type]]\nat_s = 3\nline = "calibrate"\n'
    )
    assert [playing.pins_at(at)["A0"] for at in (0, 5, 10, 15)] == [1, 2, 1, 2]
    assert playing.typed_between(2.9, 3) == ["calibrate"]
    assert playing.typed_between(3, 100) == []


def test_noise_is_that_of_its_seed() -> None:
    text = '[[pin]]\npin = "A0"\nvolts = 2.5\nnoise_v = 0.01\nseed = {}\n'

    def played(seed: int) -> list[float | bool]:
        playing = player(text.format(seed))
        return [playing.pins_at(at)["A0"] for at in range(500)]

    assert played(1) == played(1) != played(2)
    values = [float(value) for value in played(1)]
    mean = sum(values) / 500
    deviation = (sum((value - mean) ** 2 for value in values) / 499) ** 0.5
    assert mean == pytest.approx(2.5, abs=0.002)
    assert deviation == pytest.approx(0.01, rel=0.1)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("pin = 3", "must be an array"),
        ('[[pin]]\npin = "A0"', "needs volts or level"),
        ('[[pin]]\npin = "A0"\nvolts = 1\nlevel = true', "not both"),
        ('[[pin]]\npin = "7"\nvolts = 1', "no pin '7'"),
        ('[[pin]]\npin = "14"\nlevel = true', "no pin '14'"),
        ('[[pin]]\npin = "A0"\nvolts = 6', "at least 0 and at most 5.5"),
        ('[[pin]]\npin = "A0"\nvolts = []', "must be some"),
        (
            '[[pin]]\npin = "A0"\nvolts = [{at_s = 2, to = 1}, {at_s = 1, to = 1}]',
            "in order of at_s",
        ),
        ('[[type]]\nat_s = 1\nline = "a\\nb"', "line"),
        ('[[pin]]\npin = "A0"\nvolts = 1\nnoise = 1', "did you mean 'noise_v'"),
    ],
)
def test_a_faulty_scenario_is_refused(text: str, reason: str) -> None:
    with pytest.raises(SettingsRefused, match=reason):
        parse(text, file="test.toml")


@pytest.mark.parametrize("sketch", sketch_names())
def test_every_sketch_has_a_scenario(sketch: str) -> None:
    playing = player((SCENARIOS / f"{sketch}.toml").read_text())
    assert playing.pins_at(1e6)
