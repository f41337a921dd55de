"""Who may log in to the broker, and what each may do there.

accounts.json is the truth: names, kinds, salted hashes. The broker's dynamic-security plugin gets
a configuration made from it at each start, so the broker's own folder may be lost; what changes
while the broker runs is told to the plugin as well (`tell`).

Format of the plugin's file and of its commands: mosquitto 2.0, plugins/dynamic-security/README.md;
passwords are PBKDF2-HMAC-SHA512 of 64 bytes, salt and hash in base64. The plugin's patterns know
neither %u nor %c, so every device has a role of its own.
"""

import base64
import enum
import hashlib
import os
import ssl
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties

from cloud.stack import secret_files
from cloud.stack.errors import AccountRefused
from wire import topics
from wire.names import is_device_name

_ITERATIONS = 101  # the plugin's own; our passwords are random, so no more are needed
_SALT_BYTES = 12
_CONTROL = "$CONTROL/dynamic-security/v1"
_TOLD_WITHIN_S = 10.0

ADMIN, BRIDGE, WATCHER = "fieldline-admin", "fieldline-bridge", "fieldline-watcher"


class Kind(enum.StrEnum):
    """What an account is for; it decides what the account may do."""

    ADMIN = "admin"
    """Changes accounts; sees and sends no reading."""
    BRIDGE = "bridge"
    """Takes packs, status and meta; gives receipts."""
    WATCHER = "watcher"
    """Sees everything, sends nothing."""
    DEVICE = "device"
    """An agent: all that is below its own prefix, in its direction."""
    FOREIGN = "foreign"
    """A client that is no agent: may publish below its own prefix, nothing else."""


class Account(msgspec.Struct, frozen=True):
    """One login; `salt` and `password` (the hash) in base64."""

    username: str
    kind: Kind
    salt: str
    password: str
    iterations: int = _ITERATIONS

    def has(self, password: str) -> bool:
        """Say whether this is the account's password."""
        return _hash(password, base64.b64decode(self.salt), self.iterations) == self.password


def make(username: str, kind: Kind, password: str, salt: bytes | None = None) -> Account:
    """Make an account. Raises AccountRefused if a device cannot have that name."""
    if kind in {Kind.DEVICE, Kind.FOREIGN} and not is_device_name(username):
        raise AccountRefused(
            f"{username!r} cannot be a device's name: a letter or digit, then at most 62 letters, "
            "digits, `.`, `_` or `-`"
        )
    if kind in {Kind.DEVICE, Kind.FOREIGN} and username in {ADMIN, BRIDGE, WATCHER}:
        raise AccountRefused(f"{username} is an account of the stack's own; choose another name")
    salt = salt or os.urandom(_SALT_BYTES)
    hashed = _hash(password, salt, _ITERATIONS)
    return Account(username, kind, base64.b64encode(salt).decode(), hashed)


def read(file: Path) -> dict[str, Account]:
    """Read accounts.json: account by user name; none if there is no file.

    Raises AccountRefused if it is damaged.
    """
    try:
        listed = msgspec.json.decode(file.read_bytes(), type=list[Account])
    except FileNotFoundError:
        return {}
    except msgspec.MsgspecError as error:
        raise AccountRefused(f"{file} is damaged ({error}); restore it from a backup") from None
    return {account.username: account for account in listed}


def write(file: Path, accounts: dict[str, Account]) -> None:
    """Replace accounts.json, as a whole."""
    listed = sorted(accounts.values(), key=lambda account: account.username)
    secret_files.write(file, msgspec.json.format(msgspec.json.encode(listed), indent=1).decode())


def ensure(file: Path, wanted: Iterable[tuple[str, Kind, str]]) -> None:
    """Make the accounts (user name, kind, password) that are missing or have another password."""
    accounts = read(file)
    before = dict(accounts)
    for username, kind, password in wanted:
        known = accounts.get(username)
        if known is None or known.kind is not kind or not known.has(password):
            accounts[username] = make(username, kind, password)
    if accounts != before:
        write(file, accounts)


def dynamic_security(accounts: Iterable[Account]) -> dict[str, Any]:
    """Return the plugin's whole configuration: what is not allowed is denied."""
    listed = list(accounts)
    return {
        "defaultACLAccess": {
            "publishClientSend": False,
            "publishClientReceive": False,
            "subscribe": False,
            "unsubscribe": True,
        },
        "clients": [
            {
                "username": account.username,
                "roles": [{"rolename": account.username}],
                "password": account.password,
                "salt": account.salt,
                "iterations": account.iterations,
            }
            for account in listed
        ],
        "groups": [],
        "roles": [{"rolename": account.username, "acls": acls(account)} for account in listed],
    }


