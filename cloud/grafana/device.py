"""Dashboard *Device*: every channel of one device, from seconds to years."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard as dashboards
from grafana_foundation_sdk.builders import table, timeseries
from grafana_foundation_sdk.models import dashboard as models

from cloud.grafana import panels, queries


def device() -> dashboards.Dashboard:
    """One device on one page: a chart for each unit, so that no axis has two meanings."""
    return (
        dashboards.Dashboard("Device")
        .uid("fieldline-device")
        .description("Every channel of one device, raw or rolled up as the time range asks.")
        .tags(["fieldline"])
        .time("now-1h", "now")
        .refresh("10s")
        .timezone("browser")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .with_variable(panels.device_variable("device", queries.ALL_DEVICES).label("Device"))
        .with_variable(
            panels.device_variable("channel", queries.CHANNELS_OF_DEVICE)
            .label("Channel")
            .multi(True)
            .include_all(True)
            .current(panels.everything())
        )
        .with_variable(
            panels.device_variable("unit", queries.UNITS_OF_DEVICE)
            .label("Unit")
            .multi(True)
            .include_all(True)
            .current(panels.everything())
        )
        .link(
            dashboards.DashboardLink("Fleet")
            .type(models.DashboardLinkType.LINK)
            .url("/d/fieldline-fleet")
            .keep_time(True)
        )
        .with_panel(status().height(4).span(24))
        .with_panel(channels_over_time().height(9).span(12))
        .with_panel(newest_values().height(10).span(14))
        .with_panel(completeness().height(10).span(10))
    )


def status() -> table.Panel:
    return panels.rows("Status", "What the device says of itself.", queries.STATUS_OF_DEVICE)


def channels_over_time() -> timeseries.Panel:
    return (
        panels.over_time(
            "$unit",
            "Means over the width of a pixel: of raw readings up to an hour, of minutes up to two "
            "days, of hours up to half a year, of days beyond.",
            queries.CHANNELS_OVER_TIME,
        )
        .repeat("unit")
        .repeat_direction("h")
        .max_per_row(2)
    )


def newest_values() -> table.Panel:
    return panels.rows(
        "Newest values", "The newest number of every channel.", queries.NEWEST_OF_DEVICE
    )


def completeness() -> table.Panel:
    return panels.rows(
        "Completeness",
        "What has arrived of what the device numbered. A new epoch is a new buffer.",
        queries.COMPLETENESS_OF_DEVICE,
    )
