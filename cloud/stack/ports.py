"""Which ports the stack's servers listen on: free ones, chosen once, the same ever after."""

import errno
import socket
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from cloud.stack.errors import PortTaken, StackError

# What people expect where it is free.
_USUAL = {
    "mqtt": 8883,
    "mqtt_devices": 8884,
    "api": 8443,
    "kafka": 9092,
    "kafka_controller": 9093,
    "postgres": 5432,
    "grafana": 3000,
}
HOST = "127.0.0.1"


def choose(file: Path, names: Iterable[str]) -> dict[str, int]:
    """Return the port of every name; those that have none yet get a free one, kept in the file.

    Raises StackError if the file is damaged.
    """
    try:
        kept = msgspec.json.decode(file.read_bytes(), type=dict[str, int])
    except FileNotFoundError:
        kept = {}
    except msgspec.MsgspecError as error:
        raise StackError(
            f"{file} is damaged ({error}); delete it, and new ports are chosen"
        ) from None
    missing = [name for name in names if name not in kept]
    for name in missing:
        kept[name] = _free(_USUAL.get(name, 0), set(kept.values()))
    if missing:
        beside = file.with_name(f".{file.name}.new")
        beside.write_bytes(msgspec.json.format(msgspec.json.encode(kept), indent=2) + b"\n")
        beside.replace(file)
    return kept


def check_free(file: Path, hosts: Mapping[str, str]) -> None:
    """Raises PortTaken for the first name whose kept port somebody else listens on.

    `hosts` has the address that each name is to listen on; StackError for one that this machine
    does not have.
    """
    ports = choose(file, ())
    for name, host in hosts.items():
        if not _is_free(ports[name], host):
            raise PortTaken(name, ports[name], holder(ports[name]), str(file))


def holder(port: int) -> str:
    """Say who listens on a port of this machine, as far as /proc lets us see."""
    sockets = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if fields[3] == "0A" and int(fields[1].rsplit(":", 1)[1], 16) == port:
                sockets.add(f"socket:[{fields[9]}]")
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(str(link.readlink()) in sockets for link in (process / "fd").iterdir()):
                return f"process {process.name} ({(process / 'comm').read_text().strip()})"
        except OSError:
            continue  # it has ended, or is another user's
    return "a process of another user"


def _free(usual: int, taken: set[int]) -> int:
    if usual and usual not in taken and _is_free(usual):
        return usual
    while True:
        with socket.socket() as probe:
            probe.bind((HOST, 0))
            port = int(probe.getsockname()[1])
        if port not in taken:
            return port


def _is_free(port: int, host: str = HOST) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        # As servers do; without it a port that was closed a minute ago would look taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:
                raise StackError(
                    f"{host} is no address of this machine; see `ip address`, and set it in "
                    "fieldline.toml"
                ) from None
            return False
    return True
