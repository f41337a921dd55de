"""Decides what goes over the link and when: new packs first, then the backlog.

The broker's acknowledgement only makes room for the next message. A pack is forgotten on a
receipt that says stored, and on nothing else.
"""

import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Protocol

from edge_agent.buffer import Buffer
from edge_agent.errors import DiskFailed, EpochBegun
from edge_agent.sinks.mqtt.link import (
    Acknowledged,
    Event,
    Link,
    LinkFailed,
    Received,
    Subscribed,
    Waker,
)
from edge_agent.sinks.mqtt.settings import Settings
from wire import topics
from wire.errors import WireError
from wire.ranges import RangeSet
from wire.receipt import decode_receipt

RETRY_LEAST_S = 0.1
RETRY_MOST_S = 0.5
"""Low, so that readings flow within a second of the broker's return. A thousand devices make some
three thousand refused connections a second of it, which costs a machine without a broker next
to nothing; spread by jitter, their TLS handshakes then take a broker one or two seconds."""
RETRY_PATIENT_S = 10.0
"""At most so long when the broker is there and refuses: each such try costs it a handshake."""
RETRY_REVOKED_S = (30.0, 300.0)
"""A device that was revoked looks ever more seldom: so a revocation that is taken back at once is
noticed soon, and one that has yet to reach the broker is not outrun."""
REVOKED = "this device was revoked; it keeps its readings, and looks seldom whether it may send: "
LANE_BYTES = 1_000_000
WINDOW = 1_000
"""Backlog sent and not accepted, in packs at most: a bridge that is away must not make a month's
backlog pile up in the broker, which drops what exceeds its own limits."""
RECEIPT_WAIT_S = 0.3
PAUSE_LEAST_S = 1.0
PAUSE_MOST_S = 30.0
STATUS_S = 10.0
STATUS_UNCHANGED_S = 60.0
NO_SUBSCRIBERS = 16
OVERHEAD = 128

_log = logging.getLogger(__name__)


class Report(Protocol):
    """What the device says of itself."""

    def version(self) -> int:
        """Return a number that changes with every change of a state."""

    def status(self, state: str, reason: str) -> bytes:
        """Return the status, encoded."""

    def substance(self) -> object:
        """Return what makes a status worth being published; equal if nothing has changed."""

    def meta(self) -> bytes:
        """Return the meta, encoded."""


class Remote(Protocol):
    """What others tell the device; called by the sink's thread, never waits."""

    revoked: bool

    @property
    def kinds(self) -> Iterable[topics.Kind]:
        """What to subscribe to."""

    @property
    def has_message(self) -> bool:
        """Whether something is to be published."""

    def connected(self) -> None:
        """The broker has let the device in."""

    def take(self, kind: topics.Kind, payload: bytes) -> None:
        """Take a message."""

    def next_message(self) -> tuple[str, bytes, bool] | None:
        """Return what is to be published next: topic, payload, whether retained."""


class MqttSink:
    """One thread: buffer -> broker -> receipts -> buffer, over one link after the other."""

    def __init__(
        self, device: str, settings: Settings, buffer: Buffer, report: Report, remote: Remote
    ) -> None:
        self._device = device
        self._settings = settings
        self._buffer = buffer
        self._report = report
        self._remote = remote
        self._waker = Waker()
        self._stop_at: float | None = None
        self._stop_now = threading.Event()
        self._lane: deque[tuple[str, int, bytes]] = deque()
        self._lane_bytes = 0
        self._lane_lock = threading.Lock()
        self._connected = False
        self._thread = threading.Thread(target=self._run, name="mqtt")
        self.problem = "not connected yet"
        """Why packs do not flow at the moment, or nothing."""

    def start(self) -> None:
        """Begin to connect."""
        self._thread.start()

    def stop(self, within: float) -> None:
        """Send what can be sent within some seconds, say `stopped`, end."""
        self._stop_at = time.monotonic() + within
        self._stop_now.set()
        self._waker.wake()
        self._thread.join(within + 3.0)
        if not self._thread.is_alive():
            self._waker.close()

    def wake(self) -> None:
        """Look at the report and the buffer now."""
        self._waker.wake()

    # -- the live lane, called by the packer's thread ------------------------------------------

    def is_open(self) -> bool:
        """Say whether a pack offered now would probably be taken."""
        return self._connected and self._lane_bytes < LANE_BYTES

    def offer(self, epoch: str, number: int, payload: bytes) -> bool:
        """Take a pack to be sent at once, or not."""
        with self._lane_lock:
            if not self.is_open():
                return False
            self._lane.append((epoch, number, payload))
            self._lane_bytes += len(payload)
        self._waker.wake()
        return True

    def _next_live(self) -> tuple[str, int, bytes] | None:
        with self._lane_lock:
            if not self._lane:
                return None
            pack = self._lane.popleft()
            self._lane_bytes -= len(pack[2])
            return pack

    def _set_connected(self, connected: bool) -> None:
        with self._lane_lock:
            self._connected = connected
            self._lane.clear()
            self._lane_bytes = 0
        self._buffer.connection_lost()

    # -- the thread ----------------------------------------------------------------------------

    def _run(self) -> None:
        wait = RETRY_LEAST_S
        will = (topics.status(self._device), b'{"state":"offline","reason":"connection lost"}')
        while not self._stop_now.is_set():
            try:
                link = Link(self._settings, self._device, will, self._waker)
            except LinkFailed as error:
                self._say(REVOKED + str(error) if self._remote.revoked else str(error))
                most = RETRY_PATIENT_S if error.patient else RETRY_MOST_S
                wait = min(wait * 2, RETRY_REVOKED_S[1] if self._remote.revoked else most)
            else:
                wait = RETRY_LEAST_S
                self._serve(link)
                if self._remote.revoked:
                    self._say(REVOKED + (self.problem or "it was told so"))
                    wait = RETRY_REVOKED_S[0]
            self._stop_now.wait(wait * random.uniform(0.5, 1.0))  # noqa: S311 - jitter

    def _serve(self, link: Link) -> None:
        self._set_connected(True)
        self._say("")
        _log.info("connected to the broker at %s:%d", self._settings.host, self._settings.port)
        session = _Session(
            link, self._device, self._buffer, self._report,
            remote=self._remote, next_live=self._next_live,
        )  # fmt: skip
        try:
            while not session.finished(self._stop_at):
                session.turn()
                self._say(session.problem)
            session.say_goodbye()
        except LinkFailed as error:
            self._say(str(error))
        finally:
            link.drop()
            self._set_connected(False)

    def _say(self, problem: str) -> None:
        if problem != self.problem:
            self.problem = problem
            if problem:
                _log.warning("%s", problem)


