"""PostgreSQL's binary formats, built by numpy: rows for COPY, and arrays for parameters.

https://www.postgresql.org/docs/15/sql-copy.html#id-1.9.3.55.9.4 and, for arrays,
`array_send` in src/backend/utils/adt/arrayfuncs.c.
"""

import struct

import numpy as np
from numpy.typing import NDArray

HEADER = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
TRAILER = struct.pack(">h", -1)

EPOCH_UTC = 946_684_800_000_000
"""2000-01-01 in µs: PostgreSQL counts from there."""

ROW = np.dtype(
    [
        ("fields", ">i2"),
        ("time_size", ">i4"),
        ("time", ">i8"),
        ("received_size", ">i4"),
        ("received", ">i8"),
        ("value_size", ">i4"),
        ("value", ">f8"),
        ("series_size", ">i4"),
        ("series", ">i4"),
        ("kind_size", ">i4"),
        ("kind", ">i4"),
        ("text_size", ">i4"),
    ]
)
"""A row of `storage.reading` that has a number: 58 bytes, always."""

_TEXT_ROW = struct.Struct(">hiqiqiiiiii")

_ELEMENTS = {"int4": (23, ">i4"), "int8": (20, ">i8"), "float8": (701, ">f8")}
_ELEMENTS["timestamptz"] = (1184, ">i8")


def number_rows(
    times: NDArray[np.int64],
    received: NDArray[np.int64],
    values: NDArray[np.float64],
    series: NDArray[np.int32],
    kinds: NDArray[np.int32],
) -> NDArray[np.void]:
    """Encode readings that are numbers; times in µs UTC."""
    rows = np.empty(len(times), ROW)
    rows["fields"], rows["text_size"] = 6, -1
    rows["time_size"] = rows["received_size"] = rows["value_size"] = 8
    rows["series_size"] = rows["kind_size"] = 4
    rows["time"], rows["received"] = times - EPOCH_UTC, received - EPOCH_UTC
    rows["value"], rows["series"], rows["kind"] = values, series, kinds
    return rows


def text_row(time: int, received: int, text: str, series: int, kind: int) -> bytes:
    """Encode one reading that is a string; times in µs UTC."""
    encoded = text.encode()
    head = _TEXT_ROW.pack(
        6, 8, time - EPOCH_UTC, 8, received - EPOCH_UTC, -1, 4, series, 4, kind, len(encoded)
    )
    return head + encoded


def concatenated(parts: list[NDArray[np.void]]) -> NDArray[np.void]:
    """Concatenate ROWs; numpy by itself would turn them to the machine's byte order."""
    return np.frombuffer(b"".join([part.tobytes() for part in parts]), ROW)


def times_of(rows: NDArray[np.void]) -> NDArray[np.int64]:
    """Return the times of ROWs in µs UTC."""
    return np.asarray(rows["time"], np.int64) + EPOCH_UTC


def binary_array(kind: str, values: NDArray[np.generic]) -> bytes:
    """Encode a column as an array of PostgreSQL without nulls; timestamptz from µs UTC."""
    oid, element = _ELEMENTS[kind]
    if kind == "timestamptz":
        values = values - EPOCH_UTC
    items = np.empty(len(values), np.dtype([("size", ">i4"), ("value", element)]))
    items["size"], items["value"] = np.dtype(element).itemsize, values
    dimensions = struct.pack(">iii", 1, 0, oid) + struct.pack(">ii", len(values), 1)
    return dimensions + items.tobytes() if len(values) else struct.pack(">iii", 0, 0, oid)
