"""Somebody asks for a proof that nothing is missing."""

from __future__ import annotations

from typing import Any

import httpx
import psycopg
import pytest

from tests.cloud.control.api import Api
from tests.cloud.control.history.conftest import Past
from tests.waiting import eventually


def ended(local: httpx.Client, identity: str) -> dict[str, Any]:
    def there() -> dict[str, Any]:
        found: dict[str, Any] = local.get(f"/v1/verifications/{identity}").json()
        assert found["state"] != "running", found
        return found

    return eventually(there, within=30)


def test_a_proof_is_begun_told_and_recorded(api: Api, local: httpx.Client) -> None:
    begun = local.post("/v1/verifications")
    assert begun.status_code == 202, begun.text
    one = begun.json()
    assert begun.headers["Location"] == f"/v1/verifications/{one['id']}"
    assert (one["state"], one["by"], one["checked"]) == ("running", "local", None)
    found = ended(local, one["id"])
    assert found["state"] in {"sound", "unsound"}, found
    assert isinstance(found["checked"], int)
    assert local.get("/v1/verifications").json()["items"][0] == found
    acts = local.get("/v1/audit", params={"subject": f"verification/{one['id']}"}).json()["items"]
    assert [act["action"] for act in acts] == ["verification.begin"]


def test_what_differs_is_found_and_named(api: Api, local: httpx.Client) -> None:
    past = Past(api)
    series = past.channel("proved")
    past.readings(series, 20)
    past.execute("UPDATE storage.rollup_1m SET maximum = 1e6 WHERE series = %s", series)
    try:
        found = ended(local, local.post("/v1/verifications").json()["id"])
    finally:
        past.execute("DELETE FROM storage.rollup_1m WHERE series = %s", series)
        past.execute("DELETE FROM storage.rollup_1h WHERE series = %s", series)
        past.execute("DELETE FROM storage.rollup_1d WHERE series = %s", series)
        past.execute("DELETE FROM storage.reading WHERE series = %s", series)
        past.close()
    assert found["state"] == "unsound"
    assert found["differing"] >= 1
    assert any(past.device in detail for detail in found["details"])


def test_one_at_a_time_and_the_second_is_told_whose_runs(api: Api, local: httpx.Client) -> None:
    # Whoever lets something expire holds this, and so the proof waits.
    with psycopg.connect(api.postgres.dsn()) as owner:
        owner.execute("SELECT pg_advisory_xact_lock(hashtext('fieldline.retention'))")
        one = local.post("/v1/verifications").json()
        again = local.post("/v1/verifications")
        assert (again.status_code, again.json()["type"].rpartition(":")[2]) == (409, "busy")
        assert "local" in again.json()["detail"]
        assert one["id"] in again.json()["fix"]
    assert ended(local, one["id"])["state"] != "failed"


@pytest.mark.parametrize("identity", ["00000000-0000-0000-0000-000000000000", "x" * 64])
def test_one_that_nobody_knows_is_not_there(local: httpx.Client, identity: str) -> None:
    assert local.get(f"/v1/verifications/{identity}").status_code == 404