class _Session:
    """What one connection needs to remember."""

    def __init__(
        self,
        link: Link,
        device: str,
        buffer: Buffer,
        report: Report,
        *,
        remote: Remote,
        next_live: Callable[[], tuple[str, int, bytes] | None],
    ) -> None:
        self._link = link
        self._device = device
        self._buffer = buffer
        self._report = report
        self._remote = remote
        self._next_live = next_live
        self._data, self._backfill = topics.data(device), topics.backfill(device)
        self._in_flight: dict[int, int | None] = {}
        self._backlog: deque[tuple[int, bytes]] = deque()
        self._pause = PAUSE_LEAST_S
        self._paused_until = 0.0
        self._live_paused = False
        now = time.monotonic()
        self._backlog_at = now + CONNECTED_WAIT_S
        self._tick_at = now
        self._status_at = now
        self._status_due_at = now
        self._version = -1
        self._meta = b""
        self._substance: object = None
        self._refusal = ""
        self._deafness = ""
        self._not_granted: tuple[str, ...] = ()
        """Topics that the broker did not grant; a broker that was emptied grants them later."""
        self._ask_again_at = 0.0
        self._ask_pause = PAUSE_LEAST_S
        self._knocking = remote.revoked
        """A revoked device says nothing before the broker has granted it something."""
        self._receipt = topics.receipt(device)
        others = (f"{topics.ROOT}/{device}/{kind}" for kind in remote.kinds)
        link.subscribe(self._receipt, *others)

    @property
    def problem(self) -> str:
        """Why packs do not flow, or are not forgotten, or nothing."""
        return self._refusal or self._deafness

    def finished(self, stop_at: float | None) -> bool:
        """Say whether to end: asked to, and either nothing is left to send or no time."""
        told_all = not self._remote.has_message
        if self._remote.revoked and not self._knocking:
            return told_all and not self._in_flight
        if stop_at is None:
            return False
        if time.monotonic() >= stop_at:
            return True
        waiting = self._in_flight or self._backlog or self._buffer.has_due()
        return told_all and (not waiting or bool(self.problem))

    def turn(self) -> None:
        """Send what may be sent, wait for what comes, take it in."""
        now = time.monotonic()
        if now >= self._tick_at:
            self._tick_at = now + 1.0
            self._buffer.tick()
        if not self._knocking:
            self._speak(now)
            self._answer()
            if self._not_granted and now >= self._ask_again_at:
                self._link.subscribe(*self._not_granted)
                self._not_granted = ()
        sent_all = self._remote.revoked or self._fill(now)
        wait = max(0.0, min(self._tick_at, self._backlog_at if self._waiting(now) else 1e18) - now)
        for event in self._link.poll(wait if sent_all else 0.0):
            self._take(event)

    def _waiting(self, now: float) -> bool:
        return self._backlog_at > now

    def say_goodbye(self) -> None:
        """Publish the last status and close the connection in order."""
        reason = "revoked" if self._remote.revoked else "stopped"
        mid = self._publish(
            topics.status(self._device), self._report.status("offline", reason), retain=True
        )
        deadline = time.monotonic() + 1.0
        while mid in self._in_flight and time.monotonic() < deadline:
            for event in self._link.poll(0.1):
                self._take(event)
        self._link.close()

    # -- status and meta -----------------------------------------------------------------------

    def _speak(self, now: float) -> None:
        version = self._report.version()
        if version == self._version and now < self._status_due_at:
            return
        substance = self._report.substance()
        if (
            version != self._version
            or substance != self._substance
            or now >= self._status_at + STATUS_UNCHANGED_S
        ):
            self._status_at = now
            status = self._report.status("online", "")
            self._publish(topics.status(self._device), status, retain=True)
            meta = self._report.meta()
            if meta != self._meta:
                self._meta = meta
                self._publish(topics.meta(self._device), meta, retain=True)
        self._version, self._substance = version, substance
        self._status_due_at = now + STATUS_S

    def _answer(self) -> None:
        while len(self._in_flight) < self._link.in_flight:
            message = self._remote.next_message()
            if message is None:
                return
            topic, payload, retain = message
            self._publish(topic, payload, retain=retain)

    def _publish(self, topic: str, payload: bytes, *, retain: bool) -> int:
        mid = self._link.publish(topic, payload, retain=retain)
        self._in_flight[mid] = None
        return mid

    # -- packs ---------------------------------------------------------------------------------

    def _fill(self, now: float) -> bool:
        """Send until the limit is reached; False if more could be sent at once."""
        for _ in range(self._link.in_flight):
            if len(self._in_flight) >= self._link.in_flight:
                return True
            live = self._next_live()
            if live is not None:
                epoch, number, payload = live
                if self._live_paused and now < self._paused_until:
                    self._buffer.not_sent(RangeSet(((number, number),)))
                elif self._buffer.is_held(epoch, number):
                    self._send(self._data, number, payload)
                continue
            if now < max(self._backlog_at, self._paused_until):
                return True
            pack = self._next_of_backlog()
            if pack is None:
                return True
            self._send(self._backfill, *pack)
        return False

    def _next_of_backlog(self) -> tuple[int, bytes] | None:
        if not self._backlog and self._buffer.under_way() < WINDOW:
            try:
                self._backlog.extend(self._buffer.take_due())
            except (DiskFailed, EpochBegun) as error:
                self._refusal = str(error)
        return self._backlog.popleft() if self._backlog else None

    def _send(self, topic: str, number: int, payload: bytes) -> None:
        if len(payload) + OVERHEAD > self._link.largest:
            self._refusal = (
                f"pack {number} has {len(payload)} bytes, more than the broker takes"
                f" ({self._link.largest}). It is kept; raise the broker's max_packet_size"
            )
            return
        self._in_flight[self._link.publish(topic, payload)] = number

    # -- what comes back -----------------------------------------------------------------------

    def _take(self, event: Event) -> None:
        match event:
            case Acknowledged():
                self._acknowledged(event)
            case Received():
                self._received(event)
            case Subscribed():
                self._backlog_at = time.monotonic() + RECEIPT_WAIT_S
                if self._knocking and self._receipt in event.refused:
                    raise LinkFailed("the broker lets it connect, and grants it nothing")
                self._knocking = False
                self._remote.connected()
                self._granted(event.refused)

    def _granted(self, refused: dict[str, str]) -> None:
        """Say what the broker does not pass on, and ask for it again after a while."""
        self._deafness = ""
        for topic, why in refused.items():
            if topic == self._receipt:
                self._deafness = (
                    f"the broker refuses to pass on receipts ({why}), so nothing can"
                    " be forgotten. Check the device's access rules"
                )
            elif self._ask_pause == PAUSE_LEAST_S:
                _log.warning("the broker refuses to pass on %s (%s); asking again", topic, why)
        self._not_granted = tuple(refused)
        if refused:
            self._ask_again_at = time.monotonic() + self._ask_pause
            self._ask_pause = min(self._ask_pause * 2, RETRY_PATIENT_S)
        else:
            self._ask_pause = PAUSE_LEAST_S

    def _acknowledged(self, event: Acknowledged) -> None:
        number = self._in_flight.pop(event.mid, None)
        if number is None:
            return
        if event.code == 0:
            self._pause, self._paused_until = PAUSE_LEAST_S, 0.0
            self._live_paused = False
            self._refusal = ""
            return
        self._buffer.not_sent(RangeSet(((number, number),)))
        now = time.monotonic()
        if now >= self._paused_until:
            self._paused_until = now + self._pause
            self._pause = min(self._pause * 2, PAUSE_MOST_S)
        if event.code == NO_SUBSCRIBERS:
            self._refusal = (
                "nobody takes packs from the broker: is the bridge running? They are kept"
            )
        elif event.code >= 128:
            self._live_paused = True
            self._refusal = f"the broker refuses packs ({event.name}). They are kept"

    def _received(self, event: Received) -> None:
        if event.topic != self._receipt:
            self._remote.take(topics.parse(event.topic)[1], event.payload)
            return
        try:
            receipt = decode_receipt(event.payload)
        except WireError as error:
            _log.warning("a receipt that cannot be read: %s", error)
            return
        self._backlog_at = 0.0  # what is stored is known now: nothing of it is sent again
        self._buffer.receipt(receipt)


CONNECTED_WAIT_S = 2.0
"""The backlog waits so long for the answer to the subscription."""
