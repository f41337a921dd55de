"""The API's one connection to the MQTT broker: speaks to devices, and to the security plugin.

paho runs in a thread of its own; everything else here runs on the event loop. Nothing is kept for
a broker that is away: whoever asks is told at once, and what must be so in the end is brought
about when the connection is there again (`on_connected`).
"""

import asyncio
import itertools
import logging
import secrets
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from cloud.control.errors import BrokerAway
from cloud.control.settings import Mqtt
from cloud.tls import client_context
from wire import topics

Handler = Callable[[str, bytes, bool], None]
"""Takes device, payload, and whether the message was retained. Quick: it holds up all others."""

_CONTROL = "$CONTROL/dynamic-security/v1"
_HEARD = (
    topics.Kind.STATUS,
    topics.Kind.META,
    topics.Kind.CMD_REPLY,
    topics.Kind.CONFIG_DESIRED,
    topics.Kind.CONFIG_REPORTED,
)
_GATHER_S = 0.005
# The plugin writes its whole file anew at each command (70 ms with 5,000 devices), and the broker
# does nothing else meanwhile: between two of our messages it serves the others, and what takes
# rights away goes before all that gives some.
_MOST_COMMANDS = 10
_TAKES_AWAY = frozenset({"deleteClient", "disableClient", "deleteRole"})
_MOST_WAITING = 50_000
_MOST_UNHANDLED = 1000
_ANSWER_S = 30.0
_UNHEARD = 16  # MQTT 5: no matching subscribers
_AGAIN_S = (1, 5)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, order=True)
class _Asked:
    """A command that waits for its turn; False comes first."""

    gives: bool
    number: int
    command: dict[str, Any] = field(compare=False)
    answer: asyncio.Future[dict[str, Any]] = field(compare=False)


