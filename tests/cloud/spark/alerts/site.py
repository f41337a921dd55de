"""A database with rules, a stream's store that writes to it, and what people then see."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from itertools import count
from typing import Any

import psycopg

from cloud.spark import store as stores
from cloud.spark.alerts.fold import Episode
from cloud.spark.alerts.horizon import Horizon
from cloud.spark.alerts.rules import Rule
from cloud.spark.decode import Record, Request, decode_records
from cloud.spark.part import Part
from cloud.spark.store import Store, Stored
from tests.cloud.databases import dsn
from tests.servers import Postgres
from tests.waiting import eventually
from wire.names import new_epoch
from wire.pack import encode_pack
from wire.reading import Reading, TimeQuality

SECOND = 1_000_000

_RULE = """
INSERT INTO control.alert_rule
    (name, kind, device, channel, site, direction, threshold, clear_at, for_s, window_s, severity,
     changed)
VALUES (%(name)s, %(kind)s, %(device)s, %(channel)s, %(site)s, %(direction)s, %(threshold)s,
        %(clear_at)s, %(for_s)s, %(window_s)s, %(severity)s, to_timestamp(%(since)s))
RETURNING id
"""
_US = "(extract(epoch FROM {}) * 1000000)::int8"

_names = count()
_offsets = count()


def now() -> int:
    """µs UTC."""
    return time.time_ns() // 1000


class Site:
    """What a test does with it. `hear` returns the events told since it was asked before."""

    def __init__(self, postgres: Postgres, database: str) -> None:
        self._stream = dsn(postgres, database, "fieldline_stream")
        address = dsn(postgres, database, "fieldline_owner")
        self.owner = psycopg.connect(address, autocommit=True)
        reader = dsn(postgres, database, "fieldline_reader")
        self._reader = psycopg.connect(reader, autocommit=True)
        self.owner.execute("LISTEN fieldline_event")
        self.store = self._connect()
        self._sequence: dict[str, tuple[str, Any]] = {}

    def close(self) -> None:
        """Close everything."""
        for connection in (self.store, self.owner, self._reader):
            connection.close()

    def restart(self) -> None:
        """Go on as a stream that was started anew."""
        self.store.close()
        self.store = self._connect()

    def rule(self, **said: Any) -> str:
        """Make a rule, above 10 from 1970 on unless said otherwise; return its name."""
        rule: dict[str, Any] = {
            "name": f"rule {next(_names)}", "kind": "threshold", "device": None, "channel": None,
            "site": None, "direction": "above", "threshold": 10.0, "clear_at": None, "for_s": 0.0,
            "window_s": None, "severity": "warning", "since": 0.0,
        }  # fmt: skip
        rule |= said
        self.owner.execute(_RULE, rule)
        return str(rule["name"])

    def rule_like(self, rule: Rule, device: str) -> str:
        """Make a rule as a pure one says, for one device."""
        said = {field: getattr(rule, field) for field in ("kind", "threshold", "clear_at", "for_s")}
        return self.rule(
            **said, device=device, window_s=rule.window_s or None, since=rule.changed / 1e6,
            direction="above" if rule.above else "below",
        )  # fmt: skip

    def forget(self, name: str) -> None:
        """Delete a rule."""
        self.owner.execute("DELETE FROM control.alert_rule WHERE name = %s", (name,))

    def pack(
        self, device: str, readings: Sequence[tuple[int, float | str | bool]], channel: str = "t"
    ) -> Part:
        """Make the next pack of a device of one channel: (time, value)."""
        epoch, numbers = self._sequence.setdefault(device, (new_epoch(), count()))
        payload = encode_pack(
            device, [Reading(channel, time, value, "Cel") for time, value in readings],
            epoch=epoch, sequence=next(numbers), quality=TimeQuality.SYNCED,
        )  # fmt: skip
        return part(device, payload)

    def send(
        self, device: str, *readings: tuple[int, float | str | bool], channel: str = "t"
    ) -> Stored:
        """Store a batch of one pack."""
        return self.store.store([self.pack(device, list(readings), channel)], "log")

    def look(self, *, through: int | None = None) -> None:
        """Look for silence, a stream having kept up since long."""
        horizon = Horizon()
        for seen in range(-400, 1, 10):
            horizon.ends((through or now()) + seen * SECOND, {})
        self.store.look(horizon)

    def history(self, name: str) -> list[Episode]:
        """Return the episodes of a rule."""
        rows = self._reader.execute(
            f"SELECT {_US.format('began')}, {_US.format('ended')}, value, worst"
            " FROM fieldline.alert_history WHERE rule = %s ORDER BY began, ended",
            (name,),
        )
        return [Episode(*row) for row in rows]

    def late(self, name: str) -> list[bool]:
        """Return which of the episodes are history."""
        rows = self._reader.execute(
            "SELECT late FROM fieldline.alert_history WHERE rule = %s ORDER BY began", (name,)
        )
        return [late for (late,) in rows]

    def states(self, name: str) -> list[tuple[str, str]]:
        """Return (device, state) of a rule."""
        return self._reader.execute(
            "SELECT device, state FROM fieldline.alert WHERE rule = %s ORDER BY 1", (name,)
        ).fetchall()

    def hear(self) -> list[tuple[str, str, float | None]]:
        """Return (what, rule, value) of what was told."""
        told = []
        for notice in self.owner.notifies(timeout=0.05):
            event = json.loads(notice.payload)
            assert event["kind"] == "alert"
            data = event["data"]
            assert data.keys() == {"rule", "severity", "device", "channel", "value", "at"}
            told.append((event["what"], data["rule"], data["value"]))
        return told

    def _connect(self) -> Store:
        store = stores.connect(self._stream, None)
        eventually(store.try_lock, what="the connection before has ended")
        return store


def part(device: str, *payloads: bytes) -> Part:
    """Decode payloads as an executor does."""
    records = [
        Record("fieldline.packs", 0, next(_offsets), now(), device.encode(), payload, b"mqtt:x")
        for payload in payloads
    ]
    return decode_records(records, Request(now(), 10**6, 10**6))
