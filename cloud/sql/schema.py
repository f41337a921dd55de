"""The resulting schema as text, so that a change of it can be read in a diff."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from cloud.sql.errors import SqlError

SCHEMA = Path(__file__).parent / "schema.sql"

# Comments, session settings and the marks of one pg_dump run say nothing about the schema.
_NOISE = re.compile(r"^(--.*|SET .*|SELECT pg_catalog\.set_config.*|\\(un)?restrict .*)$")


class DumpFailed(SqlError):
    """pg_dump is missing or did not go."""


def find_pg_dump() -> str:
    """Return the path of pg_dump, also where Debian keeps it off the PATH."""
    if found := shutil.which("pg_dump"):
        return found
    for candidate in sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_dump"), reverse=True):
        return str(candidate)
    raise DumpFailed("pg_dump was not found: install the package postgresql-client")


def dump(dsn: str, password: str | None = None) -> str:
    """Return the schema of a database, normalised by `normalise`."""
    environment = os.environ | ({"PGPASSWORD": password} if password else {})
    schemas = [f"--schema={name}" for name in ("storage", "fieldline", "control")]
    command = [find_pg_dump(), "--schema-only", *schemas]
    done = subprocess.run(
        [*command, f"--dbname={dsn}"], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        msg = f"pg_dump: {done.stderr.strip()}"
        raise DumpFailed(msg)
    return normalise(done.stdout)


def normalise(text: str) -> str:
    """Drop what differs between two dumps of one schema."""
    kept = [line.rstrip() for line in text.splitlines() if not _NOISE.match(line)]
    return re.sub(r"\n{2,}", "\n\n", "\n".join(kept)).strip() + "\n"
