"""What commands that ask the API have in common: paths, pages, tables, questions."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from cloud.stack.client import Client
from cloud.stack.errors import StackError

_PAGE = 1000


def path(*parts: str) -> str:
    """Return `/v1/` and the parts, each quoted."""
    return "/v1/" + "/".join(quote(part, safe="") for part in parts)


def seen(thing: dict[str, Any]) -> dict[str, str]:
    """Return the header that says which version is edited."""
    return {"If-Match": f'"{thing["version"]}"'}


def pages(
    client: Client, at: str, most: int | None = None, query: Mapping[str, str | None] | None = None
) -> Iterator[Any]:
    """Return the items of a list, page after page, `most` at most; what is None is not asked."""
    asked = {key: value for key, value in (query or {}).items() if value is not None}
    cursor: str | None = ""
    left = most
    while cursor is not None and (left is None or left > 0):
        limit = {"limit": str(_PAGE if left is None else min(left, _PAGE))}
        begin = {"cursor": cursor} if cursor else {}
        page = client.ask("GET", f"{at}?{urlencode({**asked, **limit, **begin})}")
        yield from page["items"]
        cursor = page["next"]
        left = None if left is None else left - len(page["items"])


def show(answer: Any, lines: Sequence[str], *, as_json: bool) -> None:
    """Print for a program, or for a person."""
    if as_json:
        print(json.dumps(answer, indent=2))
    elif lines:
        print("\n".join(lines))


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return a table's lines; none without rows."""
    if not rows:
        return []
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (head, *rows)
    ]


def moment(time: str) -> str:
    """Write an answer's time for a person, to the minute."""
    return f"{time[:16].replace('T', ' ')} UTC"


def reached_from(answer: dict[str, Any], what: str) -> list[str]:
    """Say that an address of an answer is for this machine alone, if it is."""
    if not answer["local_only"]:
        return []
    return [
        "",
        f"It is for {what} of this machine alone: the stack listens to nobody else. For others put",
        "",
        "  [mqtt]",
        '  bind = "0.0.0.0"',
        "",
        "into fieldline.toml in the data folder, then `fieldline down` and `up`, and ask anew.",
    ]


def confirmed(question: str, *, yes: bool) -> bool:
    """Ask before what cannot be undone. Raises StackError if nobody is there to be asked."""
    if yes:
        return True
    if not sys.stdin.isatty():
        raise StackError("nobody is there to be asked; say --yes if it is meant")
    return input(f"{question} [y/N] ").strip().lower() in {"y", "yes"}
