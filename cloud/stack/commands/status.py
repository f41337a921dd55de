"""`fieldline status`."""

import argparse
import json
import time

from cloud.stack.folder import Folder
from cloud.stack.plan import read_plan
from cloud.stack.screen import draw
from cloud.stack.status import Observer

_LONG_AGO_S = 7200.0


def run(folder: Folder, options: argparse.Namespace) -> int:
    """Say how everything does; 1 if not every stage is running."""
    plan = read_plan(folder)
    observer = Observer(folder, plan)
    started = time.monotonic()
    known = observer.knows_rates
    seen = observer.look()
    if not known and time.monotonic() - started < 0.8:  # rates need two looks
        time.sleep(0.7)
        seen = observer.look()
    observer.close()
    if options.json:
        print(seen.to_json())
    else:
        from rich.console import Console

        console = Console()
        if not console.is_terminal:
            console = Console(width=120)
        console.print(draw(seen, plan, folder))
        if warning := _of_the_disk(folder):
            console.print(f"Attention: {warning}", style="bold", markup=False)
    return 0 if seen.all_running else 1


def _of_the_disk(folder: Folder) -> str:
    """Return what the API has said of the disk last, if that was not long ago."""
    try:
        said = json.loads((folder.run / "storage.json").read_text("utf-8"))
        return str(said["warning"]) if time.time() - said["at"] < _LONG_AGO_S else ""
    except (OSError, ValueError, KeyError):
        return ""
