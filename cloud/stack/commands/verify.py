"""`fieldline verify`."""

import argparse
import json
import sys

from cloud.stack.errors import NotReached
from cloud.stack.folder import Folder
from cloud.stack.plan import read_plan


def run(folder: Folder, options: argparse.Namespace) -> int:
    """Compare; 1 if anything differs, is missing or doubled."""
    import psycopg

    from cloud.sql.verify import verify

    postgres = read_plan(folder).postgres
    try:
        with psycopg.connect(
            postgres.dsn("fieldline_reader"), password=postgres.password("fieldline_reader"),
            connect_timeout=5,
        ) as connection:  # fmt: skip
            found = verify(connection)
    except psycopg.OperationalError as error:
        raise NotReached(f"PostgreSQL cannot be asked: {' '.join(str(error).split())}") from None
    numbers = {
        "checked": found.checked,
        "differing": found.differing,
        "missing": found.missing,
        "doubled": found.doubled,
    }
    if options.json:
        print(json.dumps(numbers, indent=2))
    else:
        for name, number in numbers.items():
            print(f"{name:<10} {number:>12,}")
    for line in found.details:
        print(line, file=sys.stderr)
    return 1 if found.differing or found.missing or found.doubled else 0
