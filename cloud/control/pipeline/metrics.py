"""`/metrics`: every stage and the devices, for Prometheus. The list: docs/operation.md."""

import math
from collections.abc import Iterable, Iterator, Mapping

from fastapi import APIRouter, Request, Response
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from cloud.control import problems
from cloud.control.access import ViewerOrHere
from cloud.control.pipeline.monitor import Seen
from cloud.control.services import Services
from cloud.control.status.judge import Condition
from cloud.control.storage.forecast import Forecast
from cloud.control.storage.keeper import Use
from cloud.stack.states import State

router = APIRouter(tags=["system"])

_PREFIX = "fieldline_api"


@router.get(
    "/metrics",
    summary="Measurements for Prometheus",
    response_class=Response,
    responses={
        **problems.answers(401, 403, 503),
        200: {"content": {"text/plain": {"schema": {"type": "string"}}}},
    },
)
async def metrics(request: Request, _: ViewerOrHere) -> Response:
    """Tell what was seen last; from this machine itself without a login."""
    services: Services = request.app.state.services
    registry = CollectorRegistry()
    ProcessCollector(namespace=_PREFIX, registry=registry)
    registry.register(_Given(stages(services.pipeline.seen)))
    registry.register(_Given(devices(services.status.counts)))
    registry.register(_Given(storage(services.storage.seen)))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


class _Given(Collector):
    """Measurements that are there already."""

    def __init__(self, given: Iterable[Metric]) -> None:
        self._given = list(given)

    def collect(self) -> Iterable[Metric]:
        """Hand them over."""
        return self._given


def stages(seen: Seen | None) -> Iterator[Metric]:
    """Yield what is measured of every stage; without a sample where nothing is known."""
    found = seen.stages if seen else []
    state = GaugeMetricFamily(
        "fieldline_stage_state", "1 for the state that a stage is in", labels=["stage", "state"]
    )
    for stage in found:
        for one in State:
            state.add_metric([stage.name, one], float(stage.state is one))
    yield state
    since = seen.since if seen else {}
    errors = seen.errors if seen else {}
    for name, text, values in (
        ("state_since_seconds", "Since when, in seconds since 1970", since),
        ("rate_in", "What comes in, a second", {one.name: one.rate_in for one in found}),
        ("rate_out", "What goes out, a second", {one.name: one.rate_out for one in found}),
        ("lag_messages", "What waits in front of it", {one.name: one.lag for one in found}),
        (
            "lag_seconds", "How long the oldest of it has waited",
            {one.name: one.lag_seconds for one in found},
        ),
        (
            "newest_seconds", "Time of the newest that went out, in seconds since 1970",
            {one.name: one.newest for one in found},
        ),
        ("errors", "Lines of its log that report an error, last hour", errors),
    ):  # fmt: skip
        gauge = GaugeMetricFamily(f"fieldline_stage_{name}", text, labels=["stage"])
        for stage_name, value in values.items():
            if value is not None:
                gauge.add_metric([stage_name], value)
        yield gauge
    restarts = CounterMetricFamily(
        "fieldline_stage_restarts", "How often it ended by itself", labels=["stage"]
    )
    for stage in found:
        restarts.add_metric([stage.name], stage.restarts)
    yield restarts


def devices(counts: Mapping[str, int]) -> Iterator[Metric]:
    """Yield how many devices do how."""
    gauge = GaugeMetricFamily("fieldline_devices", "Devices by their status", labels=["status"])
    for condition in Condition:
        gauge.add_metric([condition], counts.get(condition, 0))
    yield gauge


def storage(use: Use | None) -> Iterator[Metric]:
    """Yield what takes the disk; without a sample where nothing is known."""
    taken = GaugeMetricFamily(
        "fieldline_storage_bytes", "What each part takes of the disk", labels=["part"]
    )
    free = GaugeMetricFamily("fieldline_storage_free_bytes", "What is free on the data disk")
    full = GaugeMetricFamily(
        "fieldline_storage_full_seconds", "How long until the disk is full, as it grows now"
    )
    if use is not None:
        tiers = {f"tier {tier['name']}": tier["bytes"] for tier in use.tiers}
        for part, size in {**use.disk.servers, **tiers}.items():
            taken.add_metric([part], size)
        free.add_metric([], use.disk.free)
        full.add_metric([], _seconds(use.forecast))
    yield from (taken, free, full)


def _seconds(forecast: Forecast) -> float:
    if forecast.days is not None:
        return forecast.days * 86_400.0
    return math.inf if forecast.known else math.nan
