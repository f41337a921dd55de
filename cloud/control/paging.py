"""Pages of a list: an opaque cursor that names the last item seen."""

import base64
import binascii
from typing import Annotated, Any

import msgspec
from fastapi import Query

from cloud.control.problems import Problem

Limit = Annotated[int, Query(ge=1, le=1000, description="items a page")]
Cursor = Annotated[
    str | None, Query(max_length=1000, description="`next` of the page before; none for the first")
]


def cursor(*keys: Any) -> str:
    """Make a cursor of the last item's sort keys (strings, numbers)."""
    return base64.urlsafe_b64encode(msgspec.json.encode(keys)).decode().rstrip("=")


def keys(text: str | None, *types: type) -> tuple[Any, ...] | None:
    """Return the sort keys of a cursor, of these types; None for the first page. Raises Problem."""
    if text is None:
        return None
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        return msgspec.json.decode(raw, type=tuple[types])  # type: ignore[valid-type]
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        raise Problem(
            422, "bad-cursor", "the cursor is not of this list", "begin at the first page"
        ) from None


def number(text: str | None) -> int:
    """Return the number after which a list by number goes on. Raises Problem."""
    found = keys(text, int)
    return 0 if found is None else max(0, min(int(found[0]), 2**62))
