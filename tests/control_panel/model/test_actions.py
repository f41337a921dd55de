"""What can be done, by whom; what can be taken back; who is told what."""

from __future__ import annotations

from typing import Any

import pytest

from control_panel.model.actions import Action, Registry
from control_panel.model.broadcast import LOOK_ANEW, Broadcast
from control_panel.model.history import History
from control_panel.model.things import Event


def action(identity: str, ran: list[str], **members: Any) -> Action:
    return Action(
        **{"id": identity, "text": identity, "run": lambda: ran.append(identity), **members}
    )


def test_an_action_is_done_by_who_may() -> None:
    ran: list[str] = []
    registry = Registry("operator")
    registry.add(
        action("look", ran),
        action("stop", ran, role="operator"),
        action("rotate", ran, role="admin"),
        action("undo", ran, enabled=lambda: False),
    )
    done = {one.id: registry.run(one.id) for one in registry.actions}
    assert done == {"look": True, "stop": True, "rotate": False, "undo": False}
    assert ran == ["look", "stop"]
    assert not registry.run("nothing")
    why = {one.id: registry.why_not(one) for one in registry.actions}
    assert why["rotate"] == "This needs the role admin; you are operator"
    assert why["undo"]
    registry.become("admin")
    assert registry.run("rotate")


def test_an_id_and_a_shortcut_are_taken_once() -> None:
    ran: list[str] = []
    registry = Registry()
    remove = registry.add(action("a", ran, shortcut="Ctrl+A"))
    with pytest.raises(ValueError, match="an action a"):
        registry.add(action("a", ran))
    with pytest.raises(ValueError, match="taken"):
        registry.add(action("b", ran, shortcut="Ctrl+A"))
    remove()
    registry.add(action("b", ran, shortcut="Ctrl+A"))
    assert [one.id for one in registry.actions] == ["b"]


def test_actions_are_found_by_their_words() -> None:
    registry = Registry()
    ran: list[str] = []
    registry.add(
        action("1", ran, text="Show devices", menu="View"),
        action("2", ran, text="Register a device", words="add new"),
        action("3", ran, text="Device overview"),
    )
    assert [one.id for one in registry.find("device")] == ["3", "1", "2"]
    assert [one.id for one in registry.find("NEW dev")] == ["2"]
    assert [one.id for one in registry.find("")] == ["1", "2", "3"]
    assert registry.find("xyz") == []


def test_the_last_act_is_taken_back_first() -> None:
    history, told, undone = History(), list[str | None](), list[str]()
    history.listen(lambda done: told.append(done.said if done else None))
    assert not history.undo()
    for name in ("a", "b"):
        history.add(f"did {name}", lambda name=name: undone.append(name))  # type: ignore[misc]
    assert history.last is not None
    assert history.last.said == "did b"
    assert history.undo()
    assert history.undo()
    assert not history.undo()
    assert undone == ["b", "a"]
    assert told == ["did a", "did b", None, None]


def test_an_event_goes_to_who_asked_for_its_kind_and_a_gap_to_all() -> None:
    broadcast, told = Broadcast(), list[tuple[str, str]]()
    end = broadcast.listen(["device"], lambda event: told.append(("devices", event.kind)))
    broadcast.listen(["alert", "snooze"], lambda event: told.append(("alerts", event.kind)))
    for kind in ("device", "snooze", "other"):
        broadcast.tell(Event(kind=kind))
    broadcast.look_anew()
    end()
    broadcast.tell(Event(kind="device"))
    assert told == [
        ("devices", "device"), ("alerts", "snooze"),
        ("devices", LOOK_ANEW), ("alerts", LOOK_ANEW),
    ]  # fmt: skip
