"""Columns of numpy as parameters of psycopg, without a Python object for each number."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection
from psycopg.adapt import Dumper
from psycopg.pq import Format

from cloud.spark.copy_rows import binary_array


class Column:
    """An array parameter: `data` in PostgreSQL's binary format."""

    kind: ClassVar[str]
    oid: ClassVar[int]

    def __init__(self, values: NDArray[Any]) -> None:
        """Encode `values`."""
        self.data = binary_array(self.kind, values)


class Int4(Column):
    """An int4[]."""

    kind, oid = "int4", 1007


class Int8(Column):
    """An int8[]."""

    kind, oid = "int8", 1016


class Float8(Column):
    """A float8[]."""

    kind, oid = "float8", 1022


class Timestamptz(Column):
    """A timestamptz[], from µs UTC."""

    kind, oid = "timestamptz", 1185


COLUMNS: dict[str, type[Column]] = {c.kind: c for c in (Int4, Int8, Float8, Timestamptz)}


def columns_of(rows: NDArray[np.void], kinds: dict[str, str]) -> list[Column]:
    """Return the fields of a structured array that `kinds` names, in that order."""
    return [COLUMNS[kind](rows[field]) for field, kind in kinds.items()]


def register(connection: Connection[Any]) -> None:
    """Let the connection take Columns as parameters."""
    for column in COLUMNS.values():
        connection.adapters.register_dumper(column, _dumper(column.oid))


def _dumper(array_oid: int) -> type[Dumper]:
    class ColumnDumper(Dumper):
        format = Format.BINARY
        oid = array_oid

        def dump(self, obj: Column) -> bytes:
            return obj.data

    return ColumnDumper
