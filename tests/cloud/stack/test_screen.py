"""The live screen fits the terminal: what stands at its end must not be cut off."""

from pathlib import Path

import pytest
from rich.console import Console

from cloud.stack.folder import Folder
from cloud.stack.plan import STAGES, Account, Api, Kafka, Mqtt, Plan, Postgres
from cloud.stack.probes import Device, Newest
from cloud.stack.screen import draw, draw_within
from cloud.stack.states import State
from cloud.stack.status import StackStatus, Stage

NAMES = [f"device-{number}" for number in range(5)]
SEEN = StackStatus(
    at=1000.0,
    stages=tuple(Stage(name, State.RUNNING, 1, 2.0, 2.0, 0, 999.0, 0) for name in STAGES),
    devices=tuple(Device(name, "online", "", 999.0, 12, 0, 0, 0) for name in NAMES),
    channels=tuple(
        Newest(name, f"host/channel-{number}", "Cel", 999.0, 21.5)
        for name in NAMES
        for number in range(14)
    ),
)
LOGIN = Account("a", "/b")
API = Api("127.0.0.1", 1, "/ca", "/token")


def _lines(console: Console, picture: object) -> list[str]:
    with console.capture() as captured:
        console.print(picture)
    return captured.get().splitlines()


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40), (200, 60)])
def test_the_screen_fits_and_shows_every_stage_and_device(
    tmp_path: Path, width: int, height: int
) -> None:
    folder = Folder(tmp_path)
    plan = Plan(
        Mqtt("127.0.0.1", 1, "/ca", LOGIN, LOGIN),
        Kafka("127.0.0.1:1"),
        Postgres("127.0.0.1", 1, "fieldline", "disable", "/secrets", "/owner"),
        API,
        STAGES,
    )
    console = Console(width=width, height=height)
    lines = _lines(console, draw_within(SEEN, plan, folder, console, height - 3))
    assert len(lines) <= height - 3
    text = "\n".join(lines)
    assert all(name in text for name in (*STAGES, *NAMES))
    assert ("psql" in text) == (height > 24)
    whole = "\n".join(_lines(console, draw(SEEN, plan, folder)))  # what `status` prints
    assert "channel-11" in whole
    assert "psql" in whole
