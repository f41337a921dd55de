"""`python -m cloud.control.verification.work`: what `fieldline verify` does, in its own process.

It reads an `Asked` from stdin, so that no list of processes shows the password, and writes a `Line`
of JSON to stdout whenever it has come further.
"""

import sys

import msgspec
import psycopg

from cloud.sql.verify import verify


class Asked(msgspec.Struct, frozen=True):
    """How to reach the database."""

    dsn: str
    password: str | None


class Found(msgspec.Struct, frozen=True):
    """What was compared and found."""

    checked: int
    differing: int
    missing: int
    doubled: int
    details: list[str]


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """How far it is; the last one says what was found, or why it failed."""

    said: str = ""
    found: Found | None = None
    failed: str = ""


def _write(line: Line) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(line) + b"\n")
    sys.stdout.buffer.flush()


def main() -> int:
    """Compare, and tell of it."""
    asked = msgspec.json.decode(sys.stdin.buffer.read(), type=Asked)
    try:
        with psycopg.connect(
            asked.dsn,
            password=asked.password,
            connect_timeout=5,
            application_name="fieldline api verification",
        ) as connection:
            found = verify(connection, lambda text: _write(Line(said=text)))
    except psycopg.Error as error:
        _write(Line(failed=" ".join(str(error).split())[:300]))
        return 1
    _write(
        Line(found=Found(found.checked, found.differing, found.missing, found.doubled,
                         found.details))
    )  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
