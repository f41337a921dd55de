"""What the server and the client say, in a person's own language."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from PySide6.QtCore import QLocale
from PySide6.QtWidgets import QApplication

from cloud.control.pipeline import graph
from cloud.control.remote import words as remote
from cloud.control.status import judge
from cloud.stack import states
from cloud.stack.plan import STAGES
from control_panel.client.demo.scene import dated
from control_panel.qt import catalogues, texts
from control_panel.qt.sentences import SENTENCES, heard
from tests.servers import CHECKOUT

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
CLIENT = CHECKOUT / "control_panel" / "client"
ERRORS = {
    "ClientError", "LinkRefused", "NotReached", "TooSlow", "NotTrusted", "StrangeAnswer",
    "NotLoggedIn", "NotKept",
}  # fmt: skip


def known(text: str) -> bool:
    return any(one.pattern.fullmatch(text) for one in SENTENCES)


@pytest.fixture
def german(qapp: QApplication) -> Iterator[None]:
    """The application speaks German."""
    before = QLocale()
    texts.install(qapp, "de")
    yield
    texts.install(qapp, "en")
    QLocale.setDefault(before)


@pytest.mark.parametrize("action", get_args(graph.Action))
def test_what_an_action_brings_about_is_known(action: graph.Action) -> None:
    said = graph.whole_consequences(action, STAGES)
    for stage in STAGES:
        said += graph.consequences(stage, action, STAGES)
    assert [one for one in said if not known(one)] == []


def test_how_a_device_does_is_known() -> None:
    status = judge.Said(
        online=True, reason="", since=None, synced=True, filled=0.5, oldest=None, failing="",
        idle=False,
    )  # fmt: skip
    now = NOON.timestamp()
    changed: list[dict[str, Any]] = [
        {"online": False}, {"filled": 0.9}, {"filled": 0.9, "oldest": now}, {"synced": False},
        {"idle": True}, {"failing": "air: gives no reading"},
    ]  # fmt: skip
    verdicts = [judge.judge(replace(status, **one), judge.Known(), now) for one in changed]
    verdicts += [
        judge.judge(None, judge.Known(), now),
        judge.judge(None, judge.Known(registration="revoked"), now),
        judge.judge(None, judge.Known(arrival=now - 1e6), now),
        judge.judge(status, judge.Known(arrival=now - 1e6), now),
        judge.judge(status, judge.Known(), now),
    ]
    assert {one.condition for one in verdicts} == set(judge.Condition)
    assert [one.reason for one in verdicts if one.reason and not known(one.reason)] == []


def test_how_a_stage_does_is_known() -> None:
    now = NOON.timestamp()
    lives = [
        states.Life("DOWN"), states.Life("STOPPED"), states.Life("EXITED"), states.Life("BACKOFF"),
        states.Life("RUNNING", restarts=2, last_words="no room"),
    ]  # fmt: skip
    probes = [
        states.Probe(), states.Probe(error="has not begun to work"), states.Probe(at=1.0),
        states.Probe(lag=821, behind_s=41.0), states.Probe(error="does not answer within 2.0 s"),
    ]  # fmt: skip
    said = {states.judge(life, probe, now)[1] for life in lives for probe in probes} - {""}
    assert len(said) >= 8
    assert [one for one in sorted(said) if not known(one)] == []


@pytest.mark.parametrize("state", ["queued", "sent", "done", "expired", "no answer", "withdrawn"])
@pytest.mark.parametrize("broker", [True, False])
@pytest.mark.parametrize("expires", [NOON, None])
@pytest.mark.parametrize(
    "presence",
    [
        remote.Presence(online=True),
        remote.Presence(online=False, ever=False),
        remote.Presence(online=False, reason="connection lost", since=NOON),
        remote.Presence(online=False),
    ],
    ids=["online", "never", "lost", "offline"],
)
def test_how_it_stands_with_a_command_is_known(
    state: str, broker: bool, expires: datetime | None, presence: remote.Presence
) -> None:
    row = {"device": "pi-7", "state": state, "expires": expires, "error": None}
    assert known(remote.note(row, presence, broker=broker))


def test_what_the_client_says_went_wrong_and_what_to_do_is_known() -> None:
    said = []
    for file in sorted(CLIENT.glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ERRORS:
                said += [filled(part) for whole in node.args for part in ways(whole)]
    assert len(said) > 60
    assert [one for one in said if one and not known(one)] == []


def ways(part: ast.expr) -> list[ast.expr]:
    return [part.body, part.orelse] if isinstance(part, ast.IfExp) else [part]


def filled(part: ast.expr) -> str:
    """A text with something in each of its places; empty for a variable."""
    match part:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=values):
            return "".join(filled(value) or "7" for value in values)
        case ast.BinOp(left=left):
            return filled(left) + "7"
        case _:
            return ""


def test_what_the_demonstration_declines_is_known() -> None:
    scene = json.loads((CLIENT / "demo" / "data" / "scene.json").read_bytes())
    said = [act["would"] for act in scene["acts"]]
    assert len(said) > 20
    assert [one for one in said if not known(one)] == []


OF_PEOPLE_AND_DEVICES = {
    "air: an interval of 0.001 s is shorter than this source can read (0.1 s)",
    "flue: no answer from the board on /dev/ttyUSB1 for 41 min",
    "the shed was taken down",
}
"""Reasons that are told as they were given."""


def test_what_the_demonstrations_server_says_a_real_one_could_say() -> None:
    answers = json.loads((CLIENT / "demo" / "data" / "scene.json").read_bytes())["answers"]
    said = {
        part
        for path, answer in answers.items()
        if path.startswith(("/v1/devices", "/v1/pipeline", "/v1/storage"))
        for part in spoken(dated(answer, NOON.timestamp(), NOON.timestamp()))
    }
    assert len(said) > 40
    assert {one for one in said if not known(one)} == OF_PEOPLE_AND_DEVICES


def spoken(answer: Any) -> Iterator[str]:
    """Every sentence of the server's in an answer."""
    if isinstance(answer, list):
        for one in answer:
            yield from spoken(one)
    elif isinstance(answer, dict):
        for name, value in answer.items():
            if name in {"status_reason", "reason", "note", "forecast", "warning"} and value:
                yield value
            elif name == "consequences":
                yield from value
            elif name not in {"own", "after", "before"}:
                yield from spoken(value)


