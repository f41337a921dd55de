"""What the servers' command lines share: they prepare, and then become the server."""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from cloud.stack.errors import StackError
from cloud.stack.folder import Folder


def parser(module: str, description: str) -> argparse.ArgumentParser:
    """Return a parser that knows `--data`, and gives it as a Folder."""
    made = argparse.ArgumentParser(
        prog=f"python -m cloud.stack.servers.{module}",
        description=description,
        epilog=f"example: python -m cloud.stack.servers.{module} --data /var/lib/fieldline",
    )
    made.add_argument(
        "--data",
        type=lambda text: Folder(Path(text).absolute()),
        required=True,
        help="the data folder",
    )
    return made


def become(server: str, prepare: Callable[[], list[str]]) -> None:
    """Run the command that `prepare` returns in this process, or say why not and exit with 1."""
    try:
        command = prepare()
    except StackError as error:
        print(f"cannot start {server}: {error}", file=sys.stderr)
        sys.exit(1)
    os.umask(0o077)
    os.chdir("/")  # PostgreSQL runs as a user who may not be let into the folder it starts in
    os.execv(command[0], command)  # noqa: S606 -- no shell, and every word is ours
