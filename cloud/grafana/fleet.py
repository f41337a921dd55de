"""Dashboard *Fleet*: are all devices there, and has everything arrived?"""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard as dashboards
from grafana_foundation_sdk.builders import stat, table, timeseries
from grafana_foundation_sdk.models import dashboard as models

from cloud.grafana import panels, queries


def fleet() -> dashboards.Dashboard:
    """The whole fleet on one page."""
    return (
        dashboards.Dashboard("Fleet")
        .uid("fieldline-fleet")
        .description("Every device: its status, its newest values, and what has arrived of it.")
        .tags(["fieldline"])
        .time("now-24h", "now")
        .refresh("10s")
        .timezone("browser")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .with_variable(
            panels.device_variable("device", queries.ALL_DEVICES)
            .label("Device")
            .multi(True)
            .include_all(True)
            .current(panels.everything())
        )
        .with_panel(online().height(4).span(4))
        .with_panel(not_online().height(4).span(4))
        .with_panel(arrived().height(4).span(4))
        .with_panel(missing().height(4).span(4))
        .with_panel(on_devices().height(4).span(4))
        .with_panel(lost().height(4).span(4))
        .with_panel(devices().height(9).span(24))
        .with_panel(rows_a_minute().height(9).span(24))
        .with_panel(newest_values().height(12).span(14))
        .with_panel(rejected().height(12).span(10))
    )


def online() -> stat.Panel:
    return panels.number(
        "Online", "Devices that are connected now.", queries.DEVICES_BY_STATUS, "Online"
    )


def not_online() -> stat.Panel:
    return panels.number(
        "Not online",
        "Devices that are disconnected, or have never been seen.",
        queries.DEVICES_BY_STATUS,
        "Not online",
    ).thresholds(panels.alarmed_from(1))


def arrived() -> stat.Panel:
    return (
        panels.number(
            "Arrived",
            "Packs stored, of those no longer on a device.",
            queries.COMPLETENESS,
            "Arrived",
        )
        .unit("percentunit")
        .decimals(2)
    )


def missing() -> stat.Panel:
    return panels.number(
        "Missing",
        "Packs that have neither arrived nor are known to be on a device. On their way for seconds "
        "at most; what stays here has to be looked into.",
        queries.COMPLETENESS,
        "Missing",
    ).thresholds(panels.alarmed_from(1))


def on_devices() -> stat.Panel:
    return panels.number(
        "Still on devices",
        "Packs that wait in the buffers of devices.",
        queries.COMPLETENESS,
        "Still on devices",
    )


def lost() -> stat.Panel:
    return panels.number(
        "Lost",
        "Packs that devices had to throw away, by their own word.",
        queries.COMPLETENESS,
        "Lost",
    ).thresholds(panels.alarmed_from(1))


def devices() -> table.Panel:
    return panels.linked_to_device(
        panels.rows("Devices", "A name leads to the device's dashboard.", queries.DEVICES)
    )


def rows_a_minute() -> timeseries.Panel:
    return panels.over_time(
        "Rows a minute", "Numbers stored a minute, by the time they were read.",
        queries.ROWS_A_MINUTE,
    ).min(0)  # fmt: skip


def newest_values() -> table.Panel:
    return panels.linked_to_device(
        panels.rows("Newest values", "The newest number of every channel.", queries.NEWEST)
    )


def rejected() -> table.Panel:
    return panels.rows(
        "Rejected",
        "Input that could not be stored, newest first; its bytes are kept.",
        queries.REJECTED,
    )
