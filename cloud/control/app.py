"""The application: its areas' routes, and what runs beside them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from fastapi import FastAPI
from starlette.types import Lifespan

from cloud.control import idempotency, problems, system, trail
from cloud.control.alerts import routes as alerts
from cloud.control.alerts import rules_routes as rules
from cloud.control.browsers import Browsers
from cloud.control.ca import routes as ca
from cloud.control.devices import enrolment
from cloud.control.devices import routes as devices
from cloud.control.history import routes as history
from cloud.control.limits import Limits
from cloud.control.notices import routes as notices
from cloud.control.people import live_routes
from cloud.control.people import routes as people
from cloud.control.pipeline import metrics
from cloud.control.pipeline import routes as pipeline
from cloud.control.remote import commands_routes as commands
from cloud.control.remote import configuration_routes as configuration
from cloud.control.services import Services
from cloud.control.status import routes as status
from cloud.control.storage import routes as storage
from cloud.control.tracing import Tracing
from cloud.control.verification import routes as verification

_ROUTERS = (
    people.router,
    live_routes.router,
    trail.router,
    system.router,
    devices.router,
    enrolment.router,
    ca.router,
    history.router,
    pipeline.router,
    metrics.router,
    status.router,
    commands.router,
    rules.router,
    alerts.router,
    notices.router,
    configuration.router,
    storage.router,
    verification.router,
)

_DESCRIPTION = (
    "Who may do what, what runs, and is it really running. "
    "Errors are RFC 9457 problem details with a `fix`."
)


def create_app(services: Services) -> FastAPI:
    """Put the application together."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await services.pool.open(wait=False)
        tasks = [
            asyncio.create_task(services.hub.run(), name="events"),
            asyncio.create_task(services.broker.run(), name="broker"),
            asyncio.create_task(services.devices.rights.run(), name="rights"),
            asyncio.create_task(services.live.run(), name="live"),
            asyncio.create_task(services.pipeline.run(), name="pipeline"),
            asyncio.create_task(services.status.run(), name="status"),
            asyncio.create_task(services.remote.run(), name="remote"),
            asyncio.create_task(services.storage.run(), name="storage"),
            asyncio.create_task(services.settling.run(), name="certificates"),
            asyncio.create_task(services.rotation.run(), name="rotation"),
            asyncio.create_task(services.courier.run(), name="notifications"),
            asyncio.create_task(services.carrying.run(), name="carrying"),
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            for task in tasks:
                with suppress(asyncio.CancelledError):
                    await task
            await services.verifications.close()
            await services.pool.close()

    app = described(lifespan)
    app.state.services = services
    return app


def described(lifespan: Lifespan[FastAPI] | None = None) -> FastAPI:
    """Put the routes together; without what they work with they can only be described."""
    app = FastAPI(
        title="Fieldline",
        version="1",
        description=_DESCRIPTION,
        openapi_url=None,  # `system` answers the page
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    problems.install(app)
    for router in _ROUTERS:
        app.include_router(router)
    app.add_middleware(idempotency.Idempotency)  # the last to be added is the first to see
    app.add_middleware(Limits)
    app.add_middleware(Browsers)
    app.add_middleware(Tracing)
    return app


def page() -> dict[str, Any]:
    """Return the OpenAPI page; committed as openapi.json, which is what is served."""
    return idempotency.describe(problems.describe(described().openapi()))
