from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware.arduino.build import SKETCHES, build_rig, build_sketch
from firmware.arduino.rig import Rig
from tests.firmware.monitor import Monitor


@pytest.fixture(scope="session")
def rig_binary() -> Path:
    return build_rig()


@pytest.fixture(scope="session")
def gas_sketch(rig_binary: Path) -> Path:
    return build_sketch(SKETCHES / "mq2_air_quality").elf


@pytest.fixture(scope="session")
def room_sketch(rig_binary: Path) -> Path:
    return build_sketch(SKETCHES / "environment").elf


@pytest.fixture
def gas_board(gas_sketch: Path) -> Iterator[Rig]:
    """An Uno with the gas sketch and a sensor in clean air, its EEPROM blank."""
    with Rig(gas_sketch) as rig:
        rig.set_voltage("A3", 1.0)
        yield rig


@pytest.fixture
def monitor(gas_board: Rig) -> Iterator[Monitor]:
    with Monitor(gas_board.port) as monitor:
        monitor.meet()
        yield monitor
