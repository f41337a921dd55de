"""Optimistic locking: a thing's version is its ETag, and who edits it says which one they saw."""

from typing import Annotated

from fastapi import Depends, Header, Response

from cloud.control.problems import Problem


def tag(response: Response, version: int) -> None:
    """Put a thing's version on an answer."""
    response.headers["ETag"] = f'"{version}"'


async def _if_match(
    if_match: Annotated[str | None, Header(description="ETag of what was seen")] = None,
) -> int:
    if if_match is None:
        raise Problem(
            428,
            "no-if-match",
            "an edit must say which version it is of",
            "get the thing, and send its ETag as If-Match",
        )
    text = if_match.removeprefix("W/").strip('"')
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise Problem(
            412,
            "changed-meanwhile",
            f"{if_match[:40]} is no ETag of this API",
            "get the thing again",
        )
    return int(text)


IfMatch = Annotated[int, Depends(_if_match)]
"""The version that the caller saw."""


def check(seen: int, version: int) -> None:
    """Raise 412 if the thing has changed since it was seen."""
    if seen != version:
        raise Problem(
            412,
            "changed-meanwhile",
            f"it is at version {version} now, and {seen} was seen",
            "get it again, and repeat the change on what it is now",
        )
