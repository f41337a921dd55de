"""The view of alerts against the real API."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QAbstractItemModelTester
from pytestqt.qtbot import QtBot

from control_panel.model.alerts import Draft, Pace
from control_panel.model.broadcast import Broadcast
from control_panel.model.history import History
from control_panel.model.places import Place
from control_panel.model.things import Event, Rule
from control_panel.qt.notifying import Notifying
from control_panel.qt.views.alerts.view import AlertsView
from tests.cloud.control.alerts.episodes import fire, make_rule, resolve
from tests.cloud.control.api import Api
from tests.cloud.control.history.conftest import BEGIN, Past
from tests.control_panel.qt.rig import Rig, nameless, picture

LEFT = Qt.MouseButton.LeftButton
Make = Callable[[str], Rig]


@pytest.fixture
def local(api: Api) -> Iterator[httpx.Client]:
    with api.client(api.local_token) as client:
        yield client


@pytest.fixture
def show(qtbot: QtBot) -> Iterator[Callable[[Rig], AlertsView]]:
    shown: list[AlertsView] = []

    def make(rig: Rig) -> AlertsView:
        rig.listen()
        view = AlertsView(rig.panel)
        qtbot.addWidget(view)
        view.resize(1060, 740)
        view.show()
        view.shown()
        for table in (view.firing.table, view.history.table, view.rules.table, view.targets.table):
            QAbstractItemModelTester(table.rows, table)
        shown.append(view)
        return view

    yield make
    for view in shown:
        view.close_down()


Show = Callable[[Rig], AlertsView]


def devices(view: AlertsView) -> list[str]:
    return [one.device for one in view.firing.alerts]


def choose(view: AlertsView, device: str) -> None:
    alert = next(one for one in view.firing.alerts if one.device == device)
    assert view.firing.table.choose((alert.rule, alert.device, alert.channel))


def test_an_alert_is_acknowledged_and_that_is_taken_back(
    qtbot: QtBot, rig: Make, show: Show, api: Api, local: httpx.Client
) -> None:
    device, made = f"kiln-{uuid.uuid4().hex[:6]}", rig("operator")
    rule = make_rule(local)
    view = show(made)
    qtbot.waitUntil(lambda: view.history.count.text() != "" or not devices(view))
    episode = fire(api, rule, device)
    fire(api, make_rule(local, severity="warning"), f"{device}-b")
    qtbot.waitUntil(lambda: f"{device}-b" in devices(view))
    choose(view, device)
    picture(view, "alerts")
    view.firing.note.setText("on my way")
    qtbot.mouseClick(view.firing.say, LEFT)
    qtbot.waitUntil(lambda: device not in devices(view))
    (seen,) = [one for one in view.acknowledged.alerts if one.device == device]
    assert seen.note == "on my way"
    last = made.panel.history.last
    assert last is not None
    assert last.said == f"Acknowledged: {rule['name']} at {device} gas/co"
    assert made.panel.history.undo()
    qtbot.waitUntil(lambda: device in devices(view))
    resolve(api, episode)
    qtbot.waitUntil(lambda: device not in devices(view))
    assert device in [one.device for one in view.history.episodes]
    for tab in ("firing", "acknowledged", "rules", "targets", "history"):
        view.show_place(tab)
        assert nameless(view) == []
    view.show_place("history")
    picture(view, "alerts-history")


def test_many_are_acknowledged_at_once_and_taken_back_at_once(
    qtbot: QtBot, rig: Make, show: Show, api: Api, local: httpx.Client
) -> None:
    device, made = f"kiln-{uuid.uuid4().hex[:6]}", rig("operator")
    names = {f"{device}-{number}" for number in range(3)}
    rule = make_rule(local)
    for name in sorted(names):
        fire(api, rule, name)
    view = show(made)
    qtbot.waitUntil(lambda: names <= set(devices(view)))
    keys = [(one.rule, one.device, one.channel) for one in view.firing.alerts]
    assert view.firing.table.choose(*[key for key in keys if key[1] in names])
    qtbot.mouseClick(view.firing.say, LEFT)
    qtbot.waitUntil(lambda: not names & set(devices(view)))
    assert names <= {one.device for one in view.acknowledged.alerts}
    last = made.panel.history.last
    assert last is not None
    assert last.said.endswith(" and 2 more")
    assert made.panel.history.undo()
    qtbot.waitUntil(lambda: names <= set(devices(view)))


def told(history: History, words: str) -> bool:
    return history.last is not None and words in history.last.said


def snoozes_of(local: httpx.Client, device: str) -> list[int]:
    """Those that are in force; other tests' may be there, too, and end by themselves."""
    items = local.get("/v1/snoozes").json()["items"]
    return [one["id"] for one in items if one["device"] == device]


def test_a_channel_is_snoozed_and_told_again(
    qtbot: QtBot, rig: Make, show: Show, api: Api, local: httpx.Client
) -> None:
    device, made = f"kiln-{uuid.uuid4().hex[:6]}", rig("operator")
    fire(api, make_rule(local), device)
    view = show(made)
    qtbot.waitUntil(lambda: device in devices(view))
    choose(view, device)
    history = made.panel.history
    qtbot.mouseClick(view.firing.hold, LEFT)
    qtbot.waitUntil(lambda: told(history, "nobody is told about"))
    (snooze,) = snoozes_of(local, device)
    qtbot.waitUntil(lambda: snooze in view.snoozes.buttons)
    picture(view, "alerts-snoozed")
    qtbot.mouseClick(view.snoozes.buttons[snooze], LEFT)
    qtbot.waitUntil(lambda: told(history, "is over"))
    qtbot.waitUntil(lambda: snooze not in view.snoozes.buttons)
    assert history.undo()
    qtbot.waitUntil(lambda: bool(snoozes_of(local, device)))
    (again,) = snoozes_of(local, device)
    qtbot.waitUntil(lambda: again in view.snoozes.buttons)
    assert history.undo()
    qtbot.waitUntil(lambda: again not in view.snoozes.buttons)


