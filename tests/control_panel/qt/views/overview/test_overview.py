"""The overview, at the real API."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta

import msgspec
import pytest
from pytestqt.qtbot import QtBot

from control_panel.client.api import route
from control_panel.model.places import Place
from control_panel.model.things import Device, Pipeline, Registered, Stage
from control_panel.qt import words
from control_panel.qt.views.overview.view import OverviewView
from tests.cloud.control.played import Supervised
from tests.control_panel.qt.rig import Rig, picture
from wire.status import BufferStatus, Status, encode_status

MakeRig = Callable[[str], Rig]


@pytest.fixture
def shown(rig: MakeRig, qtbot: QtBot) -> Iterator[tuple[Rig, OverviewView]]:
    made = rig("admin")
    view = OverviewView(made.panel)
    qtbot.addWidget(view)
    view.resize(1108, 740)
    view.show()
    view.shown()
    yield made, view
    view.close_down()


def test_devices_are_counted_and_what_they_need_is_said(
    shown: tuple[Rig, OverviewView], qtbot: QtBot
) -> None:
    rig, view = shown
    assert view.matters.calm.text() == "Looking …"
    name = f"dev-{uuid.uuid4().hex[:8]}"
    rig.client.post(route("devices"), Registered, {"name": name, "kind": "foreign"})
    device = rig.client.get(route("devices", name), Device)
    rig.panel.fleet.replace([msgspec.structs.replace(device, status="never seen")])
    qtbot.waitUntil(lambda: any(row.matter.subject == name for row in view.matters.rows))
    row = next(row for row in view.matters.rows if row.matter.subject == name)
    assert row.said.text() == f"{name} is registered, and has never been seen."
    row.button.click()
    view.counts["never seen"].number.click()
    view.sending.number.click()
    assert rig.places == [
        Place("devices", name), Place("devices", "status:never seen"), Place("devices")
    ]  # fmt: skip
    assert view.counts["never seen"].number.text() == "1"
    assert view.sending.note.text() == "of 1 registered"


def test_the_oldest_unsent_reading_leads_to_its_device(
    shown: tuple[Rig, OverviewView], qtbot: QtBot
) -> None:
    rig, view = shown
    assert view.unsent.number.text() == words.NONE
    oldest = rig.panel.clock().timestamp() - 90
    for device, said in (
        ("pi-1", Status("online", buffer=BufferStatus(oldest=oldest, held=((1, 1),)))),
        ("pi-2", Status("online", buffer=BufferStatus())),
    ):
        rig.panel.live.hear(device, "status", encode_status(said), 0)
    rig.panel.live.tell()
    qtbot.waitUntil(lambda: view.unsent.number.text().startswith("1 min 3"))
    assert view.unsent.note.text() == "on pi-1"
    view.unsent.number.click()
    assert rig.places == [Place("devices", "pi-1")]


def test_the_pipeline_is_asked_and_grows_old(
    supervised: Supervised, shown: tuple[Rig, OverviewView], qtbot: QtBot
) -> None:
    rig, view = shown
    qtbot.waitUntil(lambda: view.rate.number.text() == "2.0/s")
    qtbot.waitUntil(lambda: view.newest.number.text() != words.NONE)
    assert view.rate.number.property("stale") is False
    rig.ahead = timedelta(minutes=5)
    qtbot.waitUntil(lambda: view.rate.number.property("stale") is True)
    assert view.rate.note.text().startswith("as of 5 min")


def test_its_action_is_gone_with_it(rig: MakeRig, qtbot: QtBot) -> None:
    made = rig("viewer")
    view = OverviewView(made.panel)
    qtbot.addWidget(view)
    assert made.panel.registry.find("grafana")
    view.close_down()
    assert not made.panel.registry.find("grafana")


def test_how_it_looks_when_much_is_wrong(shown: tuple[Rig, OverviewView], qtbot: QtBot) -> None:
    rig, view = shown
    now = rig.panel.clock()
    statuses = ["online"] * 14 + ["offline"] * 5 + ["late", "buffer filling", "never seen"]
    rig.panel.fleet.replace(
        Device(
            name=f"pi-{number}", state="active", agent_version="1", created=now, enrolled=now,
            kind="agent", label="", last_seen=now - timedelta(minutes=number), latitude=None,
            longitude=None, reason="", restorable_until=None, revoked=None, site="", status=status,
            status_reason="" if status == "online" else "no reading for 12 minutes", version=1,
        )
        for number, status in enumerate(statuses)
    )  # fmt: skip
    stages = [
        Stage(
            name=name, state=state, since=now - timedelta(minutes=3), age=2.0, busy=None,
            dependents=(), errors=0, lag=None, lag_seconds=None, needs=(),
            newest=now - timedelta(seconds=2), pid=1, rate_in=212.4, rate_out=212.0,
            reason="it was stopped by ada", restarts=0,
        )
        for name, state in (("bridge", "running"), ("stream", "stopped"))
    ]  # fmt: skip
    qtbot.waitUntil(lambda: view._seen.storage is not None and view._seen.alerts is not None)
    shown_then = Pipeline(at=now, stages=tuple(stages))
    view._learn(view._seen._replace(pipeline=shown_then, alerts=()))
    said = [row.said.text() for row in view.matters.rows]
    assert said[:2] == ["The buffer of pi-20 is filling up.", "5 devices are offline."]
    assert said[2].startswith("The stream is stopped")
    picture(view, "overview")