@pytest.mark.usefixtures("german")
def test_a_sentence_is_said_in_the_language_and_time_of_a_person() -> None:
    told = heard("no reading was stored since 2026-03-01 12:00:00 UTC; usually every 5 s")
    assert told.startswith("seit 01.03.2026")
    assert told.endswith("wurde kein Messwert gespeichert; sonst alle 5 s")
    lost = "pi-7 is offline since 2026-03-01 12:00:00 UTC (connection lost); nothing was sent"
    assert "Verbindung verloren" in heard(lost)
    assert heard(lost).endswith("; es wurde nichts gesendet")
    assert heard("somebody's own words") == "somebody's own words"


@given(st.data())
def test_english_stays_as_it_was_said_but_for_its_times(data: st.DataObject) -> None:
    sentence = data.draw(st.sampled_from([one for one in SENTENCES if "{at}" not in one.text]))
    names = catalogues.places(sentence.text)
    words = st.text("abc {}()%", min_size=1)
    numbers = st.integers(0, 9999).map(str)
    shapes = {
        "n": numbers, "m": numbers, "seconds": numbers, "share": numbers.map("{}%".format),
        "device": st.just("pi-7"), "stage": st.just("kafka"),
    }  # fmt: skip
    text = sentence.text.format(**{name: data.draw(shapes.get(name, words)) for name in names})
    assert heard(text) == text


@given(st.text())
def test_what_is_not_known_stays_as_it_is(text: str) -> None:
    assert heard(text) == text
