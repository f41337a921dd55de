"""Rows of devices: what is shown of them, in which order."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_panel.model.devices_table import COLUMNS, DevicesTable, Shown
from control_panel.model.live import Live
from control_panel.model.things import Completeness, Device
from wire.status import BufferStatus, Status, encode_status

PI = Device(
    name="pi-1", state="enrolled", agent_version="0.2.0", created=datetime(2026, 3, 1, tzinfo=UTC),
    enrolled=None, kind="agent", label="", last_seen=None, latitude=None, longitude=None,
    reason="", restorable_until=None, revoked=None, site="hall", status="online",
    status_reason="", version=1,
)  # fmt: skip


def table_of(**devices: dict[str, object]) -> DevicesTable:
    table = DevicesTable()
    fleet = {
        name.replace("_", "-"): msgspec.structs.replace(PI, name=name.replace("_", "-"), **members)
        for name, members in devices.items()
    }
    table.take(fleet, fleet, Live())
    return table


def names(table: DevicesTable) -> list[str]:
    return [row.name for row in table.visible]


def test_what_needs_a_person_comes_first_and_equal_ones_by_their_numbers() -> None:
    table = table_of(pi_10={}, pi_2={}, a={"status": "late"}, b={"status": "source failing"})
    assert names(table) == ["b", "a", "pi-2", "pi-10"]


def test_all_words_must_be_there_wherever_they_stand() -> None:
    table = table_of(
        pi_1={"label": "Übergabe Süd", "status": "late", "status_reason": "no reading for 3 min"},
        pi_2={"label": "Nord"},
    )
    for words, found in (
        ("übergabe READING", ["pi-1"]), ("pi hall", ["pi-1", "pi-2"]), ("nord late", []),
    ):  # fmt: skip
        table.show(Shown(words=words))
        assert names(table) == found


def test_statuses_are_chosen_beside_the_words() -> None:
    table = table_of(a={"status": "late"}, b={"status": "offline"}, c={})
    table.show(Shown(statuses=frozenset({"late", "offline"})))
    assert names(table) == ["b", "a"]


@given(column=st.sampled_from(COLUMNS), descending=st.booleans())
def test_every_column_orders_without_losing_a_row(column: str, descending: bool) -> None:
    table = table_of(a={"site": "x"}, b={"label": "l", "last_seen": PI.created}, c={"status": "??"})
    table.show(Shown(sort=column, descending=descending))
    assert sorted(names(table)) == ["a", "b", "c"]


def test_what_a_device_says_itself_is_newer_than_what_the_server_knows() -> None:
    table, live = DevicesTable(), Live()
    status = Status(
        "online", agent="0.3.0", clock="synced",
        buffer=BufferStatus(held=((3, 4), (7, 7)), bytes=10, quota=40),
    )  # fmt: skip
    live.hear("pi-1", "status", encode_status(status), 0)
    table.heard("pi-1", int(PI.created.timestamp() * 1e6))
    table.complete(
        Completeness(
            device="pi-1", epoch=epoch, first_seq=1, last_seq=10, lost=1, missing=0, on_device=0,
            stored=9,
        )
        for epoch in ("a", "b")
    )  # fmt: skip
    assert table.take(["pi-1"], {"pi-1": PI}, live)
    row = table.row("pi-1")
    assert row is not None
    assert (row.agent, row.clock, row.unsent, row.fill) == ("0.3.0", "synced", 3, 0.25)
    assert row.last_seen == PI.created
    assert row.complete == pytest.approx(0.9)
    assert not table.take(["pi-1"], {"pi-1": PI}, live), "nothing has changed"


def test_what_is_gone_is_shown_no_more() -> None:
    table = table_of(a={}, b={})
    assert table.take(
        ["a", "b"], {"a": msgspec.structs.replace(PI, name="a", state="gone")}, Live()
    )
    assert names(table) == []
