"""The MQTT broker: TLS, passwords, and the dynamic-security plugin from the start.

Two listeners: `mqtt` for clients with a password, `mqtt_devices` for devices with a certificate,
whose common name is then the user name (docs/security.md says what that does and does not do).
"""

import os
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

import msgspec

from cloud.stack import accounts, ports, tls
from cloud.stack.errors import ServerMissing, StackError
from cloud.stack.folder import Folder
from cloud.stack.servers import becoming

_PATH = "/usr/local/sbin:/usr/sbin:/sbin"
_MAGIC = b"\x00\xb5\x00mosquitto db"
_MAX_PACKET = 8 * 1024 * 1024
# What waits for a bridge that is away, over all devices. Beyond it the broker drops what it has
# acknowledged, without a word; devices notice by the receipts and send again.
_QUEUE_BYTES = 64 * 1024 * 1024
_READ = "# certificates"


def configuration(
    folder: Path,
    certificates: tls.Files,
    plugin: Path,
    *,
    bind: str,
    port: int,
    devices_port: int,
    user: str | None,
) -> str:
    """Return mosquitto.conf. `user` is who a broker started by root becomes."""
    listener = [
        f"certfile {certificates.certificate}",
        f"keyfile {certificates.key}",
        "tls_version tlsv1.2",
    ]
    lines = [
        f"{_READ} {certificates.digest}",
        "per_listener_settings false",
        "allow_anonymous false",
        f"listener {port} {bind}",
        *listener,
        f"listener {devices_port} {bind}",
        *listener,
        f"cafile {certificates.ca}",
        "require_certificate true",
        "use_identity_as_username true",
        # Else any device could take another's session by taking its client id.
        "use_username_as_clientid true",
        f"plugin {plugin}",
        f"plugin_opt_config_file {folder / 'dynamic-security.json'}",
        "persistence true",
        f"persistence_location {folder}/",
        "autosave_interval 60",
        f"max_packet_size {_MAX_PACKET}",
        # The receiver says how many it takes at once (MQTT 5, Receive Maximum).
        "max_inflight_messages 0",
        # Without end, but not 0: with that, 2.0.11 ends the connection of whom it refuses a publish
        # (handle_publish.c compares it with the packets that wait), and a plug of another make that
        # also says what it may not would come and go for ever.
        "max_queued_messages 1000000000",
        f"max_queued_bytes {_QUEUE_BYTES}",
        "persistent_client_expiration 7d",
        "set_tcp_nodelay true",
        "sys_interval 2",
        "log_dest stderr",
        "log_timestamp_format %Y-%m-%dT%H:%M:%SZ",
        *(f"log_type {kind}" for kind in ("error", "warning", "notice")),
        "connection_messages false",
    ]
    if user:
        lines.append(f"user {user}")
    return "\n".join(lines) + "\n"


def prepare(folder: Folder, bind: str = ports.HOST, names: Iterable[str] = ()) -> list[str]:
    """Make the broker's folder and configuration, and return its command.

    It listens on the address `bind`; its certificate holds `names`.

    Also after the folder was deleted: accounts come from secrets/accounts.json.
    Raises StackError.
    """
    program = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:{_PATH}")
    if program is None:
        raise ServerMissing("mosquitto", "mosquitto")
    plugins = sorted(Path("/usr/lib").glob("*/mosquitto_dynamic_security.so"))
    if not plugins:
        raise ServerMissing("mosquitto_dynamic_security.so", "mosquitto")
    own = folder.data / "mosquitto"
    own.mkdir(parents=True, exist_ok=True)
    own.chmod(0o700)
    _set_damaged_aside(own / "mosquitto.db")
    certificates = tls.ensure(folder.tls, names)
    known = accounts.read(folder.secret("accounts.json"))
    if accounts.BRIDGE not in known:
        raise StackError(
            f"{folder.secret('accounts.json')} names no bridge; `fieldline up` makes it anew"
        )
    _write(
        own / "dynamic-security.json",
        msgspec.json.encode(accounts.dynamic_security(known.values())),
    )
    chosen = ports.choose(folder.data / "ports.json", ["mqtt", "mqtt_devices"])
    # Everything it must read is root's, in folders that only root may enter.
    user = "root" if os.geteuid() == 0 else None
    text = configuration(
        own,
        certificates,
        plugins[0],
        bind=bind,
        port=chosen["mqtt"],
        devices_port=chosen["mqtt_devices"],
        user=user,
    )
    _write(own / "mosquitto.conf", text.encode())
    return [program, "-c", str(own / "mosquitto.conf")]


def started_with(folder: Folder) -> str:
    """Return `tls.Files.digest` as it was when the broker was started last; empty if unknown."""
    try:
        with (folder.data / "mosquitto" / "mosquitto.conf").open(encoding="utf-8") as file:
            line = file.readline().rstrip("\n")
    except OSError:
        return ""
    return line.removeprefix(f"{_READ} ") if line.startswith(_READ) else ""


def is_whole(database: Path) -> bool:
    """Say whether the broker can read its database to the end; it refuses to start otherwise.

    Format (mosquitto 2.0, src/persist.h, version 6): 15 bytes of magic, a CRC and the version of
    4 bytes each, then chunks of type and length (4 bytes each, big-endian) and their content.
    """
    size = database.stat().st_size
    if size == 0:
        return True  # read as none
    with database.open("rb") as handle:
        if handle.read(len(_MAGIC)) != _MAGIC:
            return False
        end = handle.seek(8, os.SEEK_CUR)
        while end < size:
            header = handle.read(8)
            if len(header) < 8:
                return False
            end = handle.seek(int.from_bytes(header[4:], "big"), os.SEEK_CUR)
    return end == size


def _set_damaged_aside(database: Path) -> None:
    if database.exists() and not is_whole(database):
        aside = database.with_name("mosquitto.db.damaged")
        database.replace(aside)
        print(f"{database} was damaged and is now {aside.name}; devices send anew", file=sys.stderr)


def _write(file: Path, content: bytes) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as handle:
        handle.write(content)


def main() -> None:
    """Become the broker."""
    parser = becoming.parser("mosquitto", "Prepare the broker's folder and become the broker.")
    parser.add_argument("--bind", default=ports.HOST, help="address to listen on (%(default)s)")
    parser.add_argument("--name", action="append", default=[], help="for the certificate")
    options = parser.parse_args()
    becoming.become("the broker", lambda: prepare(options.data, options.bind, options.name))


if __name__ == "__main__":
    main()