def test_an_alert_leads_to_its_device(
    qtbot: QtBot, rig: Make, show: Show, api: Api, local: httpx.Client
) -> None:
    device, made = f"kiln-{uuid.uuid4().hex[:6]}", rig("viewer")
    fire(api, make_rule(local), device)
    view = show(made)
    qtbot.waitUntil(lambda: device in devices(view))
    choose(view, device)
    qtbot.keyClick(view.firing.table, Qt.Key.Key_Return)
    assert made.places == [Place("devices", device)]
    for button in (view.firing.say, view.firing.hold, view.rules.new, view.targets.test):
        assert not button.isEnabled()
        assert button.toolTip()


def write(view: AlertsView, draft: Draft) -> None:
    view.rules.editor.show_draft(draft, new=True)


def test_a_rule_is_tried_made_changed_deleted_and_made_again(
    qtbot: QtBot, rig: Make, show: Show, api: Api
) -> None:
    past, made = Past(api), rig("operator")
    past.readings(past.channel("gas/co"), 200)
    made.ahead = BEGIN + timedelta(days=1) - datetime.now(UTC)
    name = f"too much {uuid.uuid4().hex[:6]}"
    view = show(made)
    view.show_place("rules")
    qtbot.mouseClick(view.rules.new, LEFT)
    editor = view.rules.editor
    assert not editor.keep.isEnabled()
    write(view, Draft(name=name, device=past.device, threshold="fifty", clear_at="40"))
    assert editor.complaints["threshold"].text().startswith("This is no number.")
    write(view, Draft(name=name, device=past.device, threshold="50", clear_at="40"))
    qtbot.mouseClick(editor.try_it, LEFT)
    qtbot.waitUntil(lambda: "would have fired once" in editor.preview.text())
    assert "on 200 stored readings of one channel" in editor.preview.text()
    assert editor.latest.rows.rowCount() == 1
    picture(view, "alerts-rule")
    qtbot.mouseClick(editor.keep, LEFT)
    qtbot.waitUntil(lambda: name in names(view))
    view.rules.choose(name)
    assert editor.fields["threshold"].text() == "50"
    qtbot.keyClicks(editor.fields["threshold"], "5")
    qtbot.mouseClick(editor.keep, LEFT)
    qtbot.waitUntil(lambda: rule(view, name).threshold == 505)
    made.panel.history.undo()
    qtbot.waitUntil(lambda: rule(view, name).threshold == 50)
    view.rules.table.clearSelection()
    view.rules.choose(name)
    qtbot.mouseClick(editor.delete, LEFT)
    qtbot.mouseClick(view.rules.confirmation.yes, LEFT)
    qtbot.waitUntil(lambda: name not in names(view))
    made.panel.history.undo()
    qtbot.waitUntil(lambda: name in names(view))
    past.close()


def names(view: AlertsView) -> list[str]:
    return [one.name for one in view.rules.rules]


def rule(view: AlertsView, name: str) -> Rule:
    return next(one for one in view.rules.rules if one.name == name)


def test_a_name_that_is_taken_is_said_in_its_place(
    qtbot: QtBot, rig: Make, show: Show, local: httpx.Client
) -> None:
    taken = make_rule(local)["name"]
    view = show(rig("operator"))
    view.show_place("rules")
    view.rules.make()
    write(view, Draft(name=taken, threshold="5"))
    qtbot.mouseClick(view.rules.editor.keep, LEFT)
    qtbot.waitUntil(lambda: "there is a rule" in view.rules.editor.said.text())
    assert view.rules.editor.draft().name == taken
    assert view.rules.editor.keep.isEnabled()


def test_panels_become_a_target_that_can_be_tested(qtbot: QtBot, rig: Make, show: Show) -> None:
    made = rig("admin")
    told: list[tuple[str, str]] = []
    notifying = Notifying(made.panel.events, lambda *said: told.append(said), made.panel.clock)
    view = show(made)
    view.show_place("targets")
    qtbot.waitUntil(view.targets.empty.button.isVisible)
    picture(view, "alerts-targets-empty")
    qtbot.mouseClick(view.targets.empty.button, LEFT)
    qtbot.waitUntil(lambda: bool(view.targets.targets))
    qtbot.mouseClick(view.targets.test, LEFT)
    qtbot.waitUntil(lambda: "was sent to" in view.targets.said.text())
    qtbot.waitUntil(lambda: bool(told))
    picture(view, "alerts-targets")
    notifying.close()
    made.panel.history.undo()
    qtbot.waitUntil(lambda: not view.targets.targets)


def test_many_notifications_are_few_on_the_desktop() -> None:
    events, told, now = Broadcast(), list[tuple[str, str]](), [BEGIN]
    pace = Pace(most=1, within=timedelta(seconds=10))
    notifying = Notifying(events, lambda *said: told.append(said), lambda: now[0], pace)
    data = {"title": "gas fires at pi", "device": "pi", "channel": "co", "value": 61.5, "count": 3}
    event = Event(kind="notification", what="firing", data=data)
    for _ in range(3):
        events.tell(event)
    now[0] += timedelta(seconds=10)
    events.tell(event)
    notifying.close()
    events.tell(event)
    assert told == [
        ("gas fires at pi", "pi co: 61.5\nand 2 more"),
        (
            "gas fires at pi",
            "pi co: 61.5\nand 2 more\n2 notifications before this one were not shown",
        ),
    ]
