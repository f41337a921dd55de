"""Who may log in to the broker, and what each may do there.

accounts.json is the truth: names, kinds, salted hashes. The broker's dynamic-security plugin gets
a configuration made from it at each start, so the broker's own folder may be lost; what changes
while the broker runs is told to the plugin as well (`tell`).

Format of the plugin's file and of its commands: mosquitto 2.0, plugins/dynamic-security/README.md;
passwords are PBKDF2-HMAC-SHA512 of 64 bytes, salt and hash in base64. The plugin's patterns know
neither %u nor %c, so every device has a role of its own. A device's account is one credential of
it: a device may have two while they are changed, and both have the device's role.
"""

import base64
import enum
import fcntl
import hashlib
import os
import secrets
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
from cloud.tls import client_context
from wire import topics
from wire.names import is_device_name

_ITERATIONS = 101  # the plugin's own; our passwords are random, so no more are needed
_SALT_BYTES = 12
_CONTROL = "$CONTROL/dynamic-security/v1"
_TOLD_WITHIN_S = 10.0

ADMIN, BRIDGE, WATCHER = "fieldline-admin", "fieldline-bridge", "fieldline-watcher"
CONTROL, DOCTOR = "fieldline-control", "fieldline-doctor"
_PANELS = "fieldline-panels"
OWN = frozenset({ADMIN, BRIDGE, WATCHER, CONTROL, DOCTOR, _PANELS})
"""The stack's own accounts and roles; no device may be called so."""

HEARD_BY_PANELS = [
    topics.all_devices(kind)
    for kind in (
        "data", "backfill", "receipt", "status", "meta", "config/desired", "config/reported",
    )
]  # fmt: skip


def _allow(what: str, where: str) -> dict[str, Any]:
    return {"acltype": what, "topic": where, "priority": 0, "allow": True}


_CHANGES_ACCOUNTS = [
    _allow("publishClientSend", f"{_CONTROL}/#"),
    _allow("publishClientSend", _CONTROL),
    _allow("publishClientReceive", f"{_CONTROL}/#"),
    _allow("subscribePattern", f"{_CONTROL}/#"),
]


class Kind(enum.StrEnum):
    """What an account is for; it decides what the account may do."""

    ADMIN = "admin"
    """Changes accounts; sees and sends no reading."""
    BRIDGE = "bridge"
    """Takes packs, status and meta; gives receipts."""
    WATCHER = "watcher"
    """Sees everything, sends nothing."""
    CONTROL = "control"
    """The API: speaks to every device, hears what they answer, and changes accounts."""
    DEVICE = "device"
    """An agent: all that is below its own prefix, in its direction."""
    FOREIGN = "foreign"
    """A client that is no agent: may publish below its own prefix, nothing else."""
    PROBE = "probe"
    """`fieldline doctor`: publishes readings of its own, as a device of its name would."""
    PANEL = "panel"
    """Hears what devices and the bridge say; all panels have one role."""


class Account(msgspec.Struct, frozen=True, omit_defaults=True):
    """One login; `salt` and `password` (the hash) in base64, empty for one by certificate."""

    username: str
    kind: Kind
    salt: str = ""
    password: str = ""
    iterations: int = _ITERATIONS
    device: str = ""
    """Whose credential it is, if the user name is not the device's name."""
    disabled: bool = False
    """A password that is refused for now. Certificates are taken away instead: the plugin heeds
    `disabled` only where it checks a password."""

    @property
    def role(self) -> str:
        """Name the role that says what it may do: the device's, all panels', or its own."""
        if self.kind is Kind.PANEL:
            return _PANELS
        return self.device or self.username

    @property
    def of_device(self) -> bool:
        """Whether it is a device's, not one of the stack's own."""
        return self.kind in {Kind.DEVICE, Kind.FOREIGN}

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
    if kind in {Kind.DEVICE, Kind.FOREIGN} and username in OWN:
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
    held = lock(file)
    try:
        accounts = read(file)
        before = dict(accounts)
        for username, kind, password in wanted:
            known = accounts.get(username)
            if known is None or known.kind is not kind or not known.has(password):
                accounts[username] = make(username, kind, password)
        if accounts != before:
            write(file, accounts)
    finally:
        os.close(held)


