"""What becomes of a device: registered, enrolled, revoked, restored, replaced, gone.

Each act is a transaction (with its audit and its event), and then the broker is brought to it
(`rights`). If the broker is away the act stands, and the broker follows when it is back.
"""

import logging
import secrets
from dataclasses import dataclass
from typing import Any

from cloud.control import audit, etags, events
from cloud.control.ca.authority import (
    Authority,
    Request,
    RequestRefused,
    draw_username,
    read_request,
)
from cloud.control.database import Pool, connected
from cloud.control.devices import codes, store
from cloud.control.devices.models import Described, NewDevice
from cloud.control.devices.rights import Rights
from cloud.control.devices.talk import DeviceRefuses, DeviceSilent, Talk
from cloud.control.errors import BrokerAway
from cloud.control.principal import Principal, Role, digest
from cloud.control.problems import Problem, not_found
from cloud.stack import accounts
from cloud.stack.accounts import Kind

_GOODBYE_S = 0.5
_CSR_S = 15.0
_CERTIFICATE_S = 45.0
_PASSWORD_BYTES = 24

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Identity:
    """A device's credential, as it is answered once."""

    device: str
    username: str
    certificate: str


@dataclass(frozen=True)
class Devices:
    """All that can be done with devices."""

    pool: Pool
    rights: Rights
    talk: Talk
    authority: Authority

    async def register(
        self, devices: list[NewDevice], principal: Principal, *, tokens: bool = False
    ) -> tuple[dict[str, str], dict[str, str]]:
        """Add devices, all or none; returns passwords of the foreign and tokens of the others.

        Raises Problem 409 with the names that are taken.
        """
        passwords = {
            one.name: secrets.token_urlsafe(_PASSWORD_BYTES)
            for one in devices
            if one.kind == "foreign"
        }
        agents = [one.name for one in devices if one.kind == "agent"]
        drawn = {name: _draw_token() for name in agents} if tokens else {}
        async with connected(self.pool) as connection:
            await connection.execute("LOCK TABLE control.device IN SHARE ROW EXCLUSIVE MODE")
            names = [one.name for one in devices]
            if taken := sorted(await store.taken(connection, names)):
                raise Problem(
                    409,
                    "name-taken",
                    f"there is a device {taken[0]} already"
                    + (f", and {len(taken) - 1} more" if taken[1:] else ""),
                    "choose another name; a dead device's place is taken by its replacement",
                    taken=taken,
                )
            await store.register(connection, devices)
            for name, password in passwords.items():
                await store.add_password(connection, accounts.make(name, Kind.FOREIGN, password))
                await store.enrolled(connection, name)
            if drawn:
                await store.add_tokens(
                    connection, ((digest(token), name) for name, token in drawn.items()),
                    principal.user,
                )  # fmt: skip
            for one in devices:
                await audit.record(
                    connection, principal, "device.register", f"device/{one.name}",
                    after=one.model_dump(),
                )  # fmt: skip
                await events.publish(connection, "device", one.name, "registered")
        if passwords:
            # The file first: the broker can be told a password only now, and never again.
            await self.rights.write()
        for name, password in passwords.items():
            await self._bring(name, password)
        return passwords, drawn

    async def describe(
        self, device: str, described: Described, seen: int, principal: Principal
    ) -> dict[str, Any]:
        """Change label and place; returns the device. Raises Problem 404, 412."""
        async with connected(self.pool) as connection:
            row = await _locked(connection, device)
            etags.check(seen, row["version"])
            before = {key: row[key] for key in Described.model_fields}
            await store.describe(connection, device, described)
            await audit.record(
                connection, principal, "device.describe", f"device/{device}",
                before=before, after=described.model_dump(),
            )  # fmt: skip
            await events.publish(connection, "device", device, "described")
            return await _listed(connection, device)

    async def invite(self, device: str, principal: Principal, *, replace: bool) -> str:
        """Draw a one-time token. Raises Problem 404, 409."""
        token = _draw_token()
        async with connected(self.pool) as connection:
            row = await _locked(connection, device)
            _refuse_foreign(row)
            if not replace and row["state"] != "registered":
                raise Problem(
                    409,
                    "enrolled-already",
                    f"{device} is {row['state']}; a second identity would put the first out",
                    f"to put another device in its place: POST /v1/devices/{device}/replacement",
                )
            await store.add_tokens(connection, [(digest(token), device)], principal.user)
            action = "device.replace" if replace else "device.invite"
            await audit.record(connection, principal, action, f"device/{device}")
            await events.publish(connection, "device", device, "invited")
        return token

    async def enrol(self, token: str, request: Request, principal: Principal) -> Identity:
        """Turn a token into an identity, once; the same key may ask again. Raises Problem 403."""
        hashed = digest(token)
        async with connected(self.pool) as connection:
            device = await store.invited(connection, hashed)
            if device is None:
                raise _bad_token()
            await store.lock(connection, device)
            if not await store.use_token(connection, hashed):
                again = await store.repeated(connection, hashed, request.fingerprint)
                if again is None:
                    raise _bad_token()
                return Identity(device, again["username"], again["certificate"])
            identity, number = await self._certify(connection, device, request)
            await store.used_for(connection, hashed, number)
            withdrawn = await store.withdraw(connection, device, keep=number)
            await store.enrolled(connection, device)
            await audit.record(
                connection, _as_device(device, principal), "device.enrol", f"device/{device}",
                before={"credentials": withdrawn}, after={"credentials": [identity.username]},
            )  # fmt: skip
            await events.publish(connection, "device", device, "enrolled")
        await self._bring(device)
        self.rights.write_soon()
        return identity

    async def revoke(
        self, device: str, reason: str, principal: Principal
    ) -> tuple[dict[str, Any], bool, bool]:
        """Shut a device out; returns it, whether it was told, and whether it is cut off now."""
        async with connected(self.pool) as connection:
            row = await _locked(connection, device)
            if row["state"] not in {"registered", "enrolled"}:
                raise Problem(
                    409, "not-enrolled", f"{device} is {row['state']} already", "nothing is to do"
                )
            await store.revoke(connection, device, reason)
            await audit.record(
                connection, principal, "device.revoke", f"device/{device}",
                before={"state": row["state"]}, after={"state": "revoked", "reason": reason},
            )  # fmt: skip
            await events.publish(connection, "device", device, "revoked", reason=reason)
            listed = await _listed(connection, device)
        told = await self._say_goodbye(device, reason) if row["kind"] == "agent" else False
        cut_off = await self._bring(device)
        await self.rights.write()
        return listed, told, cut_off

    async def restore(self, device: str, principal: Principal) -> dict[str, Any]:
        """Let a revoked device in again, within its grace period. Raises Problem 404, 409."""
        async with connected(self.pool) as connection:
            row = await _locked(connection, device)
            if row["state"] != "revoked" or not row["restorable"]:
                past = "; its grace period is over" if row["state"] == "revoked" else ""
                raise Problem(
                    409,
                    "not-restorable",
                    f"{device} is {row['state']}{past}",
                    f"a new one may take its place: POST /v1/devices/{device}/replacement",
                )
            had = await store.credentials(connection, device)
            state = "enrolled" if any(one["withdrawn"] is None for one in had) else "registered"
            await store.restore(connection, device, state)
            await audit.record(
                connection, principal, "device.restore", f"device/{device}",
                before={"state": "revoked"}, after={"state": state},
            )  # fmt: skip
            await events.publish(connection, "device", device, "restored")
            listed = await _listed(connection, device)
        await self._bring(device)
        await self.rights.write()
        return listed

    async def end(self, device: str, principal: Principal) -> None:
        """Take a device out of the registry, before its grace period ends. Raises Problem 409."""
        async with connected(self.pool) as connection:
            row = await _locked(connection, device)
            if row["state"] not in {"registered", "revoked"}:
                raise Problem(
                    409,
                    "still-enrolled",
                    f"{device} is {row['state']}",
                    f"revoke it first: POST /v1/devices/{device}/revocation",
                )
            if await store.credentials(connection, device):
                await store.end(connection, device)
            else:
                await store.delete(connection, device)
            await audit.record(
                connection, principal, "device.delete", f"device/{device}",
                before={"state": row["state"]},
            )  # fmt: skip
            await events.publish(connection, "device", device, "gone")
        await self._bring(device)
        await self.rights.write()

    async def new_password(self, device: str, principal: Principal) -> str:
        """Give a foreign device another password; the old one ends. Raises Problem 404, 409."""
        password = secrets.token_urlsafe(_PASSWORD_BYTES)
        async with connected(self.pool) as connection:
            row = await _locked(connection, device)
            if row["kind"] != "foreign":
                raise Problem(
                    409,
                    "no-foreign-device",
                    f"{device} runs the agent, and has a key of its own",
                    f"give it a new one: POST /v1/devices/{device}/rotation",
                )
            await store.withdraw(connection, device)
            await store.add_password(connection, accounts.make(device, Kind.FOREIGN, password))
            await store.enrolled(connection, device)
            await audit.record(connection, principal, "device.password", f"device/{device}")
            await events.publish(connection, "device", device, "enrolled")
        await self.rights.write()
        await self._bring(device, password)
        return password

    async def rotate(self, device: str, principal: Principal) -> tuple[str, list[str]]:
        """Have a device make a new key and go over to it; returns its user name, and the old ones.

        Both keys log in until the device says that the new one works: whatever is cut short
        leaves it one that does, and the next rotation tidies up. Raises Problem 404, 409, 502, 504.
        """
        async with connected(self.pool) as connection:
            row = await _locked(connection, device)
            _refuse_foreign(row)
            if row["state"] != "enrolled":
                raise Problem(
                    409, "not-enrolled", f"{device} is {row['state']}", "enrol or restore it first"
                )
        answered = await self._ask(device, "csr", {}, _CSR_S)
        try:
            request = read_request(str(answered.get("pem", "")))
        except RequestRefused as error:
            raise Problem(
                502, "device-refuses", f"{device} sent a request that cannot be signed: {error}",
                "see the device's log",
            ) from None  # fmt: skip
        async with connected(self.pool) as connection:
            row = await _locked(connection, device)
            if row["state"] != "enrolled":
                raise Problem(409, "not-enrolled", f"{device} is {row['state']}", "look again")
            identity, number = await self._certify(connection, device, request)
        await self.rights.bring(device)
        self.rights.write_soon()
        await self._ask(
            device, "certificate", {"pem": identity.certificate, "ca": self.authority.pem},
            _CERTIFICATE_S,
        )  # fmt: skip
        async with connected(self.pool) as connection:
            await _locked(connection, device)
            withdrawn = await store.withdraw(connection, device, keep=number)
            await audit.record(
                connection, principal, "device.rotate", f"device/{device}",
                before={"credentials": withdrawn}, after={"credentials": [identity.username]},
            )  # fmt: skip
            await events.publish(connection, "device", device, "rotated")
        await self._bring(device)
        await self.rights.write()
        return identity.username, withdrawn

    def code(self, url: str, token: str) -> str:
        """Return the text of a token's QR code."""
        return codes.enrolment_text(url, self.authority.fingerprint, token)

    async def _certify(
        self, connection: store.Connection, device: str, request: Request
    ) -> tuple[Identity, int]:
        username = draw_username(device)
        pem = self.authority.sign(request, username)
        number = await store.add_certificate(
            connection, device, username, pem, request.fingerprint, self.authority.edition
        )
        return Identity(device, username, pem), number

    async def _bring(self, device: str, password: str = "") -> bool:
        try:
            await self.rights.bring(device, password)
        except BrokerAway as error:
            _log.warning("the broker follows later with %s: %s", device, error)
            return False
        return True

    async def _say_goodbye(self, device: str, reason: str) -> bool:
        try:
            await self.talk.ask(device, "revoked", {"reason": reason}, within_s=_GOODBYE_S)
        except (DeviceSilent, DeviceRefuses, BrokerAway):
            return False  # it learns by being shut out
        return True

    async def _ask(
        self, device: str, command: str, arguments: dict[str, Any], within_s: float
    ) -> dict[str, Any]:
        try:
            return await self.talk.ask(device, command, arguments, within_s=within_s)
        except DeviceSilent as error:
            raise Problem(
                504, "device-silent", str(error), "see its status, and try again when it is online"
            ) from None
        except DeviceRefuses as error:
            raise Problem(502, "device-refuses", f"{device}: {error}", "see its log") from None


async def _locked(connection: store.Connection, device: str) -> dict[str, Any]:
    row = await store.lock(connection, device)
    if row is None:
        raise not_found("device", device)
    return row


async def _listed(connection: store.Connection, device: str) -> dict[str, Any]:
    row = await store.get(connection, device)
    assert row is not None
    return row


def _refuse_foreign(row: dict[str, Any]) -> None:
    if row["kind"] == "foreign":
        raise Problem(
            409,
            "foreign-device",
            f"{row['name']} is an MQTT client of another make: it has a password, and no key",
            f"give it a new one: POST /v1/devices/{row['name']}/password",
        )


def _draw_token() -> str:
    return secrets.token_urlsafe(32)


def _bad_token() -> Problem:
    return Problem(
        403,
        "bad-token",
        "the token is not known, was used, or is older than 15 minutes",
        "ask for a new one: `fieldline device enrol NAME`, or in the panel",
    )


def _as_device(device: str, asked: Principal) -> Principal:
    """The audit's name of a device that enrols itself; it has no rights here."""
    return Principal(f"device {device}", Role.VIEWER, None, asked.address, asked.request)
