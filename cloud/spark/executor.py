"""The pass over a batch that Spark's executors run: records in, one encoded `Part` a task out."""

import gc
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from cloud.spark import held, part
from cloud.spark.decode import Record, Request, decode_records

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

COLUMNS = (
    "topic",
    "partition",
    "offset",
    "unix_micros(timestamp) AS received",
    "key",
    "value",
    "filter(headers, h -> h.key = 'origin')[0].value AS origin",
)
"""What is taken of Kafka's records, as Spark SQL, in the order of `Record`."""


def collect(batch: "DataFrame", request: Request) -> list[part.Part]:
    """Decode a batch in one Spark job. Several tasks give several parts."""

    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        _spare_imports_the_collector()
        data = part.encode(decode_records(_records(batches), request))
        yield pa.RecordBatch.from_arrays([pa.array([data], pa.binary())], ["part"])

    rows = batch.mapInArrow(run, "part binary").collect()
    return [part.decode(bytes(row.part)) for row in rows]


def collect_records(batch: "DataFrame", request: Request, size: int) -> list[held.Held]:
    """Return the records themselves, of every task about `size` bytes."""

    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        data = held.encode(held.hold(_records(batches), request, size))
        yield pa.RecordBatch.from_arrays([pa.array([data], pa.binary())], ["held"])

    rows = batch.mapInArrow(run, "held binary").collect()
    return [held.decode(bytes(row.held)) for row in rows]


@cache
def _spare_imports_the_collector() -> None:
    """Spark's worker collects garbage after each task, and all modules count: 30 ms each time."""
    gc.freeze()


def _records(batches: Iterator[pa.RecordBatch]) -> Iterator[Record]:
    for batch in batches:
        columns: list[list[Any]] = [column.to_pylist() for column in batch.columns]
        yield from map(Record, *columns)
