"""`fieldline logs STAGE`."""

import argparse
import os
import sys
import time
from collections import deque
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
    log = file.open(encoding="utf-8", errors="replace")
    sys.stdout.writelines(deque(log, maxlen=max(0, options.lines)))
    sys.stdout.flush()
    while options.follow:
        said = log.read()
        if said:
            sys.stdout.write(said)
            sys.stdout.flush()
            continue
        time.sleep(0.2)
        try:
            if file.stat().st_ino != _inode(log) or file.stat().st_size < log.tell():
                sys.stdout.write(log.read())
                log.close()
                log = file.open(encoding="utf-8", errors="replace")
        except FileNotFoundError:  # between the two renames of a rotation
            continue
    log.close()
    return 0


def _inode(log: TextIO) -> int:
    return os.fstat(log.fileno()).st_ino
