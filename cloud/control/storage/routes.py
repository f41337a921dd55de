"""`/v1/storage`: what takes the disk, and for how long it will do."""

from datetime import UTC, datetime

from fastapi import APIRouter, Request

from cloud.control import problems
from cloud.control.access import Viewer
from cloud.control.problems import Problem
from cloud.control.services import Services
from cloud.control.storage.keeper import Use
from cloud.control.storage.models import Backup, Disk, Part, Storage, Tier

router = APIRouter(tags=["system"])


@router.get(
    "/v1/storage",
    summary="What takes the disk, and when it will be full",
    responses=problems.answers(401, 403, 503),
)
async def storage(request: Request, _: Viewer) -> Storage:
    """Measure, at most once a minute."""
    services: Services = request.app.state.services
    try:
        use = await services.storage.look()
    except OSError as error:
        raise Problem(
            503,
            "disk-unreadable",
            f"the data folder cannot be looked at: {error}",
            "the API must run as the user who runs `fieldline up`",
        ) from error
    return _told(use, str(services.folder.data))


def _told(use: Use, path: str) -> Storage:
    def rate(name: str) -> float | None:
        grown = use.growths.get(name)
        return None if grown is None else round(grown.net)

    newest = use.backups[0] if use.backups else None
    other = use.database - sum(tier["bytes"] for tier in use.tiers)
    return Storage(
        measured=datetime.fromtimestamp(use.at, UTC),
        disk=Disk(path=path, size=use.disk.size, free=use.disk.free),
        tiers=[
            *(Tier(**tier, growth=rate(tier["name"])) for tier in use.tiers),
            Tier(
                name="other",
                bytes=max(0, other),
                growth=rate("other"),
                kept_days=None,
                expired_until=None,
            ),
        ],
        servers=[
            Part(name=name, bytes=size, growth=rate(name))
            for name, size in use.disk.servers.items()
        ],
        full_in_days=use.forecast.days,
        forecast=_sentence(use),
        warning=use.warning,
        held_back=use.held_back,
        backup=None if newest is None else Backup(**newest),
    )


def _sentence(use: Use) -> str:
    if not use.forecast.known:
        return "not known yet: that takes a day of watching"
    if use.forecast.days is None:
        return "not within ten years, as it grows now and with the retention set"
    return f"full in {use.forecast.days} days, as it grows now and with the retention set"
