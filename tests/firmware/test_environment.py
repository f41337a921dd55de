"""The environment sketch, each sensor against its formula."""

import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware.arduino.build import SKETCHES, build_sketch
from firmware.arduino.rig import Rig
from tests.firmware.monitor import Monitor
from wire.serial_line import Sample

STEP_V = 5 / 1024


def ntc_celsius(volts: float) -> float:
    """10 kOhm at 25 degrees, beta 3950, to ground; 10 kOhm to 5 V."""
    ohm = 10_000 * volts / (5 - volts)
    return 1 / (1 / 298.15 + math.log(ohm / 10_000) / 3950) - 273.15


@pytest.fixture(scope="module")
def room(room_sketch: Path) -> Iterator[tuple[Rig, Monitor]]:
    with Rig(room_sketch) as rig:
        rig.set_voltage("A0", 2.5)
        rig.set_voltage("A1", 1.0)
        rig.set_level("2", False)
        with Monitor(rig.port) as monitor:
            monitor.meet()
            monitor.ask("interval 50")
            yield rig, monitor


def after(monitor: Monitor, skip: int = 6) -> tuple[float | None, ...]:
    """A sample that was wholly taken after what the test did."""
    return [monitor.wait_for(Sample) for _ in range(skip)][-1].values


@pytest.mark.parametrize("volts", [0.6, 1.5, 2.5, 3.23, 4.5])
def test_temperature_by_the_thermistor(room: tuple[Rig, Monitor], volts: float) -> None:
    rig, monitor = room
    rig.set_voltage("A0", volts)
    temperature = after(monitor)[0]
    assert temperature is not None
    assert ntc_celsius(volts + STEP_V) - 0.01 <= temperature <= ntc_celsius(volts - STEP_V) + 0.01


@pytest.mark.parametrize("volts", [0.0, 5.0])
def test_a_thermistor_that_is_cut_or_shorted_gives_no_reading(
    room: tuple[Rig, Monitor], volts: float
) -> None:
    rig, monitor = room
    rig.set_voltage("A0", volts)
    temperature, *others = after(monitor)
    assert temperature is None
    assert None not in others


def test_light_is_a_share_of_the_supply(room: tuple[Rig, Monitor]) -> None:
    rig, monitor = room
    for volts in (0.0, 1.25, 5.0):
        rig.set_voltage("A1", volts)
        assert after(monitor)[1] == pytest.approx(volts / 5 * 100, abs=0.15)


def test_the_supply_is_measured_by_the_reference(room: tuple[Rig, Monitor]) -> None:
    rig, monitor = room
    for volts in (4.6, 5.3, 5.0):
        rig.set_voltage("VCC", volts)
        # A step is 4 in 1,000 here: 1.1 V is some 225 of 1,024.
        assert after(monitor)[3] == pytest.approx(volts, rel=0.005)


def test_the_door_says_open_when_its_contact_opens(room: tuple[Rig, Monitor]) -> None:
    rig, monitor = room
    assert after(monitor)[2] == 0
    rig.set_level("2", True)
    monitor.wait_for(Sample, lambda sample: sample.values[2] == 1)
    rig.set_level("2", False)
    monitor.wait_for(Sample, lambda sample: sample.values[2] == 0)


def test_temperature_by_the_lm35_if_so_chosen(rig_binary: Path, tmp_path: Path) -> None:
    sketch = build_sketch(SKETCHES / "environment", tmp_path, ["ENVIRONMENT_LM35"])
    assert sketch.warnings == ""
    with Rig(sketch.elf) as rig, Monitor(rig.port) as monitor:
        rig.set_voltage("A0", 0.235)
        monitor.meet()
        monitor.ask("interval 50")
        temperature = after(monitor)[0]
        assert temperature == pytest.approx(23.5, abs=0.5)  # a step is half a degree
