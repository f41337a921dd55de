"""`fieldline down`."""

import argparse

from cloud.stack.folder import Folder
from cloud.stack.stopping import stop_all


def run(folder: Folder, options: argparse.Namespace) -> int:  # noqa: ARG001
    """Stop everything, in order; fine if nothing runs."""
    stop_all(folder, print)
    return 0
