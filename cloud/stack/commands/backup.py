"""`fieldline backup FILE|DIR`."""

import argparse
import json
import sys
from pathlib import Path

from cloud.stack.backup import passphrase, taking
from cloud.stack.folder import Folder
from cloud.stack.plan import read_plan
from cloud.stack.settings import load


def run(folder: Folder, options: argparse.Namespace) -> int:
    """Make a backup while everything runs."""

    def say(line: str) -> None:
        print(line, file=sys.stderr)

    plan = read_plan(folder)
    key = passphrase.read(options.passphrase_file)
    made = taking.take(folder, plan, Path(options.file), key, say)
    size = made.file.stat().st_size
    if key is None:
        say(
            "It holds the CA's key and every password of this stack: whoever has it is the stack. "
            "Keep it where nobody else reads it, or encrypt it with --passphrase-file."
        )
    settings = load(folder.settings)
    said = (not settings.broker.host, settings.kafka == "embedded", settings.postgres == "embedded")
    if said != (plan.mqtt.embedded, plan.kafka.embedded, plan.postgres.embedded):
        say("Its settings came from `up --config`: keep that file too, it is not in the backup.")
    if options.json:
        print(
            json.dumps(
                {
                    "file": str(made.file),
                    "bytes": size,
                    "taken": made.manifest.taken,
                    "encrypted": key is not None,
                    "files": len(made.manifest.files),
                },
                indent=2,
            )
        )
    else:
        print(f"{made.file}  {size / 1e6:,.1f} MB")
        print(f"`fieldline restore {made.file} --dry-run` checks it")
    return 0
