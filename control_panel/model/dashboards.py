"""Where Grafana shows the same as the panel, at the same time range."""

from collections.abc import Iterable
from datetime import datetime
from urllib.parse import urlencode


def fleet(grafana: str, begin: datetime, end: datetime) -> str:
    """Return the address of the dashboard of all devices."""
    return _address(grafana, "fieldline-fleet", [], begin, end)


def device(
    grafana: str, name: str, begin: datetime, end: datetime, channels: Iterable[str] = ()
) -> str:
    """Return the address of a device's dashboard, of some of its channels if they are named."""
    chosen = [("var-device", name), *(("var-channel", channel) for channel in channels if channel)]
    return _address(grafana, "fieldline-device", chosen, begin, end)


def _address(
    grafana: str, uid: str, chosen: list[tuple[str, str]], begin: datetime, end: datetime
) -> str:
    span = [
        (word, str(round(at.timestamp() * 1000))) for word, at in (("from", begin), ("to", end))
    ]
    return f"{grafana.rstrip('/')}/d/{uid}?{urlencode([*chosen, *span])}"
