"""Errors as RFC 9457 problem details, each with what to do next."""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from cloud.control.errors import ControlError

MEDIA_TYPE = "application/problem+json"


class ProblemDetails(BaseModel):
    """The body of every answer of 400 and above."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="`about:blank`, or `urn:fieldline:problem:<kind>`")
    title: str = Field(description="what happened, the same words for every one of its kind")
    status: int = Field(ge=400, le=599)
    detail: str = Field(description="what happened here")
    fix: str = Field(description="what to do next")
    instance: str = Field(default="", description="the request's id, as in the log")


_SCHEMA = ProblemDetails.__name__


class Problem(ControlError):
    """Ends a request. `kind` is for programs, `fix` tells a person what to do next.

    `more` are further members of the body, `headers` of the answer.
    """

    def __init__(
        self,
        status: int,
        kind: str,
        detail: str,
        fix: str = "",
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.detail = detail
        self.fix = fix
        self.headers = headers or {}
        self.more = more


def not_found(what: str, name: object, fix: str = "") -> Problem:
    """Say that a thing is not there."""
    return Problem(404, "not-found", f"there is no {what} {name}", fix or f"list the {what}s first")


def answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Document the problems a route answers with, for `responses=`; 401, 403 … come with access."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            # `model` would say the same, and hold a validator for each answer of each route.
            "content": {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{_SCHEMA}"}}},
        }
        for status in statuses
    }


def install(app: FastAPI) -> None:
    """Make every error of an app a problem."""
    app.add_exception_handler(Problem, _of_problem)
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(RequestValidationError, _of_validation)
    app.add_exception_handler(Exception, _of_bug)


def describe(page: dict[str, Any]) -> dict[str, Any]:
    """Add to an OpenAPI page what `answers` refers to; return the page."""
    page["components"]["schemas"][_SCHEMA] = ProblemDetails.model_json_schema()
    return page


def body(request: Request, problem: Problem) -> dict[str, Any]:
    """Return the members of a problem's body."""
    return {
        **problem.more,
        "type": f"urn:fieldline:problem:{problem.kind}",
        "title": problem.kind.replace("-", " "),
        "status": problem.status,
        "detail": problem.detail,
        "fix": problem.fix,
        "instance": request.scope.get("request_id", ""),
    }


def respond(request: Request, problem: Problem) -> JSONResponse:
    """Answer with a problem."""
    return JSONResponse(
        body(request, problem), problem.status, headers=problem.headers, media_type=MEDIA_TYPE
    )


async def _of_problem(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Problem)
    return respond(request, error)


async def _of_http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    kind = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
    fix = {
        404: "see /v1/openapi.json for the routes",
        405: "see /v1/openapi.json for the methods of this route",
    }.get(error.status_code, "")
    problem = Problem(error.status_code, kind, str(error.detail), fix, dict(error.headers or {}))
    return respond(request, problem)


async def _of_validation(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    faults = [
        {"where": "/".join(str(part) for part in fault["loc"]), "what": fault["msg"]}
        for fault in error.errors()
    ]
    first = f"{faults[0]['where']}: {faults[0]['what']}" if faults else "the request is not valid"
    problem = Problem(
        422, "not-valid", first, "mend what `faults` names and send it again", faults=faults
    )
    return respond(request, problem)


async def _of_bug(request: Request, _: Exception) -> JSONResponse:
    # Starlette logs the trace with the request's id; the caller learns where to look.
    problem = Problem(
        500,
        "internal-error",
        "the server failed; nothing was changed",
        "look for the request's id in `fieldline logs api`",
    )
    return respond(request, problem)
