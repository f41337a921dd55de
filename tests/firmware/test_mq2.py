"""The gas sketch against the data sheet's curves, computed here on their own."""

import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware.arduino.rig import Rig
from tests.firmware.monitor import Monitor
from wire.serial_line import Answer, Log, Sample

# {log10 ppm, log10 Rs/Ro, slope} of the data sheet's figure; a step of the ADC; clean air in V.
CURVES = {"co": (2.3, 0.72, -0.34), "lpg": (2.3, 0.21, -0.47), "smoke": (2.3, 0.53, -0.44)}
STEP_V = 5 / 1024
CLEAN_V = 1.0


def resistance(volts: float) -> float:
    """Of the sensor, between 5 V and the load of 5 kOhm."""
    return 5000 * (5 - volts) / volts


def ratio_at(volts: float, clean_volts: float = CLEAN_V) -> float:
    return resistance(volts) / (resistance(clean_volts) / 9.83)


def ppm_at(gas: str, ratio: float) -> float:
    log_ppm, log_ratio, slope = CURVES[gas]
    return float(10 ** ((math.log10(ratio) - log_ratio) / slope + log_ppm))


@pytest.fixture(scope="module")
def calibrated(gas_sketch: Path) -> Iterator[tuple[Rig, Monitor]]:
    """A warm sensor that calibrated itself in clean air, sampled ten times a second."""
    with Rig(gas_sketch) as rig:
        rig.set_voltage("A3", CLEAN_V)
        with Monitor(rig.port) as monitor:
            monitor.meet()
            monitor.ask("interval 100")
            monitor.ask("warmup 0")
            monitor.wait_for(Log, lambda log: log.text.startswith("calibrated"))
            yield rig, monitor


def settled(monitor: Monitor, volts: float) -> Sample:
    """The first sample taken wholly at this voltage."""

    def is_settled(sample: Sample) -> bool:
        measured = sample.values[4]
        return measured is not None and abs(measured - volts) <= STEP_V

    return monitor.wait_for(Sample, is_settled)


@pytest.mark.parametrize("volts", [0.5, 1.0, 1.7, 2.5, 3.3, 4.0, 4.6, 4.9])
def test_ppm_follow_the_data_sheet_within_a_step_of_the_adc(
    calibrated: tuple[Rig, Monitor], volts: float
) -> None:
    rig, monitor = calibrated
    rig.set_voltage("A3", volts)
    co, lpg, smoke, ratio, _ = settled(monitor, volts).values
    least = ratio_at(volts + STEP_V, CLEAN_V - STEP_V)
    most = ratio_at(volts - STEP_V, CLEAN_V + STEP_V)
    assert ratio is not None
    assert least - 1e-4 <= ratio <= most + 1e-4
    for gas, ppm in (("co", co), ("lpg", lpg), ("smoke", smoke)):
        if ppm_at(gas, ratio) > 1e6:
            assert ppm is None  # more than all of the air
            continue
        assert ppm is not None
        # And the arithmetic is that of the curve, up to the digits that are sent.
        assert ppm_at(gas, most) - 0.01 <= ppm <= ppm_at(gas, least) + 0.01
        assert ppm == pytest.approx(ppm_at(gas, ratio), rel=2e-3, abs=0.01)


@pytest.mark.parametrize("volts", [0.0, 5.0])
def test_a_disconnected_sensor_gives_no_reading_and_a_warning(
    calibrated: tuple[Rig, Monitor], volts: float
) -> None:
    rig, monitor = calibrated
    rig.set_voltage("A3", volts)
    warning = monitor.wait_for(Log, lambda log: log.level == "warning")
    assert "no gas sensor" in warning.text
    assert monitor.wait_for(Sample).values == (None,) * 5
    assert monitor.ask("calibrate") == Answer("calibrate", None)
    assert "not calibrated" in monitor.wait_for(Log, lambda log: log.level == "error").text
    rig.set_voltage("A3", CLEAN_V)
    assert "is back" in monitor.wait_for(Log, lambda log: log.level == "info").text
    ratio = settled(monitor, CLEAN_V).values[3]
    assert ratio == pytest.approx(9.83, abs=0.01)  # the calibration of before still holds


def test_a_reset_in_polluted_air_keeps_the_calibration(calibrated: tuple[Rig, Monitor]) -> None:
    rig, monitor = calibrated
    rig.set_voltage("A3", 3.0)
    before = settled(monitor, 3.0)
    rig.reset()
    monitor.wait_for(Log, lambda log: log.text == "the sensor is warm")
    after = settled(monitor, 3.0)
    assert after.values == before.values


def test_calibrating_anew_takes_the_air_that_there_is_as_clean(
    calibrated: tuple[Rig, Monitor],
) -> None:
    rig, monitor = calibrated
    rig.set_voltage("A3", 2.0)
    settled(monitor, 2.0)
    assert monitor.ask("calibrate") == Answer("calibrate", None)
    assert monitor.wait_for(Sample).values[:4] == (None,) * 4  # not while it calibrates
    ohm = monitor.wait_for(Log, lambda log: log.text.startswith("calibrated")).text.split()[-1]
    assert float(ohm) == pytest.approx(resistance(2.0) / 9.83, rel=0.005)
    assert monitor.wait_for(Sample).values[3] == pytest.approx(9.83, abs=0.01)
    rig.set_voltage("A3", CLEAN_V)
    settled(monitor, CLEAN_V)
    monitor.ask("calibrate")
    monitor.wait_for(Log, lambda log: log.text.startswith("calibrated"))


def test_while_warming_up_there_is_a_voltage_and_no_gas(gas_board: Rig, monitor: Monitor) -> None:
    assert monitor.ask("calibrate") == Answer(
        "calibrate", "the sensor is warming up; try again later"
    )
    monitor.ask("warmup 2")
    monitor.ask("interval 100")
    while True:
        line = monitor.next()
        match line:
            case Sample(values=values):
                assert values[:4] == (None,) * 4
                assert values[4] == pytest.approx(1.0, abs=STEP_V)
            case Log(text="the sensor is warm", board_ms=board_ms):
                assert 2000 <= board_ms < 2100
                break


@pytest.mark.parametrize("words", ["warmup", "warmup -1", "warmup 3601", "warmup 1e3"])
def test_a_wrong_warm_up_is_refused(calibrated: tuple[Rig, Monitor], words: str) -> None:
    assert calibrated[1].ask(words) == Answer("warmup", "0 to 3600 s")
