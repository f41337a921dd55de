"""The API itself: is it there, and everything that changes."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel

from cloud.control import problems
from cloud.control.access import Viewer
from cloud.control.services import Services
from cloud.stack.errors import StackError
from cloud.stack.plan import read_plan

router = APIRouter(tags=["system"])

_PAGE = Path(__file__).with_name("openapi.json")


class Health(BaseModel):
    """Whether the API answers; for whom starts and watches it."""

    status: Literal["ok"]


@router.get("/v1/health", summary="Is the API there")
async def health() -> Health:
    """Answer without a login and without the database."""
    return Health(status="ok")


class Server(BaseModel):
    """What this server is; `time` lets a client see whether its own clock is right."""

    version: str
    time: datetime
    grafana: str | None
    """Where the dashboards are, as the server's own machine reaches them; null without Grafana."""


@router.get("/v1/server", summary="What this server is", responses=problems.answers(401, 403, 503))
async def server(request: Request, _: Viewer) -> Server:
    """Say which version runs, what time it is there, and where Grafana is."""
    services: Services = request.app.state.services
    try:
        grafana = (await asyncio.to_thread(read_plan, services.folder)).grafana
    except StackError:
        grafana = None  # the API was started alone
    return Server(version=metadata.version("fieldline"), time=datetime.now(UTC), grafana=grafana)


@router.get("/v1/openapi.json", include_in_schema=False)
async def page() -> Response:
    """Answer the page as it is committed: to put it together here would hold 7 MB for good."""
    return Response(_PAGE.read_bytes(), media_type="application/json")


@router.get(
    "/v1/events",
    summary="Everything that changes, as server-sent events",
    response_class=EventSourceResponse,
    responses=problems.answers(401, 403, 503),
)
async def events(
    request: Request,
    _: Viewer,
    kind: Annotated[
        list[str], Query(description="only of these kinds, e.g. device, pipeline, alert")
    ] = [],  # noqa: B006 -- never changed
) -> AsyncIterator[ServerSentEvent]:
    """Tell from now on. The event's name is its kind; a gap in `number` means: look anew."""
    services: Services = request.app.state.services
    async with services.hub.listen() as told:
        async for event in told:
            if not kind or event.kind in kind or event.kind == "events":
                yield ServerSentEvent(
                    event=event.kind,
                    id=str(event.number),
                    data={
                        "number": event.number,
                        "subject": event.subject,
                        "what": event.what,
                        **({"data": event.data} if event.data else {}),
                    },
                )
