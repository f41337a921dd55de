"""The API at work with 5,000 devices: registered, enrolled, listed, revoked; what it then holds.

A real PostgreSQL, broker and API, alone in a folder of their own, and a client beside them on the
same machine: fifty agents at once, each with a connection and a certificate request of its own.
All 5,000 are registered from a table, and as many enrolled as the argument says (all).

    python -m benchmarks.control 1000
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import ssl
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx

from benchmarks.rest import held_mb, used_s
from cloud.stack.folder import Folder
from tests.cloud.control.api import Api
from tests.cloud.control.devices.player import Key, Player, enrolled
from tests.servers import Broker, Postgres

RESULT = Path(__file__).parent / "results" / "control.json"
DEVICES = 5000
AT_ONCE = 50
_REVOKED = 10
_LISTINGS = 20

LIMITS = {
    "registered_and_enrolled_s": 600.0,
    "list_page_of_1000_p95_ms": 50.0,
    "revoke_to_disconnect_worst_s": 2.0,
    "api_resident_mb": 90.0,
}


def main() -> int:
    """Measure, print, and write the results."""
    most = int(sys.argv[1]) if len(sys.argv) > 1 else DEVICES
    parent = Path(tempfile.mkdtemp(prefix="fieldline-bench-"))
    parent.chmod(0o755)
    postgres, broker = Postgres(Folder(parent)), Broker(Folder(parent))
    postgres.start()
    broker.start()
    api = Api(broker.folder, postgres, broker)
    api.start()
    try:
        result = measure(api, parent, most)
    finally:
        api.stop()
        broker.kill()
        postgres.kill()
        shutil.rmtree(parent, ignore_errors=True)
    for name, limit in LIMITS.items():
        print(f"{name:<32} {result[name]:8.2f}: {result[name] / limit:.2f} of the limit {limit:g}")
    print(json.dumps(result, indent=1))
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    return 0


def measure(api: Api, folder: Path, most: int) -> dict[str, Any]:
    """Return the figures."""
    broker = api.broker.pid
    with api.client(api.local_token) as local:
        at_rest = resident_mb(api.pid)
        requests = [Key().request() for _ in range(most)]
        began = time.monotonic()
        tokens = register(local)
        registered = time.monotonic() - began
        listing = list_all(local)
        spent, at = [0.0], [used_s(api.pid), used_s(broker)]
        bounds = [round(most * part / 5) for part in range(6)]
        for first, last in pairwise(bounds):
            spent.append(
                enrol(api, list(zip(tokens[first:last], requests[first:last], strict=True)))
            )
        used = [used_s(api.pid) - at[0], used_s(broker) - at[1]]
        return {
            "date": datetime.now(UTC).date().isoformat(),
            "cores": os.cpu_count(),
            "devices": DEVICES,
            "enrolled": most,
            "registered_s": round(registered, 1),
            "registered_and_enrolled_s": round(registered + sum(spent), 1),
            "enrolments_a_second_up_to": {
                str(last): round((last - first) / took, 1)
                for (first, last), took in zip(pairwise(bounds), spent[1:], strict=True)
            },
            "cpu_ms_an_enrolment": {
                "api": round(used[0] / most * 1000, 1),
                "broker": round(used[1] / most * 1000, 1),
            },
            "list_page_of_1000_p95_ms": listing,
            "list_page_of_1000_p95_ms_enrolled": list_all(local),
            "revoke_to_disconnect_worst_s": revoke(local, folder),
            "api_at_rest_mb": round(at_rest, 1),
            "api_resident_mb": round(resident_mb(api.pid), 1),
            "api_proportional_mb": round(held_mb(api.pid), 1),
        }


def register(local: httpx.Client) -> list[str]:
    """Register all devices from a table; return their tokens."""
    table = "name\n" + "".join(f"bench-{n:04d}\n" for n in range(DEVICES))
    answer = local.post("/v1/device-imports?tokens=true", content=table, timeout=120)
    answer.raise_for_status()
    return [one["token"] for one in answer.json()["tokens"]]


def list_all(local: httpx.Client) -> float:
    """List all devices again and again; p95 of a page, in ms."""
    spent = []
    for _ in range(_LISTINGS):
        cursor: str | None = ""
        while cursor is not None:
            query = {"limit": "1000"} | ({"cursor": cursor} if cursor else {})
            began = time.perf_counter()
            page = local.get("/v1/devices", params=query)
            spent.append((time.perf_counter() - began) * 1000)
            cursor = page.json()["next"]
    return round(statistics.quantiles(spent, n=20)[-1], 1)


def enrol(api: Api, agents: list[tuple[str, str]]) -> float:
    """Have agents (token, certificate request) enrol, fifty at once; return the seconds taken."""
    context = ssl.create_default_context(cafile=str(api.certificates.ca))

    def one(agent: tuple[str, str]) -> None:
        token, request = agent
        body = json.dumps({"token": token, "request": request})
        connection = http.client.HTTPSConnection(
            "127.0.0.1", api.port, context=context, timeout=120
        )
        connection.request("POST", "/v1/enrolment", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        assert answer.status == 200, text

    return timed(lambda: parallel(one, agents))


def parallel(act: Callable[[tuple[str, str]], None], agents: list[tuple[str, str]]) -> None:
    """Do it for each, fifty at once."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(act, agents))


def timed(act: Callable[[], None]) -> float:
    """Return the seconds it took."""
    began = time.monotonic()
    act()
    return time.monotonic() - began


def revoke(local: httpx.Client, folder: Path) -> float:
    """Revoke connected devices, one after the other; the longest until one was cut off, in s."""
    worst = 0.0
    for number in range(_REVOKED):
        name = f"revoked-{number}"
        player = Player(enrolled(local, name, folder))
        began = time.monotonic()
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(local.post, f"/v1/devices/{name}/revocation", json={})
            assert player.gone.wait(20)
            worst = max(worst, time.monotonic() - began)
            asked.result().raise_for_status()
        player.close()
    return round(worst, 3)


def resident_mb(pid: int) -> float:
    """Resident set of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


if __name__ == "__main__":
    sys.exit(main())
