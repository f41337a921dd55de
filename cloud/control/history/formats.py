"""In which form an answer goes out: by `format`, else by the Accept header."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from enum import StrEnum
from typing import Annotated, Any

from fastapi import Depends, Header, Query
from fastapi.responses import StreamingResponse

from cloud.control import problems
from cloud.control.history.exports import ARROW, CSV


class Format(StrEnum):
    """JSON is paged; CSV and Arrow hold the whole range."""

    JSON = "json"
    CSV = "csv"
    ARROW = "arrow"


def _wanted(
    named: Annotated[
        Format | None, Query(alias="format", description="instead of the Accept header")
    ] = None,
    accept: Annotated[str, Header(include_in_schema=False)] = "",
) -> Format:
    if named is not None:
        return named
    for kind in accept.split(","):
        media = kind.partition(";")[0].strip().lower()
        if media == CSV:
            return Format.CSV
        if media == ARROW:
            return Format.ARROW
        if media in {"application/json", "*/*"}:
            break
    return Format.JSON


Wanted = Annotated[Format, Depends(_wanted)]


def answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Document a route's answers: problems, and the forms beside JSON."""
    return {
        **problems.answers(*statuses),
        200: {
            "content": {
                CSV: {"schema": {"type": "string"}},
                ARROW: {"schema": {"type": "string", "format": "binary"}},
            }
        },
    }


async def streamed(chunks: AsyncGenerator[bytes], media_type: str) -> StreamingResponse:
    """Answer with a stream that has begun, so that what fails at once is still a problem."""
    first = await anext(chunks)

    async def whole() -> AsyncIterator[bytes]:
        async with aclosing(chunks):
            yield first
            async for chunk in chunks:
                yield chunk

    return StreamingResponse(whole(), media_type=media_type)
