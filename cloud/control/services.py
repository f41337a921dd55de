"""What the routes work with, made once and handed in."""

from dataclasses import dataclass
from pathlib import Path

from cloud.control.alerts.carrying import Carrying
from cloud.control.alerts.previews import Previews
from cloud.control.broker import Broker
from cloud.control.ca.authority import Authority
from cloud.control.ca.rotation import Rotation
from cloud.control.ca.settling import Settling
from cloud.control.database import Pool, make_pool
from cloud.control.devices.lifecycle import Devices
from cloud.control.devices.rights import Rights
from cloud.control.devices.talk import Talk
from cloud.control.devices.throttle import Throttle
from cloud.control.events import Hub
from cloud.control.history.exports import Exports
from cloud.control.notices.courier import Courier
from cloud.control.people.live import Live
from cloud.control.people.throttle import Throttle as Guesses
from cloud.control.pipeline.actions import Actions
from cloud.control.pipeline.monitor import Monitor
from cloud.control.pipeline.watch import Watch
from cloud.control.principal import digest
from cloud.control.remote import services as remote
from cloud.control.settings import Settings
from cloud.control.status.rounds import Rounds
from cloud.control.storage.keeper import Keeper
from cloud.control.verification.run import Verifications
from cloud.stack import tls
from cloud.stack.folder import Folder


@dataclass(frozen=True)
class Services:
    """Reached in a route as `request.app.state.services`."""

    settings: Settings
    pool: Pool
    hub: Hub
    broker: Broker
    devices: Devices
    settling: Settling
    rotation: Rotation
    throttle: Throttle
    guesses: Guesses
    """Of passwords and codes."""
    live: Live
    exports: Exports
    folder: Folder
    actions: Actions
    pipeline: Monitor
    status: Rounds
    remote: remote.Remote
    storage: Keeper
    courier: Courier
    previews: Previews
    verifications: Verifications
    carrying: Carrying
    local_token: bytes
    """SHA-256 of the token of this machine's own commands."""


def make(settings: Settings) -> Services:
    """Make them all; nothing is opened yet. Raises OSError if a secret cannot be read."""
    token = Path(settings.api.local_token_file).read_text("utf-8").strip()
    pool, broker = make_pool(settings.postgres), Broker(settings.mqtt)
    hub, folder = Hub(settings.postgres), Folder(Path(settings.api.data))
    actions = Actions(folder, pool, hub)
    pipeline = Monitor(folder, hub, actions, Watch())
    status = Rounds(pool, broker, lambda: pipeline.carries)
    own_broker = settings.mqtt.devices_port is not None
    rights = Rights(
        pool,
        broker,
        Path(settings.api.data) / "secrets" / "accounts.json",
        own_broker=own_broker,
    )
    devices = Devices(pool, rights, Talk(broker), Authority(tls.files(folder.tls)))
    settling = Settling(folder, actions, own_broker=own_broker)
    return Services(
        settings=settings,
        pool=pool,
        hub=hub,
        broker=broker,
        devices=devices,
        settling=settling,
        rotation=Rotation(folder, pool, devices, status, settling),
        live=Live(pool, hub, rights),
        throttle=Throttle(),
        guesses=Guesses(),
        exports=Exports(settings.postgres),
        folder=folder,
        actions=actions,
        pipeline=pipeline,
        status=status,
        courier=Courier(pool, hub, folder.secrets),
        previews=Previews(settings.postgres),
        verifications=Verifications(settings.postgres, hub),
        carrying=Carrying(pool, lambda: pipeline.carries),
        remote=remote.make(pool, broker, status, hub),
        storage=Keeper(pool, folder),
        local_token=digest(token),
    )