def lock(file: Path) -> int:
    """Wait until nobody else changes accounts.json; `os.close` what is returned to end it."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    held = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(held, fcntl.LOCK_EX)
    return held


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
        "clients": [_client(account) for account in listed],
        "groups": [],
        "roles": [
            {"rolename": role, "acls": acls(account)}
            for role, account in {account.role: account for account in listed}.items()
        ],
    }


def _client(account: Account) -> dict[str, Any]:
    client: dict[str, Any] = {
        "username": account.username,
        "roles": [{"rolename": account.role}],
    }
    if account.password:
        client |= {
            "password": account.password,
            "salt": account.salt,
            "iterations": account.iterations,
        }
    return client | ({"disabled": True} if account.disabled else {})


def acls(account: Account) -> list[dict[str, Any]]:
    """Return what an account may do, as the plugin's access list."""
    name = account.role
    everything = f"{topics.ROOT}/#"
    packs = [topics.all_devices(kind) for kind in ("data", "backfill")]
    match account.kind:
        case Kind.ADMIN:
            return _CHANGES_ACCOUNTS
        case Kind.CONTROL:
            heard = [
                topics.all_devices(kind)
                # config/desired: what the broker holds, to see whether it has lost it.
                for kind in ("status", "meta", "cmd/reply", "config/desired", "config/reported")
            ]
            said = [topics.all_devices(kind) for kind in ("cmd", "config/desired")]
            return [
                *_CHANGES_ACCOUNTS,
                *(_allow("subscribeLiteral", one) for one in heard),
                *(_allow("publishClientReceive", one) for one in heard),
                *(_allow("publishClientSend", one) for one in said),
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
                # What it may hear is decided by what it may subscribe to.
                _allow("publishClientReceive", f"{topics.ROOT}/{name}/#"),
                *(_allow("subscribeLiteral", one) for one in told),
            ]
        case Kind.PANEL:
            return [
                _allow(what, where)
                for what in ("subscribePattern", "publishClientReceive")
                for where in HEARD_BY_PANELS
            ]
        case Kind.FOREIGN | Kind.PROBE:
            return [_allow("publishClientSend", topics.data(name))]


def tell(host: str, port: int, ca: str, password: str, commands: list[dict[str, Any]]) -> None:
    """Give commands to the plugin of a running broker, as its administrator.

    Raises AccountRefused with the broker's words, OSError if it cannot be reached.
    """
    client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
    client.tls_set_context(client_context(ca))
    client.username_pw_set(ADMIN, password)
    mark = secrets.token_hex(8)
    marked = [{**command, "correlationData": mark} for command in commands]
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
        client.publish(_CONTROL, msgspec.json.encode({"commands": marked}), qos=1)

    def on_message(_c: paho.Client, _u: Any, message: paho.MQTTMessage) -> None:
        # All administrators hear all answers.
        answers.extend(
            answer
            for answer in msgspec.json.decode(message.payload)["responses"]
            if answer.get("correlationData") == mark
        )
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


def creation(account: Account, password: str = "") -> list[dict[str, Any]]:
    """Return the commands that make an account in a running broker."""
    client = {
        "command": "createClient",
        "username": account.username,
        "roles": [{"rolename": account.role}],
    }
    if password:
        client["password"] = password
    return [
        {"command": "createRole", "rolename": account.role, "acls": acls(account)},
        client,
    ]


def removal(username: str) -> list[dict[str, Any]]:
    """Return the commands that take an account away; whoever uses it is disconnected."""
    return [
        {"command": "disableClient", "username": username},
        {"command": "deleteClient", "username": username},
        {"command": "deleteRole", "rolename": username},
    ]


def _hash(password: str, salt: bytes, iterations: int) -> str:
    raw = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, iterations, 64)
    return base64.b64encode(raw).decode()
