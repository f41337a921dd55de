"""The pass over a batch that Spark's executors run: records in, one encoded `Part` a task out."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from cloud.spark import part
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
        data = part.encode(decode_records(_records(batches), request))
        yield pa.RecordBatch.from_arrays([pa.array([data], pa.binary())], ["part"])

    rows = batch.mapInArrow(run, "part binary").collect()
    return [part.decode(bytes(row.part)) for row in rows]


def _records(batches: Iterator[pa.RecordBatch]) -> Iterator[Record]:
    for batch in batches:
        columns: list[list[Any]] = [column.to_pylist() for column in batch.columns]
        yield from map(Record, *columns)
