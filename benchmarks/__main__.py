"""Runs every benchmark in turn, each in a process of its own.

python -m benchmarks               # all of them
python -m benchmarks codec agent   # these
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent


def names() -> list[str]:
    """The benchmarks: modules of this folder that can be run."""
    return sorted(
        file.stem
        for file in FOLDER.glob("*.py")
        if not file.stem.startswith("_") and 'if __name__ == "__main__"' in file.read_text()
    )


def main() -> int:
    """Run them; 1 if one of them failed to run (a figure that falls short is no failure)."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Runs the benchmarks; results go to benchmarks/results.",
        epilog="example: python -m benchmarks codec",
    )
    parser.add_argument("name", nargs="*", choices=[*names(), []], help="which ones (default: all)")
    failed = []
    for name in parser.parse_args().name or names():
        print(f"== {name}", flush=True)
        if subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode:
            failed.append(name)
    if failed:
        print(f"could not run: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
