"""The registry: what can be said of a device, and how devices are listed."""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from cloud.stack import accounts
from tests.cloud.control.api import Api
from tests.cloud.control.devices.player import enrolled, register


def table(local: httpx.Client, text: str, **query: Any) -> httpx.Response:
    return local.post(
        "/v1/device-imports", content=text, headers={"Content-Type": "text/csv"}, params=query
    )


def test_what_was_registered_is_shown_in_the_view_that_others_read(
    api: Api, local: httpx.Client, name: str
) -> None:
    made = register(local, name, label="Drying oven", site="Hall 2", latitude=48.1, longitude=11.6)
    assert made["device"]["state"] == "registered"
    assert made["login"] is None
    with psycopg.connect(api.postgres.dsn("fieldline_reader")) as reader:
        row = reader.execute(
            "SELECT name, site, latitude, longitude, status FROM fieldline.device "
            "WHERE device = %s",
            (name,),
        ).fetchone()
    assert row == ("Drying oven", "Hall 2", 48.1, 11.6, "unknown")


def test_a_new_label_keeps_the_name_and_needs_the_version_that_was_seen(
    local: httpx.Client, name: str
) -> None:
    register(local, name, label="old")
    tag = local.get(f"/v1/devices/{name}").headers["etag"]
    body = {"label": "new"}
    assert local.put(f"/v1/devices/{name}", json=body).status_code == 428
    answer = local.put(f"/v1/devices/{name}", json=body, headers={"If-Match": tag})
    assert (answer.json()["name"], answer.json()["label"]) == (name, "new")
    late = local.put(f"/v1/devices/{name}", json=body, headers={"If-Match": tag})
    assert late.status_code == 412


def test_a_name_is_given_once(local: httpx.Client, name: str) -> None:
    register(local, name)
    answer = local.post("/v1/devices", json={"name": name})
    assert (answer.status_code, answer.json()["taken"]) == (409, [name])


@pytest.mark.parametrize(
    "body",
    [
        {"name": "../etc"}, {"name": "a/b"}, {"name": "+"}, {"name": "x" * 64}, {"name": ""},
        {"name": accounts.ADMIN}, {"name": accounts.CONTROL}, {"name": "a~b"},
        {"name": "ok", "latitude": 91, "longitude": 0}, {"name": "ok", "latitude": 1},
        {"name": "ok", "kind": "admin"}, {"name": "ok", "label": "a\nb"},
        {"name": "ok", "label": "x" * 129}, {"name": "ok", "colour": "red"},
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(local: httpx.Client, body: dict[str, Any]) -> None:
    answer = local.post("/v1/devices", json=body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["faults"]


def test_a_device_that_never_enrolled_is_deleted_and_an_enrolled_one_is_not(
    local: httpx.Client, name: str, tmp_path: Path
) -> None:
    register(local, name)
    assert local.delete(f"/v1/devices/{name}").status_code == 204
    assert local.get(f"/v1/devices/{name}").status_code == 404
    enrolled(local, name, tmp_path)
    assert local.delete(f"/v1/devices/{name}").status_code == 409
    local.post(f"/v1/devices/{name}/revocation", json={})
    assert local.delete(f"/v1/devices/{name}").status_code == 204
    assert local.get(f"/v1/devices/{name}").json()["state"] == "gone"
    assert local.post("/v1/devices", json={"name": name}).status_code == 409


def test_a_table_is_registered_as_a_whole_with_tokens_and_logins(
    local: httpx.Client, name: str
) -> None:
    answer = table(
        local,
        "\ufeffname,site,latitude,longitude,kind\n"
        f"{name}-a,Hall 2,48.1,11.6,\n{name}-b,,,,foreign\n",
        tokens=True,
    )
    assert answer.status_code == 201, answer.text
    assert answer.json()["registered"] == 2
    assert [one["device"] for one in answer.json()["tokens"]] == [f"{name}-a"]
    assert [one["device"] for one in answer.json()["logins"]] == [f"{name}-b"]


def test_a_faulty_table_names_every_fault_by_its_line_and_registers_nothing(
    local: httpx.Client, name: str
) -> None:
    register(local, f"{name}-there")
    answer = table(
        local,
        f"name,latitude,longitude\n{name}-good,,\n../x,,\n{name}-far,99,0\n{name}-good,,\n{name}-x,1\n",
    )
    assert answer.status_code == 422
    assert [fault["line"] for fault in answer.json()["faults"]] == [3, 4, 5, 6]
    assert local.get(f"/v1/devices/{name}-good").status_code == 404
    there = table(local, f"name\n{name}-new\n{name}-there\n")
    assert [fault["line"] for fault in there.json()["faults"]] == [3]
    assert local.get(f"/v1/devices/{name}-new").status_code == 404


@pytest.mark.parametrize(
    ("text", "what"),
    [("", "name the columns"), ("label\nx\n", "name the columns"), ("name,nmae\n", "nmae"),
     ("name\n", "no device"), ("name,name\n", "twice")],
)  # fmt: skip
def test_a_table_without_sense_is_refused(local: httpx.Client, text: str, what: str) -> None:
    answer = table(local, text)
    assert answer.status_code == 422
    assert what in " ".join(fault["what"] for fault in answer.json()["faults"])


def test_five_thousand_devices_are_listed_page_by_page_and_quickly(
    local: httpx.Client, name: str
) -> None:
    rows = "".join(f"{name}-{i:04d},site {i % 7},of {name}\n" for i in range(5000))
    assert table(local, f"name,site,label\n{rows}").status_code == 201
    seen: list[str] = []
    cursor, spent = None, []
    while True:
        query: dict[str, Any] = {"limit": 1000, "words": f"of {name}"}
        if cursor:
            query["cursor"] = cursor
        began = time.monotonic()
        page = local.get("/v1/devices", params=query).json()
        spent.append(time.monotonic() - began)
        seen += [one["name"] for one in page["items"]]
        if (cursor := page["next"]) is None:
            break
    assert seen == sorted(f"{name}-{i:04d}" for i in range(5000))
    # A wide bound, for a machine that does much else; the figure is in docs/figures.md.
    assert statistics.median(spent) < 0.5
    some = local.get("/v1/devices", params={"words": f"{name}-004", "site": "site 1"}).json()
    assert {one["site"] for one in some["items"]} == {"site 1"}
    assert local.get("/v1/devices", params={"cursor": "nonsense"}).status_code == 422


def test_every_act_is_in_the_audit_with_who_did_it(
    api: Api, local: httpx.Client, name: str, tmp_path: Path
) -> None:
    enrolled(local, name, tmp_path)
    local.post(f"/v1/devices/{name}/revocation", json={"reason": "sold"})
    local.delete(f"/v1/devices/{name}/revocation")
    with psycopg.connect(api.postgres.dsn()) as owner:
        acts = owner.execute(
            "SELECT person, action FROM control.audit WHERE subject = %s ORDER BY id",
            (f"device/{name}",),
        ).fetchall()
    assert acts == [
        ("local", "device.register"),
        ("local", "device.invite"),
        (f"device {name}", "device.enrol"),
        ("local", "device.revoke"),
        ("local", "device.restore"),
    ]
