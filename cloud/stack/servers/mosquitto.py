"""The MQTT broker: TLS, passwords, and the dynamic-security plugin from the start."""

import argparse
import os
import shutil
import sys
from pathlib import Path

import msgspec

from cloud.stack import accounts, ports, tls
from cloud.stack.errors import ServerMissing, StackError
from cloud.stack.folder import Folder

_PATH = "/usr/local/sbin:/usr/sbin:/sbin"
_MAGIC = b"\x00\xb5\x00mosquitto db"
_MAX_PACKET = 8 * 1024 * 1024
# What waits for a bridge that is away, over all devices. Beyond it the broker drops what it has
# acknowledged, without a word; devices notice by the receipts and send again.
_QUEUE_BYTES = 64 * 1024 * 1024


def configuration(
    folder: Path, certificates: tls.Files, plugin: Path, *, bind: str, port: int, user: str | None
) -> str:
    """Return mosquitto.conf. `user` is who a broker started by root becomes."""
    lines = [
        "per_listener_settings false",
        "allow_anonymous false",
        f"listener {port} {bind}",
        f"certfile {certificates.certificate}",
        f"keyfile {certificates.key}",
        "tls_version tlsv1.2",
        f"plugin {plugin}",
        f"plugin_opt_config_file {folder / 'dynamic-security.json'}",
        "persistence true",
        f"persistence_location {folder}/",
        "autosave_interval 60",
        f"max_packet_size {_MAX_PACKET}",
        # The receiver says how many it takes at once (MQTT 5, Receive Maximum).
        "max_inflight_messages 0",
        "max_queued_messages 0",
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


def prepare(folder: Folder, bind: str = ports.HOST) -> list[str]:
    """Make the broker's folder and configuration, and return its command.

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
    certificates = tls.ensure(folder.tls)
    known = accounts.read(folder.secret("accounts.json"))
    if accounts.BRIDGE not in known:
        raise StackError(
            f"{folder.secret('accounts.json')} names no bridge; `fieldline up` makes it anew"
        )
    _write(
        own / "dynamic-security.json",
        msgspec.json.encode(accounts.dynamic_security(known.values())),
    )
    port = ports.choose(folder.data / "ports.json", ["mqtt"])["mqtt"]
    # Everything it must read is root's, in folders that only root may enter.
    user = "root" if os.geteuid() == 0 else None
    text = configuration(own, certificates, plugins[0], bind=bind, port=port, user=user)
    _write(own / "mosquitto.conf", text.encode())
    return [program, "-c", str(own / "mosquitto.conf")]


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
    parser = argparse.ArgumentParser(
        prog="python -m cloud.stack.servers.mosquitto",
        description="Prepare the broker's folder and become the broker.",
        epilog="example: python -m cloud.stack.servers.mosquitto --data /var/lib/fieldline",
    )
    parser.add_argument("--data", type=Path, required=True, help="the data folder")
    try:
        command = prepare(Folder(parser.parse_args().data.absolute()))
    except StackError as error:
        print(f"cannot start the broker: {error}", file=sys.stderr)
        sys.exit(1)
    os.umask(0o077)
    os.execv(command[0], command)  # noqa: S606 -- no shell, and every word is ours


if __name__ == "__main__":
    main()
