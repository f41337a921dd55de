"""CSV in, Arrow IPC stream out: `python -m cloud.control.history.arrow NAME:TYPE …`.

A process of its own, as long as one export: Arrow's library holds more memory than all of the API.
"""

import os
import sys


def main(columns: list[str]) -> int:
    """Read CSV with a header from stdin, write batches to stdout."""
    import pyarrow as pa
    from pyarrow import csv

    types = {
        "time": pa.timestamp("us", tz="UTC"),
        "text": pa.string(),
        "number": pa.float64(),
        "count": pa.int64(),
    }
    named = dict(column.split(":") for column in columns)
    schema = pa.schema([pa.field(name, types[kind]) for name, kind in named.items()])
    options = csv.ConvertOptions(
        column_types=schema,
        include_columns=schema.names,
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
        null_values=[""],
        timestamp_parsers=[csv.ISO8601],
    )
    with (
        pa.ipc.new_stream(sys.stdout.buffer, schema) as writer,
        csv.open_csv(sys.stdin.buffer, convert_options=options) as reader,
    ):
        for batch in reader:
            writer.write_batch(batch)
    return 0


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stdout.flush()
    # Not Python's own end: a thread of Arrow's that still has its hand on stdin would make that an
    # abort (seen once in some hundred exports on a busy machine), and lose what is not flushed.
    os._exit(status)
