"""`python -m cloud.sql`: bring the database's schema up to date, or print the schema."""

import argparse
import sys
from pathlib import Path

import psycopg

from cloud.sql.errors import SqlError
from cloud.sql.migrate import load, migrate
from cloud.sql.schema import dump

EXAMPLE = """example:
  python -m cloud.sql migrate --password-file secrets/fieldline_owner \\
      --dsn "host=127.0.0.1 port=5432 dbname=fieldline user=fieldline_owner"
"""


def main() -> int:
    """Run one command; 0 if it went, 1 with a sentence on stderr if not."""
    parser = argparse.ArgumentParser(
        prog="python -m cloud.sql",
        description=__doc__,
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (
        ("migrate", "apply the migrations that are missing"),
        ("dump", "print the schema as committed in schema.sql"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("--dsn", required=True, help="libpq connection string, no password")
        command.add_argument("--password-file", type=Path, help="file that holds the password")
    arguments = parser.parse_args()
    try:
        password = arguments.password_file and arguments.password_file.read_text("utf-8").strip()
        if arguments.command == "dump":
            sys.stdout.write(dump(arguments.dsn, password))
            return 0
        with psycopg.connect(arguments.dsn, password=password, autocommit=True) as connection:
            done = migrate(connection, load(), lambda line: print(line, file=sys.stderr))
        print(f"{len(done)} migrations applied; the schema is up to date", file=sys.stderr)
    except (SqlError, psycopg.Error, OSError) as error:
        print(f"cannot {arguments.command}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
