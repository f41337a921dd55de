"""`fieldline doctor`."""

import argparse
import os
import sys

import msgspec
from rich.console import Console
from rich.text import Text

from cloud.stack.doctor import stack
from cloud.stack.doctor.checkup import Finding, Verdict, examine
from cloud.stack.doctor.order import CHECKS
from cloud.stack.folder import Folder
from cloud.stack.plan import read_plan

_MARKS = {
    Verdict.GOOD: ("✓", "green"),
    Verdict.DOUBTFUL: ("!", "yellow"),
    Verdict.WRONG: ("✗", "red"),
    Verdict.NOT_LOOKED_AT: ("-", "dim"),
}


def run(folder: Folder, options: argparse.Namespace) -> int:
    """Examine everything; 1 if anything is wrong."""
    subject = stack.of(folder, read_plan(folder), os.environ)
    console = Console(highlight=False, soft_wrap=True)
    findings = []
    for finding in examine(CHECKS, subject):
        findings.append(finding)
        if not options.json:
            _show(console, finding)
    wrong = [one for one in findings if one.verdict is Verdict.WRONG]
    if options.json:
        told = {"sound": not wrong, "findings": [msgspec.to_builtins(one) for one in findings]}
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(told), indent=2).decode() + "\n")
    else:
        console.print(
            f"\n{len(wrong)} wrong; mend the first one first" if wrong else "\nnothing is wrong"
        )
    return 1 if wrong else 0


def _show(console: Console, finding: Finding) -> None:
    mark, style = _MARKS[finding.verdict]
    line = Text.assemble(
        (mark, style), f" {finding.check:<12} ", (finding.said, style if mark != "✓" else "")
    )
    console.print(line)
    if finding.fix:
        console.print(Text(f"  {'':<12} → {finding.fix}"))
