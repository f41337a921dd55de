"""The view of completeness against the real API."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator

import psycopg
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QAbstractItemModelTester
from pytestqt.qtbot import QtBot

from control_panel.model.completeness import Tally
from control_panel.model.places import Place
from control_panel.qt.views.completeness.bars import Bar
from control_panel.qt.views.completeness.view import CompletenessView
from tests.cloud.control.api import Api
from tests.control_panel.qt.rig import Rig, nameless, picture
from tests.waiting import eventually

LEFT = Qt.MouseButton.LeftButton
Make = Callable[[str], Rig]
_LEDGER = """
INSERT INTO storage.ledger (device, epoch, next, stored, held, lost)
VALUES (%s, %s, %s, %s::int8multirange, %s::int8multirange, %s::int8multirange)
"""

_DAYS = """
INSERT INTO storage.ledger_day (device, epoch, day, first, packs)
VALUES (%s, %s, '2026-03-01', 0, 40), (%s, %s, '2026-03-02', 40, 20)
"""
_LOSS = "INSERT INTO storage.loss VALUES (%s, %s, 'quota', '{[90,100)}')"


@pytest.fixture
def devices(api: Api) -> Iterator[str]:
    """Three devices whose names begin with what is given: whole, waiting, and one that lost."""
    name = f"c{uuid.uuid4().hex[:6]}"
    with psycopg.connect(api.postgres.dsn(), autocommit=True) as owner:
        made = []
        for device, epochs in (
            (f"{name}-whole", [("{[0,100)}", "{}", "{}")]),
            (f"{name}-waits", [("{[0,60)}", "{[60,100)}", "{}")]),
            (f"{name}-lossy", [("{[0,90)}", "{}", "{[90,100)}"), ("{[0,100)}", "{}", "{}")]),
        ):
            row = owner.execute(
                "INSERT INTO storage.device (device) VALUES (%s) RETURNING id", [device]
            ).fetchone()
            assert row is not None
            made.append(row[0])
            for number, ranges in enumerate(epochs):
                epoch = f"{number}{uuid.uuid4().hex}"[:32]
                owner.execute(_LEDGER, [row[0], epoch, 100, *ranges])
                owner.execute(_DAYS, [row[0], epoch, row[0], epoch])
                if device.endswith("lossy") and number == 0:
                    owner.execute(_LOSS, [row[0], epoch])
        yield name
        for table in ("loss", "ledger_day"):
            owner.execute(f"DELETE FROM storage.{table} WHERE device = ANY(%s)".encode(), [made])
        owner.execute("DELETE FROM storage.ledger WHERE device = ANY(%s)", [made])
        owner.execute("DELETE FROM storage.device WHERE id = ANY(%s)", [made])


@pytest.fixture
def show(qtbot: QtBot) -> Iterator[Callable[[Rig], CompletenessView]]:
    shown: list[CompletenessView] = []

    def make(rig: Rig) -> CompletenessView:
        rig.listen()
        view = CompletenessView(rig.panel)
        QAbstractItemModelTester(view.table.rows, view.table)
        qtbot.addWidget(view)
        view.resize(1060, 740)
        view.show()
        view.shown()
        shown.append(view)
        return view

    yield make
    for view in shown:
        view.close_down()


Show = Callable[[Rig], CompletenessView]


def test_the_worst_device_comes_first_and_is_told_in_words(
    qtbot: QtBot, rig: Make, show: Show, devices: str
) -> None:
    made = rig("viewer")
    view = show(made)
    view.filter.setText(devices)
    qtbot.waitUntil(lambda: view.table.rows.rowCount() == 5)
    names = [row.device.removeprefix(f"{devices}-") for row in view.table.rows.rows]
    assert names == ["lossy", "lossy", "lossy", "waits", "whole"]
    view.show_place(f"{devices}-lossy")
    picture(view, "completeness")
    assert "190 of 200 packs are stored (95.00 %)" in view.chosen.text()
    assert "10 are lost: the device has said" in view.chosen.text()
    assert nameless(view) == []
    view.incomplete.setChecked(True)
    assert f"{devices}-whole" not in [row.device for row in view.table.rows.rows]
    view.filter.setText("no such device")
    assert view.none.isVisible()
    view.filter.setText(f"{devices}-waits")
    qtbot.keyClick(view.table, Qt.Key.Key_Return)
    assert made.places == [Place("devices", f"{devices}-waits")]
    assert not view.proof.button.isEnabled()
    assert "operator" in view.proof.button.toolTip()


def test_it_is_proved_on_demand_and_the_result_is_shown(
    qtbot: QtBot, rig: Make, show: Show, api: Api
) -> None:
    view = show(rig("operator"))
    qtbot.waitUntil(view.proof.button.isEnabled)
    with psycopg.connect(api.postgres.dsn()) as owner:
        # Whoever lets something expire holds this, and so the proof waits.
        owner.execute("SELECT pg_advisory_xact_lock(hashtext('fieldline.retention'))")
        qtbot.mouseClick(view.proof.button, LEFT)
        qtbot.waitUntil(view.proof.busy.isVisible)
        assert view.proof.button.toolTip() == "A proof is under way."
        picture(view, "completeness-proving")
    qtbot.waitUntil(lambda: not view.proof.busy.isVisible())
    assert view.proof.newest is not None
    assert view.proof.newest.state in {"sound", "unsound"}
    assert view.proof.text.text().startswith(("Proved at", "Not sound at"))
    assert view.proof.details.isVisible() is bool(view.proof.newest.details)
    picture(view, "completeness-proved")


def test_a_second_proof_is_refused_in_its_place(
    qtbot: QtBot, rig: Make, show: Show, api: Api
) -> None:
    view = show(rig("operator"))
    qtbot.waitUntil(view.proof.button.isEnabled)
    view.close_down()  # it does not hear that somebody else begins
    with psycopg.connect(api.postgres.dsn()) as owner, api.client(api.local_token) as other:
        owner.execute("SELECT pg_advisory_xact_lock(hashtext('fieldline.retention'))")
        assert other.post("/v1/verifications").status_code == 202
        qtbot.mouseClick(view.proof.button, LEFT)
        qtbot.waitUntil(lambda: "runs already" in view.proof.trouble.text())
        owner.rollback()

        def over() -> bool:
            return bool(other.get("/v1/verifications").json()["items"][0]["state"] != "running")

        eventually(over, within=30)


def test_each_piece_of_a_bar_has_a_pattern_of_its_own(qtbot: QtBot) -> None:
    pictures = set()
    for kind in range(4):
        bar = Bar()
        qtbot.addWidget(bar)
        bar.resize(60, 18)
        bar.show_tally(Tally(*(int(kind == one) for one in range(4))), "")
        image = bar.grab().toImage()
        inked = tuple(
            image.pixelColor(x, y) != image.pixelColor(1, 1)
            for x in range(10, 40) for y in range(3, 15)
        )  # fmt: skip
        pictures.add(inked)
    assert len(pictures) == 4


def test_a_device_is_told_by_day_and_what_it_lost_with_the_reason(
    qtbot: QtBot, rig: Make, show: Show, devices: str
) -> None:
    view = show(rig("viewer"))
    QAbstractItemModelTester(view.days.table.rows, view.days.table)
    qtbot.waitUntil(lambda: bool(view.table.rows.rows))
    view.show_place(f"{devices}-waits")
    qtbot.waitUntil(lambda: len(view.days.table.rows.rows) == 2)
    assert [(str(day.day), day.tally) for day in view.days.table.rows.rows] == [
        ("2026-03-02", Tally(20, 40, 0, 0)), ("2026-03-01", Tally(40, 0, 0, 0)),
    ]  # fmt: skip
    assert view.days.why.isHidden()
    view.show_place(f"{devices}-lossy")
    qtbot.waitUntil(lambda: not view.days.why.isHidden())
    said = "Lost: 10 thrown away by the device, whose buffer was full."
    assert view.days.why.text() == said
    picture(view, "completeness-days")
