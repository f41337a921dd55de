"""Writes the dashboards' JSON, or says whether what is committed is still what the code makes.

python -m cloud.grafana            # write cloud/grafana/dashboards/*.json
python -m cloud.grafana --check    # exit 1 if one of them differs
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from cloud.grafana.device import device
from cloud.grafana.fleet import fleet

FOLDER = Path(__file__).parent / "dashboards"


def dashboards() -> dict[str, str]:
    """File name to text of every dashboard."""
    made = {"fleet.json": fleet(), "device.json": device()}
    return {
        name: json.dumps(dashboard.build(), cls=JSONEncoder, indent=2, sort_keys=True) + "\n"
        for name, dashboard in made.items()
    }


def main() -> int:
    """Write or check; the exit status is 1 if a check found a difference."""
    parser = argparse.ArgumentParser(
        prog="python -m cloud.grafana",
        description="Writes the dashboards' JSON from their code.",
        epilog="example: python -m cloud.grafana --check",
    )
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if one differs")
    arguments = parser.parse_args()
    stale = []
    for name, text in dashboards().items():
        file = FOLDER / name
        if arguments.check:
            if not file.exists() or file.read_text() != text:
                stale.append(name)
        else:
            file.write_text(text)
            print(f"wrote {file}")
    if stale:
        print(
            f"{', '.join(stale)}: not what the code makes; run python -m cloud.grafana",
            file=sys.stderr,
        )
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
