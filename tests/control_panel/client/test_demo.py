"""The demonstration without a window: what it answers, what it plays, what it declines."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from control_panel.client.api import Query, route
from control_panel.client.demo import scene
from control_panel.client.demo.board import PORT, RecordedBoard
from control_panel.client.demo.recording import Recording
from control_panel.client.demo.replay import Replay
from control_panel.client.demo.start import session
from control_panel.client.errors import Refused
from control_panel.client.inbox import Inbox
from control_panel.client.serial_monitor import PortFailed
from control_panel.client.session import Session
from control_panel.model.boards import Talk
from control_panel.model.live import Live
from control_panel.model.past import buckets_of, readings_of
from control_panel.model.things import (
    Begun,
    Configuration,
    Consequences,
    Device,
    LogLines,
    Page,
    Pipeline,
    Preview,
    Rollups,
    StatusChange,
)

NOW_UTC = 1_795_000_000_000_000
ACTS = [(one.method, one.path, one.would) for one in scene.read().acts]


@pytest.fixture
def standing() -> Iterator[Session]:
    """One whose clock stands still."""
    opened = session(NOW_UTC)
    yield opened
    opened.close()


def replay(now_utc: int = NOW_UTC) -> Replay:
    """Return one that begins at that time."""
    return Replay(scene.read(), Recording(now_utc), session(now_utc).clock, Inbox())


def test_what_is_told_of_each_device_is_understood(standing: Session) -> None:
    api = standing.api
    devices = api.every(route("devices"), Device)
    assert len({one.status for one in devices}) == 8
    for device in devices:
        api.get(route("devices", device.name, "status-history"), Page[StatusChange])
        if device.kind == "agent" and device.state == "enrolled":
            told = api.get(route("devices", device.name, "configuration"), Configuration)
            assert told.device == device.name
    for stage in api.get(route("pipeline"), Pipeline).stages:
        assert api.get(route("pipeline", stage.name, "log"), LogLines).lines
        path = route("pipeline", stage.name, "consequences")
        assert api.get(path, Consequences, {"action": "stop"}).consequences


@pytest.mark.parametrize(("method", "path", "would"), ACTS)
def test_an_act_is_declined_with_what_a_server_would_do(
    standing: Session, method: str, path: str, would: str
) -> None:
    concrete = path.replace("*", "7")
    acts: dict[str, Any] = {
        "POST": lambda: standing.api.post(concrete, Begun),
        "PUT": lambda: standing.api.put(concrete, Begun, {}),
        "DELETE": lambda: standing.api.delete(concrete),
    }
    with pytest.raises(Refused, match="This is a demonstration") as refused:
        acts[method]()
    assert refused.value.said.endswith(would)
    assert "--demo" in refused.value.fix


def test_rollups_are_those_of_the_readings(standing: Session) -> None:
    now = standing.clock.now().replace(second=0, microsecond=0)
    query: Query = {
        "device": "workshop-air", "channel": ["lpg"],
        "from": now - timedelta(minutes=9), "to": now,
    }  # fmt: skip
    found = standing.api.get(route("rollups"), Rollups, query)
    rolled = buckets_of(found.series[0].points, found.resolution)
    readings = readings_of(standing.api.text(route("readings"), {**query, "format": "csv"}))["lpg"]
    assert len(rolled.times) == 9
    for row, begin in enumerate(rolled.times.tolist()):
        inside = (readings.times > begin) & (readings.times < begin + rolled.bucket_us)
        assert rolled.counts[row] == pytest.approx(inside.sum(), abs=2)
        assert rolled.means[row] == pytest.approx(readings.values[inside].mean(), rel=0.01)


def test_a_preview_counts_what_lies_beyond(standing: Session) -> None:
    def episodes(threshold: float) -> int:
        rule = {"kind": "threshold", "channel": "lpg", "device": "workshop-air",
                "direction": "above", "threshold": threshold}  # fmt: skip
        body = {"rule": rule, "since": standing.clock.now() - timedelta(days=1)}
        return standing.api.post(route("alert-rules", "preview"), Preview, body).episodes

    assert episodes(100) > 0
    assert episodes(1e9) == 0


def test_at_the_same_time_the_same_is_heard() -> None:
    first = replay().until(NOW_UTC)
    assert first == replay().until(NOW_UTC)
    later = NOW_UTC + 60_000_000
    assert replay(later).until(later) != first


def test_what_is_heard_is_sound_but_for_the_garbage() -> None:
    live = Live()
    for message in replay().until(NOW_UTC):
        live.hear(*message)
    faulty = {one.device for one in live.messages.rows() if one.fault}
    assert {"workshop-air", "orchard-well", "line-3-plug"} <= {device for device, _ in live.newest}
    assert live.newest["orchard-well", "level"].uncertain
    assert faulty == {"line-3-plug"}


def test_readings_that_were_held_come_late_and_complete() -> None:
    player = next(one for one in scene.read().players if one.held is not None)
    playing, period_us = replay(), 300_000_000
    playing.until(NOW_UTC)
    live, kinds = Live(), set()
    live.watch([(player.name, "lpg")])
    for now_utc in range(NOW_UTC + 100_000, NOW_UTC + period_us + 1, 700_000):
        for message in playing.until(now_utc):
            if message.device == player.name:
                kinds.add(message.kind)
                live.hear(*message)
    series = live.series(player.name, "lpg")
    assert series is not None
    begin_utc, end_utc = series.window(0, 2**62).times[[0, -1]].tolist()
    played, _ = Recording(NOW_UTC).between(player, player.channels[1], begin_utc - 1, end_utc)
    assert "backfill" in kinds
    assert series.window(0, 2**62).times.tolist() == played.tolist()


def test_a_recorded_board_talks_and_takes_no_command() -> None:
    clock = [0.0]
    board, talk = RecordedBoard(PORT.path, lambda: clock[0]), Talk()
    clock[0] = 30.0
    for line in board.take().lines:
        talk.hear(line)
    assert talk.greeting is not None
    assert talk.samples > 500
    assert not talk.damaged
    board.send("hello")
    with pytest.raises(PortFailed, match="This is a demonstration"):
        board.send("interval 500")
    assert RecordedBoard("/dev/ttyS9").take().failed is not None
