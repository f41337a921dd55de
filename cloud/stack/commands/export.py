"""`fieldline export DEVICE… --out FILE`, through the API's streams."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from cloud.stack import asking
from cloud.stack.client import Client
from cloud.stack.errors import StackError
from cloud.stack.folder import Folder
from cloud.stack.plan import read_plan

FORMATS = (".csv", ".arrow", ".parquet")
"""Arrow's is the stream of its IPC, which grows as it is written."""

_FIRST = datetime(2000, 1, 1, tzinfo=UTC)

Span = tuple[datetime, datetime]


def run(folder: Folder, options: argparse.Namespace) -> int:
    """Write one file, whole or not at all."""
    out = Path(options.out)
    if out.suffix not in FORMATS:
        raise StackError(f"the name must say the form: {options.out} ends in none of "
                         f"{', '.join(FORMATS)}")  # fmt: skip
    if out.exists() and not options.force:
        raise StackError(f"{out} is there already; choose another name, or say --force")
    begin, end = options.begin or _FIRST, options.end or datetime.now(UTC)
    if begin >= end:
        raise StackError("--from is not before --to")
    client = Client(read_plan(folder).api)
    with _whole(out) as beside:
        rows = _export(client, options, (begin, end), beside)
    told = {
        "file": str(out),
        "rows": rows,
        "bytes": out.stat().st_size,
        "devices": options.devices,
        "from": begin.isoformat(),
        "to": end.isoformat(),
    }
    asking.show(told, [f"{out}  {rows:,} rows, {told['bytes']:,} bytes"], as_json=options.json)
    return 0


def time(text: str) -> datetime:
    """Read a time as an argument; one without a zone is UTC."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no time; say 2026-03-01 or 2026-03-01T12:00:00Z"
        ) from None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def spans(span: Span, days: Sequence[datetime]) -> list[Span]:
    """Cut a span where a month begins that has one of the `days`, but for the first of them.

    Nothing between is left out: a day may hold texts alone, of which there is no rollup.
    """
    begin, end = span
    months = {day.replace(day=1, hour=0, minute=0, second=0, microsecond=0) for day in days}
    inside = [month for month in sorted(months)[1:] if begin < month < end]
    return list(pairwise([begin, *inside, end]))


@contextmanager
def _whole(out: Path) -> Iterator[Path]:
    """Give the name of a file that takes the other's place if all goes well, else it is gone."""
    beside = out.with_name(f".{out.name}.part")
    try:
        yield beside
        beside.replace(out)
    finally:
        beside.unlink(missing_ok=True)


def _export(client: Client, options: argparse.Namespace, span: Span, beside: Path) -> int:
    import pyarrow as pa

    out = Path(options.out)
    rows = 0
    writer: Any = None
    with beside.open("wb") as file:
        try:
            for device in options.devices:
                for part in spans(span, _days(client, device, span)):
                    before = rows
                    for batch in _batches(client, options, device, part):
                        names = pa.array([device] * batch.num_rows, pa.string())
                        named = batch.add_column(0, "device", names)
                        if out.suffix == ".csv":
                            named = _no_formulas(named)
                        writer = writer or _writer(out.suffix, file, named.schema)
                        writer.write(named)
                        rows += batch.num_rows
                    if rows > before:
                        print(f"{device}  {part[0]:%Y-%m}  {rows:,} rows", file=sys.stderr)
            if writer is None:
                raise StackError("there is nothing to export in that time")
        finally:
            if writer is not None:  # also after an error: Parquet's would write into a closed file
                writer.close()
    return rows


def _writer(suffix: str, file: Any, schema: Any) -> Any:
    from pyarrow import csv, ipc, parquet

    make = {".csv": csv.CSVWriter, ".arrow": ipc.new_stream, ".parquet": parquet.ParquetWriter}
    return make[suffix](file, schema)


def _no_formulas(batch: Any) -> Any:
    """Have a spreadsheet show what a device says, and not take it for a formula."""
    from pyarrow import compute

    place = batch.schema.get_field_index("text")
    if place < 0:
        return batch
    shown = compute.replace_substring_regex(batch.column(place), r"^([-=+@\t\r])", r"'\1")
    return batch.set_column(place, "text", shown)


def _batches(client: Client, options: argparse.Namespace, device: str, span: Span) -> Iterator[Any]:
    """Yield record batches. Raises ApiAway if the stream ends before its end."""
    import pyarrow as pa

    what = "rollups" if options.rollup else "readings"
    asked = _query(device, span) + [("channel", one) for one in options.channel or ()]
    asked += [("format", "arrow")] + ([("resolution", options.rollup)] if options.rollup else [])
    with (
        client.stream(f"{asking.path(what)}?{urlencode(asked)}") as answer,
        closing(pa.ipc.open_stream(answer)) as stream,
    ):
        for batch in stream:
            if batch.num_rows:
                yield batch


def _days(client: Client, device: str, span: Span) -> list[datetime]:
    """Return the days of which there are numbers."""
    asked = [*_query(device, span), ("format", "csv"), ("resolution", "1d")]
    with client.stream(f"{asking.path('rollups')}?{urlencode(asked)}") as answer:
        lines = answer.read().decode().splitlines()[1:]
    return sorted({datetime.fromisoformat(line.partition(",")[0]) for line in lines})


def _query(device: str, span: Span) -> list[tuple[str, str]]:
    return [("device", device), ("from", span[0].isoformat()), ("to", span[1].isoformat())]
