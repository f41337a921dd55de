"""`fieldline install-service`."""

import argparse

from cloud.stack import service
from cloud.stack.folder import Folder


def run(folder: Folder, options: argparse.Namespace) -> int:
    """Install the unit, show it, or take it away."""
    if options.print:
        print(service.unit(folder, service.own_command()), end="")
    elif options.remove:
        service.remove(folder, print, service.run_command)
    else:
        service.install(folder, service.own_command(), print, service.run_command)
    return 0