def acls(account: Account) -> list[dict[str, Any]]:
    """Return what an account may do, as the plugin's access list."""
    name = account.username
    everything = f"{topics.ROOT}/#"
    packs = [topics.all_devices(kind) for kind in ("data", "backfill")]
    match account.kind:
        case Kind.ADMIN:
            return [
                _allow("publishClientSend", f"{_CONTROL}/#"),
                _allow("publishClientSend", _CONTROL),
                _allow("publishClientReceive", f"{_CONTROL}/#"),
                _allow("subscribePattern", f"{_CONTROL}/#"),
            ]
        case Kind.BRIDGE:
            own = [topics.all_devices(kind) for kind in ("status", "meta")]
            shared = [topics.shared("bridge", one) for one in packs]
            return [
                *(_allow("subscribeLiteral", one) for one in [*packs, *shared, *own]),
                *(_allow("publishClientReceive", one) for one in [*packs, *own]),
                _allow("publishClientSend", topics.all_devices("receipt")),
            ]
        case Kind.WATCHER:
            return [
                _allow(what, where)
                for what in ("subscribePattern", "publishClientReceive")
                for where in (everything, "$SYS/#")
            ]
        case Kind.DEVICE:
            told = [topics.receipt(name), topics.cmd(name), topics.config_desired(name)]
            said = [
                topics.data(name), topics.backfill(name), topics.status(name), topics.meta(name),
                topics.cmd_reply(name), topics.config_reported(name),
            ]  # fmt: skip
            return [
                *(_allow("publishClientSend", one) for one in said),
                *(_allow("publishClientReceive", one) for one in told),
                *(_allow("subscribeLiteral", one) for one in told),
            ]
        case Kind.FOREIGN:
            return [_allow("publishClientSend", topics.data(name))]


def tell(host: str, port: int, ca: str, password: str, commands: list[dict[str, Any]]) -> None:
    """Give commands to the plugin of a running broker, as its administrator.

    Raises AccountRefused with the broker's words, OSError if it cannot be reached.
    """
    client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
    client.tls_set_context(ssl.create_default_context(cafile=ca))
    client.username_pw_set(ADMIN, password)
    answered = threading.Event()
    answers: list[dict[str, Any]] = []
    faults: list[str] = []

    def on_connect(_c: paho.Client, _u: Any, _f: Any, code: Any, _p: Properties | None) -> None:
        if code.is_failure:
            faults.append(f"the broker refuses its administrator: {code}")
            answered.set()
            return
        client.subscribe(f"{_CONTROL}/response", qos=1)

    def on_subscribe(*_: Any) -> None:
        client.publish(_CONTROL, msgspec.json.encode({"commands": commands}), qos=1)

    def on_message(_c: paho.Client, _u: Any, message: paho.MQTTMessage) -> None:
        answers.extend(msgspec.json.decode(message.payload)["responses"])
        if len(answers) >= len(commands):
            answered.set()

    client.on_connect = on_connect
    client.on_subscribe = on_subscribe
    client.on_message = on_message
    client.connect(host, port)
    client.loop_start()
    try:
        if not answered.wait(_TOLD_WITHIN_S):
            raise AccountRefused(
                f"the broker does not answer within {_TOLD_WITHIN_S:.0f} s; see "
                "`fieldline logs broker`"
            )
    finally:
        client.disconnect()
        client.loop_stop()
    faults += [f"{answer['command']}: {answer['error']}" for answer in answers if "error" in answer]
    if faults:
        raise AccountRefused("; ".join(faults))


def creation(account: Account, password: str) -> list[dict[str, Any]]:
    """Return the commands that make an account in a running broker."""
    return [
        {"command": "createRole", "rolename": account.username, "acls": acls(account)},
        {
            "command": "createClient",
            "username": account.username,
            "password": password,
            "roles": [{"rolename": account.username}],
        },
    ]


def removal(username: str) -> list[dict[str, Any]]:
    """Return the commands that take an account away; whoever uses it is disconnected."""
    return [
        {"command": "disableClient", "username": username},
        {"command": "deleteClient", "username": username},
        {"command": "deleteRole", "rolename": username},
    ]


def _allow(what: str, where: str) -> dict[str, Any]:
    return {"acltype": what, "topic": where, "priority": 0, "allow": True}


def _hash(password: str, salt: bytes, iterations: int) -> str:
    raw = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, iterations, 64)
    return base64.b64encode(raw).decode()
