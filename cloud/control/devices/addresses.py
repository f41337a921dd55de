"""Where a device reaches us, seen from where the request came."""

import ipaddress
from urllib.parse import urlsplit

from fastapi import Request

from cloud.control.devices.models import Login
from cloud.control.services import Services
from wire import topics


def api_url(request: Request, services: Services) -> str:
    """Return the API's URL: as settings say, else as whoever asks has called it."""
    return services.settings.api.url or f"https://{request.url.netloc}"


def local_only(url: str) -> bool:
    """Whether a URL is reached from the server's own machine alone."""
    return _is_loopback(urlsplit(url).hostname or "")


def broker_host(request: Request, services: Services) -> str:
    """Return the broker's host; one that is this machine's own is where the API was reached."""
    host = services.settings.mqtt.host
    return (request.url.hostname or host) if _is_loopback(host) else host


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def login(request: Request, services: Services, device: str, password: str) -> Login:
    """Return what a foreign device needs."""
    return Login(
        device=device,
        username=device,
        password=password,
        topic=topics.data(device),
        host=broker_host(request, services),
        port=services.settings.mqtt.port,
        ca=services.devices.authority.pem,
    )
