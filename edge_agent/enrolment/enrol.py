"""`fieldline-agent enrol`: from a one-time token to a certificate, in the safe order.

The CA first, by its fingerprint; then the key, which stays here; then the token; then the files;
then a connection. Done again after a fault, it goes on with the same key.
"""

import contextlib
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from edge_agent.enrolment import api
from edge_agent.enrolment.errors import EnrolmentFailed
from edge_agent.enrolment.identity import CA, CERTIFICATE, KEY, Identity
from edge_agent.enrolment.toml_keys import Values, set_keys
from edge_agent.settings import Settings, read
from edge_agent.sinks.mqtt.settings import Settings as Mqtt
from wire.names import is_device_name

FRESH = """# Written by `fieldline-agent enrol`; docs/agent.md describes every key.

[agent]
device = "unnamed"
data = {data}

[mqtt]
host = ""

[[source]]
kind = "host"
name = "host"
"""


def enrol(
    code: api.Code, config: Path, data: Path, tell: Callable[[str], None], *, again: bool = False
) -> None:
    """Enrol this device; `data` is the data folder of a file that is not there yet.

    A device that is enrolled already is refused, unless `again`. `tell` is called with a sentence
    for each step that is done. Raises EnrolmentFailed, OSError.
    """
    code = api.checked(code)
    text, before = _config(config, data)
    folder = Path(before["agent"]["data"])
    _make_folders(config, folder)
    keys = Identity(_common_name(before), folder, Mqtt(host=""))
    if keys.current.exists() and not again:
        raise EnrolmentFailed(
            f"this device is enrolled already, as {before['agent'].get('device')!r} (its key is in"
            f" {keys.current})",
            "To enrol it anew say --again: it gets another key, and keeps its readings",
        )
    ca = api.fetch_ca(code.url, code.ca)
    tell(f"the CA of {code.url} has the fingerprint of the code")
    with _as_owner_of(folder):
        request = keys.request(anew=False)
    tell("a key was made; it never leaves this device")
    enrolled = api.enrol(code.url, ca, code.token, request)
    if not is_device_name(enrolled.device):
        raise EnrolmentFailed(f"the API calls this device {enrolled.device!r}", "Report it")
    with _as_owner_of(folder):
        keys.receive(enrolled.certificate, enrolled.ca)
    _write(config, set_keys(text, _values(enrolled, keys.current)))
    with _as_owner_of(folder):
        keys.adopt(check=False)
    tell(f"this device is {enrolled.device}, and has its certificate in {keys.current}")
    settings = read(config)
    tell(f"{config} names the broker at {enrolled.host}:{enrolled.port}")
    _check(settings)
    tell("the broker lets this device in")


def _values(enrolled: api.Enrolled, files: Path) -> Values:
    """What agent.toml must say for this device."""
    return {
        "agent": {"device": enrolled.device},
        "mqtt": {
            "host": enrolled.host,
            "port": enrolled.port,
            "tls": True,
            "ca": str(files / CA),
            "certificate": str(files / CERTIFICATE),
            "key": str(files / KEY),
        },
    }


def _make_folders(config: Path, data: Path) -> None:
    """Find out that something cannot be written before the token is spent."""
    if not config.parent.exists():
        config.parent.mkdir(parents=True)
        config.parent.chmod(0o755)  # whoever the agent runs as reads it
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    for folder in (config.parent, data):
        if not os.access(folder, os.W_OK, effective_ids=True):
            raise EnrolmentFailed(
                f"{folder} cannot be written to", "Run this as root: sudo fieldline-agent enrol …"
            )


@contextlib.contextmanager
def _as_owner_of(folder: Path) -> Iterator[None]:
    """Act as whom the agent runs as, if this is root: what is made is theirs, and no link that
    they have put in the way leads root elsewhere."""
    if os.geteuid() != 0:
        yield
        return
    owner = folder.stat()
    os.setegid(owner.st_gid)
    os.seteuid(owner.st_uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


def _config(config: Path, data: Path) -> tuple[str, dict[str, Any]]:
    import tomllib

    try:
        text = config.read_text(encoding="utf-8")
    except FileNotFoundError:
        text = FRESH.format(data=f'"{data.resolve()}"')
    try:
        table = tomllib.loads(text)
        str(table["agent"]["data"])
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise EnrolmentFailed(
            f"{config} cannot be completed ({error!r})", "It must be TOML, with `data` in [agent]"
        ) from None
    return text, table


def _common_name(table: dict[str, Any]) -> str:
    """The name that the request proposes; the API gives the real one."""
    name = str(table["agent"].get("device", ""))
    host = socket.gethostname()
    return next((each for each in (name, host) if is_device_name(each)), "device")


def _write(config: Path, text: str) -> None:
    """Replace the file, keeping its owner and mode; it holds no secret."""
    part = config.with_name(config.name + ".part")
    part.write_text(text, encoding="utf-8")
    part.chmod(config.stat().st_mode & 0o777 if config.exists() else 0o644)
    if config.exists() and os.geteuid() == 0:
        os.chown(part, config.stat().st_uid, config.stat().st_gid)
    part.replace(config)


def _check(settings: Settings) -> None:
    from edge_agent.sinks.mqtt.link import Link, LinkFailed, Waker

    waker = Waker()
    try:
        Link(settings.mqtt, settings.agent.device, None, waker, probe="enrol").close()
    except LinkFailed as error:
        raise EnrolmentFailed(
            f"this device is enrolled, but has no connection yet: {error}",
            "The agent goes on trying; `fieldline-agent doctor` looks at every step",
        ) from None
    finally:
        waker.close()
