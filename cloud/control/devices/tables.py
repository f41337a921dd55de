"""A table of devices (CSV, first line names the columns) becomes devices, or a list of faults.

Columns: `name`, and as wanted `label`, `site`, `latitude`, `longitude`, `kind`. All or nothing.
"""

import csv
import io
from dataclasses import dataclass

from pydantic import ValidationError

from cloud.control.devices.models import NewDevice

_COLUMNS = frozenset({"name", "label", "site", "latitude", "longitude", "kind"})
MOST_DEVICES = 10_000
_MOST_FAULTS = 1000


@dataclass(frozen=True)
class Fault:
    """What is wrong in a line; the first line is 1."""

    line: int
    what: str


def read(text: str) -> tuple[list[tuple[int, NewDevice]], list[Fault]]:
    """Return (line, device) of every sound line, and every fault; with one, none counts."""
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")), strict=True)
    devices: list[tuple[int, NewDevice]] = []
    faults: list[Fault] = []
    lines: dict[str, int] = {}
    try:
        columns = reader.fieldnames or []
        faults += _of_columns(list(columns))
        if faults:
            return [], faults
        for row in reader:
            line = reader.line_num
            if len(devices) >= MOST_DEVICES:
                faults.append(Fault(line, f"a table holds at most {MOST_DEVICES:,} devices"))
                break
            if len(faults) >= _MOST_FAULTS:
                faults.append(Fault(line, "there may be more; the rest was not read"))
                break
            if None in row or None in row.values():
                faults.append(Fault(line, f"it must have {len(columns)} fields, as the first line"))
                continue
            try:
                said = {column: text.strip() for column, text in row.items() if text.strip()}
                device = NewDevice.model_validate(said)
            except ValidationError as error:
                faults += [_fault(line, dict(one)) for one in error.errors()]
                continue
            if (first := lines.setdefault(device.name, line)) != line:
                faults.append(Fault(line, f"{device.name} stands in line {first} already"))
                continue
            devices.append((line, device))
    except csv.Error as error:
        faults.append(Fault(reader.line_num, f"it is no CSV: {error}"))
    if not devices and not faults:
        faults.append(Fault(1, "there is no device in it"))
    return devices, faults


def _of_columns(columns: list[str]) -> list[Fault]:
    known = ", ".join(sorted(_COLUMNS))
    faults = [
        Fault(1, f"there is no column {column[:40]!r}; there are {known}")
        for column in columns
        if column not in _COLUMNS
    ]
    if "name" not in columns:
        faults.append(Fault(1, f"the first line must name the columns, `name` at least of {known}"))
    if len(set(columns)) != len(columns):
        faults.append(Fault(1, "a column is named twice"))
    return faults


def _fault(line: int, error: dict[str, object]) -> Fault:
    where = error.get("loc") or ()
    column = f"{where[0]}: " if isinstance(where, tuple) and where else ""
    return Fault(line, f"{column}{error['msg']}")