class Broker:
    """The connection. `run` keeps it up; every method belongs to `run`'s event loop."""

    def __init__(self, settings: Mqtt) -> None:
        """Connect to nothing yet. Raises OSError if the CA or the password cannot be read."""
        self._settings = settings
        self._handlers: dict[topics.Kind, list[Handler]] = {}
        self._greeters: list[Callable[[], None]] = []
        self._mourners: list[Callable[[], None]] = []
        self._connected = False
        self._failure = ""
        self._published: dict[int, asyncio.Future[int]] = {}
        self._commands: asyncio.PriorityQueue[_Asked]
        self._asked = itertools.count()
        self._answers: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._room = threading.BoundedSemaphore(_MOST_UNHANDLED)
        self._loop: asyncio.AbstractEventLoop
        client = self._client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"fieldline-api-{secrets.token_hex(4)}",
            protocol=paho.MQTTv5,
        )
        client.tls_set_context(client_context(settings.ca))
        client.username_pw_set(
            settings.username, Path(settings.password_file).read_text("utf-8").strip()
        )
        client.reconnect_delay_set(*_AGAIN_S)
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_publish = self._on_publish
        client.on_message = self._on_message

    @property
    def connected(self) -> bool:
        """Whether the broker answers and everything is subscribed."""
        return self._connected

    def on(self, kind: topics.Kind, handler: Handler) -> None:
        """Have every device's messages of a kind handed over."""
        self._handlers.setdefault(kind, []).append(handler)

    def on_connected(self, greeter: Callable[[], None]) -> None:
        """Call this after every connection: the broker may have lost its state meanwhile."""
        self._greeters.append(greeter)

    def on_lost(self, mourner: Callable[[], None]) -> None:
        """Call this whenever the connection is lost, before anything of a next one is heard."""
        self._mourners.append(mourner)

    async def run(self) -> None:
        """Keep the connection until cancelled."""
        self._loop = asyncio.get_running_loop()
        self._commands = asyncio.PriorityQueue(_MOST_WAITING)
        self._client.connect_async(self._settings.host, self._settings.port, keepalive=20)
        self._client.loop_start()
        try:
            while True:
                await self._send_commands()
        finally:
            self._forget("the API stops")
            self._client.disconnect()
            await asyncio.to_thread(self._client.loop_stop)

    async def publish(
        self, topic: str, payload: bytes, *, retain: bool = False, expiry_s: int | None = None
    ) -> bool:
        """Publish once the broker has it (QoS 1); say whether anybody is subscribed.

        Raises BrokerAway.
        """
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        if expiry_s is not None:
            properties.MessageExpiryInterval = expiry_s
        self._check()
        sent = self._client.publish(topic, payload, qos=1, retain=retain, properties=properties)
        future: asyncio.Future[int] = self._loop.create_future()
        self._published[sent.mid] = future
        try:
            async with asyncio.timeout(_ANSWER_S):
                code = await future
        except TimeoutError:
            raise BrokerAway(
                f"the broker did not take a message within {_ANSWER_S:.0f} s"
            ) from None
        finally:
            self._published.pop(sent.mid, None)
        if code >= 128:
            raise BrokerAway(f"the broker refuses what the API says on {topic} (reason {code})")
        return code != _UNHEARD

    async def security(self, commands: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Give commands to the dynamic-security plugin, in order; return its answer to each.

        Those that begin by taking rights away overtake all others that wait. An answer with
        `error` is a refusal. Raises BrokerAway if one stays unanswered.
        """
        self._check()
        gives = not commands or commands[0]["command"] not in _TAKES_AWAY
        futures: list[asyncio.Future[dict[str, Any]]] = []
        for command in commands:
            future: asyncio.Future[dict[str, Any]] = self._loop.create_future()
            await self._commands.put(_Asked(gives, next(self._asked), command, future))
            futures.append(future)
        return list(await asyncio.gather(*futures))

    def _check(self) -> None:
        if not self._connected:
            raise BrokerAway(
                f"there is no connection to the broker at {self._settings.host}:"
                f"{self._settings.port}; see `fieldline logs broker`"
            )

    async def _send_commands(self) -> None:
        waiting = [await self._commands.get()]
        await asyncio.sleep(_GATHER_S)
        while len(waiting) < _MOST_COMMANDS and not self._commands.empty():
            waiting.append(self._commands.get_nowait())
        marked = {secrets.token_hex(8): one for one in waiting if not one.answer.done()}
        self._answers = {mark: one.answer for mark, one in marked.items()}
        message = {
            "commands": [{**one.command, "correlationData": mark} for mark, one in marked.items()]
        }
        try:
            await self.publish(_CONTROL, msgspec.json.encode(message))
            if self._answers:
                await asyncio.wait(list(self._answers.values()), timeout=_ANSWER_S)
            self._fail(self._answers.values(), "the security plugin did not answer in time")
        except BrokerAway as error:
            self._fail(self._answers.values(), str(error))

    def _forget(self, why: str) -> None:
        """Tell everybody who waits that nothing will come."""
        self._connected = False
        self._fail(self._published.values(), why)
        self._fail(self._answers.values(), why)
        while not self._commands.empty():
            self._fail([self._commands.get_nowait().answer], why)

    @staticmethod
    def _fail(futures: Any, why: str) -> None:
        for future in list(futures):
            if not future.done():
                future.set_exception(BrokerAway(why))
                future.exception()  # whoever waits has gone, perhaps

    def _answered(self, payload: bytes) -> None:
        try:
            answers = msgspec.json.decode(payload)["responses"]
        except (msgspec.DecodeError, KeyError, TypeError):
            _log.warning("the security plugin said something unreadable: %.200r", payload)
            return
        for answer in answers:
            # All administrators hear all answers; ours bear our marks.
            future = self._answers.get(answer.get("correlationData", ""))
            if future is not None and not future.done():
                future.set_result(answer)

    def _greeted(self) -> None:
        self._connected, self._failure = True, ""
        _log.info("connected to the broker at %s:%d", self._settings.host, self._settings.port)
        for greeter in self._greeters:
            greeter()

    def _lost(self, why: str) -> None:
        if self._connected:
            _log.warning("the broker has gone: %s", why)
        self._forget(f"the broker has gone: {why}")
        for mourner in self._mourners:
            mourner()

    def _handle(self, topic: str, payload: bytes, retained: bool) -> None:
        try:
            device, kind = topics.parse(topic)
        except topics.TopicRefused:
            return
        for handler in self._handlers.get(kind, ()):
            try:
                handler(device, payload, retained)
            except Exception:  # noqa: BLE001 -- a bug in one must not make the others deaf
                _log.exception("a message on %s could not be handled", topic)

    def _taken(self, mid: int, code: int) -> None:
        future = self._published.get(mid)
        if future is not None and not future.done():
            future.set_result(code)

    # From here on in paho's thread.

    def _soon(self, function: Callable[..., None], *arguments: Any) -> None:
        with suppress(RuntimeError):  # the loop has ended, and nobody listens any more
            self._loop.call_soon_threadsafe(function, *arguments)

    def _on_connect(
        self, client: paho.Client, _u: Any, _f: Any, code: Any, _p: Properties | None
    ) -> None:
        if code.is_failure:
            _log.warning("the broker refuses the API: %s", code)
            return
        once = SubscribeOptions(qos=1)
        client.subscribe(
            [
                (f"{_CONTROL}/response", once),
                *((topics.all_devices(kind), once) for kind in _HEARD),
            ]
        )

    def _on_connect_fail(self, _c: paho.Client, _u: Any) -> None:
        # paho tells what it was only to whoever looks while it handles it.
        error = sys.exc_info()[1]
        why = getattr(error, "verify_message", "") or str(error)
        if why != self._failure:
            self._failure = why
            _log.warning(
                "no connection to the broker at %s:%d (%s); trying on",
                self._settings.host, self._settings.port, why,
            )  # fmt: skip

    def _on_subscribe(
        self, _c: paho.Client, _u: Any, _mid: int, codes: list[Any], _p: Properties | None
    ) -> None:
        if any(code.is_failure for code in codes):
            _log.warning("the broker does not let %s hear devices", self._settings.username)
        self._soon(self._greeted)

    def _on_disconnect(
        self, _c: paho.Client, _u: Any, _f: Any, code: Any, _p: Properties | None
    ) -> None:
        self._soon(self._lost, str(code))

    def _on_publish(
        self, _c: paho.Client, _u: Any, mid: int, code: Any, _p: Properties | None
    ) -> None:
        self._soon(self._taken, mid, code.value)

    def _on_message(self, _c: paho.Client, _u: Any, message: paho.MQTTMessage) -> None:
        if message.topic.startswith(_CONTROL):
            self._soon(self._answered, message.payload)
            return
        # Waits for the loop to catch up; the broker waits for us meanwhile (Receive Maximum).
        self._room.acquire()

        def handled() -> None:
            try:
                self._handle(message.topic, bytes(message.payload), message.retain)
            finally:
                self._room.release()

        self._soon(handled)
