"""The small integers that stand for devices, series and kinds in the tables."""

from collections.abc import Iterable
from typing import Any

from psycopg import Connection

_DEVICES = """
WITH wanted AS (SELECT DISTINCT unnest(%(devices)s::text[]) AS device),
made AS (
    INSERT INTO storage.device (device) SELECT device FROM wanted
    ON CONFLICT (device) DO NOTHING RETURNING device, id
)
SELECT device, id FROM made
UNION ALL SELECT device, id FROM storage.device JOIN wanted USING (device)
"""

_SERIES = """
WITH wanted AS (
    SELECT * FROM unnest(%(devices)s::int[], %(channels)s::text[], %(units)s::text[])
    AS w (device, channel, unit)
), made AS (
    INSERT INTO storage.series (device, channel, unit) SELECT device, channel, unit FROM wanted
    ON CONFLICT (device, channel) DO NOTHING RETURNING device, channel, id, unit
)
SELECT device, channel, id, unit FROM made
UNION ALL SELECT s.device, s.channel, s.id, s.unit FROM storage.series AS s JOIN wanted AS w
    ON s.device = w.device AND s.channel = w.channel
"""

_KINDS = """
WITH wanted AS (
    SELECT * FROM unnest(%(units)s::text[], %(qualities)s::text[]) AS w (unit, quality)
), made AS (
    INSERT INTO storage.kind (unit, quality) SELECT unit, quality FROM wanted
    ON CONFLICT (unit, quality) DO NOTHING RETURNING unit, quality, id
)
SELECT unit, quality, id FROM made
UNION ALL SELECT unit, quality, id FROM storage.kind JOIN wanted USING (unit, quality)
"""

_UNITS = """
UPDATE storage.series AS s SET unit = w.unit
FROM unnest(%(ids)s::int[], %(units)s::text[]) AS w (id, unit) WHERE s.id = w.id
"""


class Identifiers:
    """A cache of one connection. Thrown away with it when a transaction fails: an identifier
    that was made in it is not there then.
    """

    def __init__(self, connection: Connection[Any]) -> None:
        self._connection = connection
        self._devices: dict[str, int] = {}
        self._series: dict[tuple[int, str], tuple[int, str]] = {}
        self._kinds: dict[tuple[str, str], int] = {}

    def devices(self, names: Iterable[str]) -> dict[str, int]:
        """Return the ids of devices by name; those that are new are made."""
        missing = sorted(set(names) - self._devices.keys())
        if missing:
            rows = self._connection.execute(_DEVICES, {"devices": missing}).fetchall()
            self._devices |= dict(rows)
        return self._devices

    def series(self, wanted: list[tuple[str, str, str]]) -> list[int]:
        """Return the ids of (device, channel, unit); new ones are made, and a new unit kept."""
        devices = self.devices(device for device, _, _ in wanted)
        keys = [(devices[device], channel) for device, channel, _ in wanted]
        missing = {
            key: unit
            for key, (_, _, unit) in zip(keys, wanted, strict=True)
            if key not in self._series
        }
        if missing:
            arguments = {
                "devices": [device for device, _ in missing],
                "channels": [channel for _, channel in missing],
                "units": list(missing.values()),
            }
            for device, channel, number, unit in self._connection.execute(_SERIES, arguments):
                self._series[device, channel] = number, unit
        self._update_units(keys, [unit for _, _, unit in wanted])
        return [self._series[key][0] for key in keys]

    def kinds(self, wanted: list[tuple[str, str]]) -> list[int]:
        """Return the ids of (unit, quality); new ones are made."""
        missing = [kind for kind in wanted if kind not in self._kinds]
        if missing:
            arguments = {
                "units": [unit for unit, _ in missing],
                "qualities": [quality for _, quality in missing],
            }
            for unit, quality, number in self._connection.execute(_KINDS, arguments):
                self._kinds[unit, quality] = number
        return [self._kinds[kind] for kind in wanted]

    def _update_units(self, keys: list[tuple[int, str]], units: list[str]) -> None:
        changed = {
            self._series[key][0]: (key, unit)
            for key, unit in zip(keys, units, strict=True)
            if unit and self._series[key][1] != unit
        }
        if changed:
            arguments = {"ids": list(changed), "units": [unit for _, unit in changed.values()]}
            self._connection.execute(_UNITS, arguments)
            self._series |= {key: (number, unit) for number, (key, unit) in changed.items()}
