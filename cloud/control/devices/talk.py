"""Asks a device for something and waits for its answer (docs/control.md, Commands)."""

import asyncio
import time
import uuid
from typing import Any

import msgspec

from cloud.control.broker import Broker
from cloud.control.errors import ControlError
from wire import topics


class DeviceSilent(ControlError):
    """A device has not answered in time, or is not connected."""


class DeviceRefuses(ControlError):
    """A device has answered that it cannot; the message is its own."""


class _Reply(msgspec.Struct):
    id: str
    ok: bool
    error: str = ""
    result: dict[str, Any] = {}


class Talk:
    """Commands that are answered while somebody waits for it."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._waiting: dict[tuple[str, str], asyncio.Future[_Reply]] = {}
        broker.on(topics.Kind.CMD_REPLY, self._heard)

    async def ask(
        self, device: str, command: str, arguments: dict[str, Any], *, within_s: float
    ) -> dict[str, Any]:
        """Return a device's result. Raises DeviceSilent, DeviceRefuses or BrokerAway."""
        identity = uuid.uuid4().hex
        message = {
            "id": identity,
            "command": command,
            "expires": time.time() + within_s,
            "arguments": arguments,
        }
        future: asyncio.Future[_Reply] = asyncio.get_running_loop().create_future()
        self._waiting[device, identity] = future
        try:
            async with asyncio.timeout(within_s):
                heard = await self._broker.publish(
                    topics.cmd(device),
                    msgspec.json.encode(message),
                    expiry_s=max(1, round(within_s)),
                )
                if not heard:
                    raise DeviceSilent(f"{device} is not connected")
                reply = await future
        except TimeoutError:
            raise DeviceSilent(f"{device} did not answer within {within_s:g} s") from None
        finally:
            del self._waiting[device, identity]
        if not reply.ok:
            raise DeviceRefuses(reply.error[:1000] or "it gave no reason")
        return reply.result

    def _heard(self, device: str, payload: bytes, _retained: bool) -> None:
        try:
            reply = msgspec.json.decode(payload, type=_Reply)
        except msgspec.MsgspecError:
            return  # not of this form: none that anybody here waits for
        # The device is that of the topic, so that none answers for another.
        future = self._waiting.get((device, reply.id))
        if future is not None and not future.done():
            future.set_result(reply)
