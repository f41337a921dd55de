"""What is to be translated, as the source says it; `python -m control_panel.qt.catalogues`."""

import argparse
import ast
import sys
from pathlib import Path
from string import Formatter

import msgspec

from control_panel.qt import texts

PACKAGE = Path(__file__).parents[1]
_MARKS = ("tr", "says")
"""The functions that are given texts: our own, and what the server and the client say."""


def collected(folder: Path = PACKAGE) -> set[str]:
    """Return every text that the source in a folder gives to `tr` or `says`.

    ValueError for one that is put together there: nobody could translate it.
    """
    found = set()
    for file in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if not (isinstance(node, ast.Call) and _name(node.func) in _MARKS):
                continue
            (said,) = node.args
            if not (isinstance(said, ast.Constant) and isinstance(said.value, str)):
                raise ValueError(
                    f"{file}:{node.lineno}: write the text out; nobody could translate it"
                )
            found.add(said.value)
    return found


def places(text: str) -> list[str]:
    """Return the names in braces, in order of the alphabet."""
    return sorted(name for _, name, _, _ in Formatter().parse(text) if name is not None)


def faults(wanted: set[str], catalogue: dict[str, str]) -> list[str]:
    """Say what is missing in a language, left over, empty, or has other names in braces."""
    found = [f"missing: {text!r}" for text in sorted(wanted - catalogue.keys())]
    found += [f"left over: {text!r}" for text in sorted(catalogue.keys() - wanted)]
    for text, said in sorted(catalogue.items()):
        if text in wanted and not said:
            found.append(f"empty: {text!r}")
        elif text in wanted and places(text) != places(said):
            found.append(f"other names in braces: {text!r} as {said!r}")
    return found


def updated(wanted: set[str], catalogue: dict[str, str]) -> dict[str, str]:
    """Return a catalogue with every text that is wanted and no other; new ones are empty."""
    return {text: catalogue.get(text, "") for text in sorted(wanted)}


def main() -> int:
    """Bring the catalogues up to date; say what is still to be written."""
    argparse.ArgumentParser(
        prog="python -m control_panel.qt.catalogues",
        description="Adds new texts to qt/translations/*.json, empty, and takes old ones away.",
    ).parse_args()
    wanted = collected()
    todo = 0
    for file in sorted((PACKAGE / "qt" / texts.FOLDER).glob("*.json")):
        kept = updated(wanted, texts.catalogue(file.stem))
        file.write_bytes(msgspec.json.format(msgspec.json.encode(kept), indent=1) + b"\n")
        for fault in faults(wanted, kept):
            todo += 1
            print(f"{file.stem}: {fault}")
    return 1 if todo else 0


def _name(function: ast.expr) -> str:
    return getattr(function, "id", getattr(function, "attr", ""))


if __name__ == "__main__":
    sys.exit(main())
