"""The house's manner of drawing: what all panels of one kind have in common."""

from __future__ import annotations

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import dashboard as dashboards
from grafana_foundation_sdk.builders import stat, table, timeseries
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models import dashboard as models

from cloud.grafana.query import SOURCE, Query

GOOD = "green"
BAD = "red"
STATUS_COLOURS = {
    "online": GOOD,
    "late": "orange",
    "clock unknown": "orange",
    "source failing": "orange",
    "buffer filling": BAD,
    "offline": BAD,
    "revoked": "text",
    "never seen": "text",
    "unknown": "text",
}


def over_time(title: str, description: str, sql: str) -> timeseries.Panel:
    """A time series with gaps drawn as gaps."""
    return (
        timeseries.Panel()
        .title(title)
        .description(description)
        .datasource(SOURCE)
        .with_target(Query(sql, "time_series"))
        .interval("1s")
        .line_width(1)
        .fill_opacity(4)
        .span_nulls(False)
        .show_points(common.VisibilityMode.AUTO)
        .legend(
            common_builders.VizLegendOptions()
            .display_mode(common.LegendDisplayMode.TABLE)
            .placement(common.LegendPlacement.BOTTOM)
            .show_legend(True)
            .calcs(["lastNotNull", "min", "max"])
        )
        .tooltip(
            common_builders.VizTooltipOptions()
            .mode(common.TooltipDisplayMode.MULTI)
            .sort(common.SortOrder.DESCENDING)
        )
        .no_value("No readings in this time range")
    )


def number(title: str, description: str, sql: str, field: str) -> stat.Panel:
    """One large number: a column of the query's one row."""
    return (
        stat.Panel()
        .title(title)
        .description(description)
        .datasource(SOURCE)
        .with_target(Query(sql, "table"))
        .reduce_options(
            common_builders.ReduceDataOptions()
            .calcs(["lastNotNull"])
            .fields(f"/^{field}$/")
            .values(False)
        )
        .graph_mode(common.BigValueGraphMode.NONE)
        .text_mode(common.BigValueTextMode.VALUE)
        .no_value("0")
    )


def alarmed_from(lowest_bad: float) -> dashboards.ThresholdsConfig:
    """Green below a number, red from it on."""
    return (
        dashboards.ThresholdsConfig()
        .mode(models.ThresholdsMode.ABSOLUTE)
        .steps(
            [
                models.Threshold(value=None, color=GOOD),
                models.Threshold(value=lowest_bad, color=BAD),
            ]
        )
    )


def rows(title: str, description: str, sql: str) -> table.Panel:
    """A table; ages in words, a status in its colour."""
    colours = models.ValueMap(
        options={
            status: models.ValueMappingResult(text=status, color=colour, index=index)
            for index, (status, colour) in enumerate(STATUS_COLOURS.items())
        }
    )
    return (
        table.Panel()
        .title(title)
        .description(description)
        .datasource(SOURCE)
        .with_target(Query(sql, "table"))
        .filterable(True)
        .override_by_name("Age", [models.DynamicConfigValue("unit", "s")])
        .override_by_name(
            "Status",
            [
                models.DynamicConfigValue("mappings", [colours.to_json()]),
                models.DynamicConfigValue("custom.cellOptions", {"type": "color-text"}),
            ],
        )
        .no_value("Nothing here yet")
    )


def linked_to_device(panel: table.Panel) -> table.Panel:
    """Makes every device name lead to its own dashboard, at the same time range."""
    link = {
        "title": "Show ${__value.text}",
        "url": "/d/fieldline-device?var-device=${__value.text}&${__url_time_range}",
    }
    return panel.override_by_name("Device", [models.DynamicConfigValue("links", [link])])


def device_variable(name: str, sql: str) -> dashboards.QueryVariable:
    """A variable filled by a query whenever the dashboard is opened."""
    return (
        dashboards.QueryVariable(name)
        .datasource(SOURCE)
        .query(sql)
        .refresh(models.VariableRefresh.ON_DASHBOARD_LOAD)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
    )


def everything() -> models.VariableOption:
    """The choice of all values."""
    return models.VariableOption(text="All", value="$__all", selected=True)
