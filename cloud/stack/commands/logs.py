"""`fieldline logs STAGE`."""

import argparse
import json
import os
import sys
import time
from collections import deque
from collections.abc import Iterable
from typing import TextIO

from cloud.stack.errors import StackError
from cloud.stack.folder import Folder


def run(folder: Folder, options: argparse.Namespace) -> int:
    """Print the end of a log, and with `-f` what comes after it, across rotations."""
    file = folder.log(options.stage)
    if not file.is_file() or "/" in options.stage:
        there = sorted(one.stem for one in folder.logs.glob("*.log"))
        raise StackError(
            f"there is no log of {options.stage!r} in {folder.logs}"
            + (f"; there are {', '.join(there)}" if there else "")
        )

    def write(lines: Iterable[str]) -> None:
        for line in lines:
            told = {"program": options.stage, "line": line.rstrip("\n")}
            sys.stdout.write(json.dumps(told) + "\n" if options.json else line)
        sys.stdout.flush()

    log = file.open(encoding="utf-8", errors="replace")
    write(deque(log, maxlen=max(0, options.lines)))
    while options.follow:
        if said := log.readlines():
            write(said)
            continue
        time.sleep(0.2)
        try:
            if file.stat().st_ino != _inode(log) or file.stat().st_size < log.tell():
                write(log)
                log.close()
                log = file.open(encoding="utf-8", errors="replace")
        except FileNotFoundError:  # between the two renames of a rotation
            continue
    log.close()
    return 0


def _inode(log: TextIO) -> int:
    return os.fstat(log.fileno()).st_ino
