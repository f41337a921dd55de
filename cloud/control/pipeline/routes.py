"""`/v1/pipeline`: what runs, is it really running, and start, stop, restart."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated, cast

from fastapi import APIRouter, Path, Query, Request

from cloud.control import problems
from cloud.control.access import Operator, Viewer
from cloud.control.pipeline import graph, logs
from cloud.control.pipeline.graph import Action
from cloud.control.pipeline.models import Begun, Consequences, LogLines, Pipeline, StageView
from cloud.control.pipeline.monitor import Seen
from cloud.control.problems import Problem, not_found
from cloud.control.services import Services

router = APIRouter(tags=["pipeline"])

StageName = Annotated[str, Path(max_length=32, examples=["stream"])]


def _services(request: Request) -> Services:
    return cast("Services", request.app.state.services)


def _seen(request: Request) -> Seen:
    seen = _services(request).pipeline.seen
    if seen is None:
        raise Problem(
            503,
            "nothing-seen",
            "nothing was seen of the stages yet, or nothing was ever started here",
            "try again in some seconds; `fieldline up` starts everything",
            headers={"Retry-After": "3"},
        )
    return seen


@router.get(
    "/v1/pipeline",
    summary="All stages by their progress",
    responses=problems.answers(401, 403, 503),
)
async def pipeline(request: Request, _: Viewer) -> Pipeline:
    """Tell what was seen last, a few seconds ago at most."""
    seen, busy = _seen(request), _services(request).actions.busy
    names = seen.plan.stages
    stored = next((one.newest for one in seen.stages if one.name == "stream"), None)
    views = []
    for one in seen.stages:
        newest = stored if one.name == "postgres" else one.newest
        views.append(
            StageView(
                name=one.name,
                state=one.state,
                since=datetime.fromtimestamp(seen.since[one.name], UTC),
                reason=one.reason,
                rate_in=one.rate_in,
                rate_out=one.rate_out,
                lag=one.lag,
                lag_seconds=one.lag_seconds,
                newest=None if newest is None else datetime.fromtimestamp(newest, UTC),
                age=None if newest is None else max(0.0, seen.at - newest),
                errors=seen.errors.get(one.name, 0),
                restarts=one.restarts,
                pid=one.pid,
                busy=busy.get(one.name),
                needs=[need for need in graph.NEEDS.get(one.name, ()) if need in names],
                dependents=graph.dependents(one.name, names),
            )
        )
    return Pipeline(at=datetime.fromtimestamp(seen.at, UTC), stages=views)


@router.get(
    "/v1/pipeline/consequences",
    summary="What it means to start, stop or restart everything",
    responses=problems.answers(401, 403, 422, 503),
)
async def whole_consequences(request: Request, _: Viewer, action: Action) -> Consequences:
    """Tell beforehand."""
    here = _here(_seen(request))
    return Consequences(
        stage=None, action=action, consequences=graph.whole_consequences(action, here)
    )


@router.post(
    "/v1/pipeline/{action}",
    status_code=202,
    summary="Start, stop or restart everything but PostgreSQL and the API",
    responses=problems.answers(401, 403, 409, 422, 503),
)
async def act_on_all(request: Request, principal: Operator, action: Action) -> Begun:
    """Begin; events of kind `pipeline` tell how it goes. A start takes PostgreSQL in."""
    here = _here(_seen(request))
    stages = graph.order(here, action)
    await _begin(request, stages, action, principal)
    return Begun(stages=stages, action=action, consequences=graph.whole_consequences(action, here))


@router.get(
    "/v1/pipeline/{stage}/consequences",
    summary="What it means to start, stop or restart a stage",
    responses=problems.answers(401, 403, 404, 422, 503),
)
async def consequences(
    request: Request, _: Viewer, stage: StageName, action: Action
) -> Consequences:
    """Tell beforehand."""
    seen = _seen(request)
    _check(seen, stage)
    said = graph.consequences(stage, action, seen.plan.stages)
    return Consequences(stage=stage, action=action, consequences=said)


@router.get(
    "/v1/pipeline/{stage}/log",
    summary="The end of a stage's log",
    responses=problems.answers(401, 403, 404, 422, 503),
)
async def log(
    request: Request,
    _: Operator,
    stage: StageName,
    lines: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> LogLines:
    """Return the last lines; what cannot be printed is a dot."""
    _check(_seen(request), stage)
    file = _services(request).folder.log(stage)
    try:
        return LogLines(stage=stage, lines=await asyncio.to_thread(logs.tail, file, lines))
    except FileNotFoundError:
        raise not_found("log of", stage, "it has said nothing yet, or runs elsewhere") from None


@router.post(
    "/v1/pipeline/{stage}/{action}",
    status_code=202,
    summary="Start, stop or restart a stage",
    responses=problems.answers(401, 403, 404, 409, 422, 503),
)
async def act(request: Request, principal: Operator, stage: StageName, action: Action) -> Begun:
    """Begin; events of kind `pipeline` tell how it goes."""
    seen = _seen(request)
    _check(seen, stage)
    if stage == graph.OWN:
        raise Problem(
            409,
            "own-stage",
            "the API cannot stop or restart itself and answer",
            f"run `fieldline {action} api` on the server",
        )
    if stage not in _here(seen):
        raise Problem(
            409, "elsewhere", f"{stage} does not run on this machine",
            f"{action} it where it runs; fieldline.toml says where",
        )  # fmt: skip
    await _begin(request, [stage], action, principal)
    said = graph.consequences(stage, action, seen.plan.stages)
    return Begun(stages=[stage], action=action, consequences=said)


async def _begin(request: Request, stages: list[str], action: Action, principal: Operator) -> None:
    services = _services(request)
    await services.actions.begin(stages, action, principal)
    for stage in stages:
        services.pipeline.forgive(stage)


def _here(seen: Seen) -> list[str]:
    return [stage for stage in seen.plan.stages if seen.plan.runs_here(stage)]


def _check(seen: Seen, stage: str) -> None:
    if stage not in seen.plan.stages or stage not in graph.NEEDS:
        raise not_found("stage", stage[:32], f"there are {', '.join(seen.plan.stages)}")
