"""A query of Grafana's PostgreSQL data source, which the SDK has no builder for."""

from __future__ import annotations

from typing import Literal

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.dashboard import DataSourceRef

# `postgres` names the plugin in every Grafana from 9 to 12; the uid is that of the provisioning.
SOURCE = DataSourceRef(type_val="postgres", uid="fieldline")

Shape = Literal["time_series", "table"]


class PostgresQuery(Dataquery):
    """One SQL text and the shape that Grafana makes of its rows."""

    def __init__(self, sql: str, shape: Shape, ref_id: str) -> None:
        self.sql = sql
        self.shape = shape
        self.ref_id = ref_id

    def to_json(self) -> dict[str, object]:
        """The query as it stands in a dashboard's JSON."""
        return {
            "refId": self.ref_id,
            "datasource": SOURCE.to_json(),
            "rawSql": self.sql,
            "format": self.shape,
            "rawQuery": True,
            "editorMode": "code",
        }


class Query(Builder[Dataquery]):
    """What a panel takes: `Query(sql, "time_series")`."""

    def __init__(self, sql: str, shape: Shape, ref_id: str = "A") -> None:
        self._query = PostgresQuery(sql.strip(), shape, ref_id)

    def build(self) -> Dataquery:
        """The query itself."""
        return self._query
