"""Carries packs from MQTT to Kafka, and receipts back.

Threads. The main thread does all that handles a message: it reads packets from the broker, hands
them to librdkafka (which sends from threads of its own, in C), is told by `poll` what Kafka has
acknowledged, acknowledges that to the broker, and publishes receipts. So no lock is taken and no
thread is woken for a message, and Python's interpreter lock is never fought over. Two more threads
wait for Kafka, since its client can only block: `watch` asks which log there is, `stored` reads
what the stream has stored. They put events into a bounded queue and wake the main thread.

Waiting. librdkafka cannot wake a `select` from Python, so while messages are on their way the
main thread looks every millisecond, and less often the longer Kafka does not answer. With nothing
on its way it sleeps until something comes.

Losses. A pack is acknowledged to the broker after Kafka has acknowledged it, on the connection it
came by and on no other: after a reconnect its packet identifier may be another pack's. Whatever
goes wrong on the way, a connection or a generation of the log is dropped as a whole, and the broker
sends again what it was not acknowledged. Duplicates are storage's business.

Memory. The broker sends at most RECEIVE_MAXIMUM packs unacknowledged; beyond `max_bytes` held the
bridge reads no more.
"""

import logging
import os
import queue
import select
import socket
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from cloud.bridge.identity import identify
from cloud.bridge.link import Link
from cloud.bridge.log import Delivery, Log
from cloud.bridge.progress import Progress
from cloud.bridge.receipts import ReceiptBook
from cloud.bridge.seldom import Seldom
from cloud.bridge.settings import Settings
from cloud.bridge.stored import StoredReader
from cloud.bridge.watch import LogAway, LogSeen, LogWatch
from wire import topics
from wire.receipt import encode_receipt
from wire.stored import StoredRanges

_log = logging.getLogger(__name__)

_MESSAGE_OVERHEAD = 1_000  # bytes that a message on its way costs beside its payload, about
_QUICK_S, _SLOW_S = 0.001, 0.05  # how often to look for what Kafka has acknowledged
_RETRY_S, _RETRY_MOST_S = 0.2, 1.0
_STEADY_S = 5.0  # a connection that held so long is replaced quickly
_NEW_LOG_S = 1.0  # between two generations, if they keep failing
_LONG_HOLD_S = 2.0
_STOP_S = 2.0
_MOST_ROUTES = 50_000

_StoredBatch = list[tuple[str, StoredRanges]]


@dataclass(frozen=True, slots=True)
class _Route:
    """Where the messages of one MQTT topic go."""

    device: str
    key: bytes
    origin: bytes
    is_pack: bool


class Bridge:
    """Runs until it is stopped. One object a process."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._say = Seldom(_log)
        self._book = ReceiptBook()
        self._link = Link(settings.mqtt, self._on_message)
        self._watch = LogWatch(settings.kafka, self._post)
        self._events: queue.Queue[LogSeen | LogAway | _StoredBatch] = queue.Queue(maxsize=256)
        self._wake_read, self._wake_write = socket.socketpair()
        self._wake_read.setblocking(False)
        self._wake_write.setblocking(False)
        self._stopping = threading.Event()

        self._kafka: Log | None = None
        self._kafka_made_at = float("-inf")
        self._seen: LogSeen | None = None
        self._stored: StoredReader | None = None
        self._was_up = False
        self._up_at = 0.0
        self._connect_at = 0.0
        self._retry_s = _RETRY_S
        self._held_since: float | None = None
        self._routes: dict[bytes, _Route | None] = {}

        self._now = time.monotonic()
        self._now_ms = 0
        self._patience_s = _QUICK_S
        self._progress = Progress(Path(settings.bridge.progress_file))
        self._progress_at = 0.0
        self._taken = 0
        self._sent = 0
        self._sent_at = self._now
        self._newest: float | None = None
        self._receipts = 0
        self._bad_topics = 0
        self._refused = 0
        self._failures = 0

    def stop(self) -> None:
        """Ask `run` to finish what is on its way, for two seconds at most; signal safe."""
        self._stopping.set()
        self._wake()

    def run(self) -> None:
        """Carry messages until `stop`."""
        self._watch.start()
        more = False
        while not self._stopping.is_set():
            more = self._turn(self._wait(0.0 if more else self._timeout()))
        deadline = time.monotonic() + _STOP_S
        while self._kafka and self._kafka.outstanding and time.monotonic() < deadline:
            self._turn(self._wait(_QUICK_S))
        left = self._kafka.outstanding if self._kafka else 0
        self._link.close()
        self._watch.stop()
        if self._stored is not None:
            self._stored.stop()
        _log.info("stopped; %d packs unacknowledged are left to the broker", left)

    def _turn(self, readable: bool) -> bool:
        """Do what there is to do; returns whether there is more at once."""
        self._now = now = time.monotonic()
        self._now_ms = time.time_ns() // 1_000_000
        self._take_events()
        self._mend()
        hold = self._hold()
        more = (readable or (self._link.blocked and not hold)) and self._link.read(hold=hold)
        if self._kafka is not None:
            self._look_at_kafka(self._kafka)
        # What Kafka has just taken makes room for a pack that was left standing; nothing else
        # would wake us for it.
        more = more or (self._link.blocked and not self._hold())
        self._tell_devices()
        self._link.tick(now, hold=hold)
        self._link.flush()
        if now >= self._progress_at:
            self._progress_at = now + 1.0
            self._write_progress()
        return more

    # Waiting

    def _timeout(self) -> float:
        until = [self._progress_at - self._now]
        if self._kafka is not None:
            if self._kafka.busy:
                until.append(self._patience_s)
            if self._link.socket is None:
                until.append(self._connect_at - self._now)
        due = self._book.next_due()
        if due is not None and self._link.room_for_receipts > 0:
            until.append(due - self._now)
        return max(0.0, min(until))

    def _wait(self, timeout: float) -> bool:
        """Wait for the broker, an event or the time; returns whether the broker has sent."""
        link = self._link.socket
        watched: list[socket.socket] = [self._wake_read]
        if link is not None and not self._link.blocked:
            watched.append(link)
        writing = [link] if link is not None and self._link.wants_to_write else []
        readable, _, _ = select.select(watched, writing, [], timeout)
        if self._wake_read in readable:
            self._wake_read.recv(4096)
        return link in readable

    def _post(self, event: LogSeen | LogAway | _StoredBatch) -> None:
        """Put an event into the queue; called by the other threads, and makes them wait."""
        self._events.put(event)
        self._wake()

    def _wake(self) -> None:
        try:
            self._wake_write.send(b"!")
        except BlockingIOError:  # it is being woken
            return

    # What may go wrong

    def _take_events(self) -> None:
        for _ in range(16):
            try:
                event = self._events.get_nowait()
            except queue.Empty:
                return
            if isinstance(event, LogSeen):
                self._seen = event
                self._say.over("kafka", "Kafka answers")
            elif isinstance(event, LogAway):
                self._say.say("kafka", str(event.error))
            else:
                for device, stored in event:
                    self._book.stored(device, stored.epoch, stored.stored, self._now)
        self._wake()  # there may be more

    def _mend(self) -> None:
        """Replace the log's generation and the connection where they are of no more use."""
        if self._kafka is not None and self._kafka.failure is not None:
            self._failures += 1
            self._say.say("delivery", f"Kafka refuses: {self._kafka.failure}; starting over")
            self._drop_kafka()
            self._seen = None
            self._watch.look_again()
        seen = self._seen
        if seen is not None:
            if self._kafka is None:
                if self._now - self._kafka_made_at >= _NEW_LOG_S:
                    self._make_kafka(seen)
            elif seen.log_id != self._kafka.log_id:
                _log.warning(
                    "Kafka's log %s is gone; the new one is %s", self._kafka.log_id, seen.log_id
                )
                self._drop_kafka()
                self._make_kafka(seen)
            if self._stored is None or self._stored.receipts_id != seen.receipts_id:
                self._read_stored(seen)
        self._mend_link()

    def _mend_link(self) -> None:
        link = self._link
        if link.up and not self._was_up:
            self._was_up = True
            self._up_at = self._now
            self._say.over("link", "the MQTT broker is back")
            self._book.renew(self._now)
        if link.socket is not None or self._kafka is None or self._stopping.is_set():
            return
        if self._was_up or link.failure is not None:
            if link.failure is not None:
                self._say.say("link", str(link.failure))
                link.failure = None
                self._failures += 1
            if self._was_up and self._now - self._up_at >= _STEADY_S:
                self._retry_s = _RETRY_S
            self._was_up = False
            self._connect_at = self._now + self._retry_s
            self._retry_s = min(self._retry_s * 1.5, _RETRY_MOST_S)
        if self._now >= self._connect_at:
            link.connect()
            self._held_since = None

    def _drop_kafka(self) -> None:
        """Forget what is in flight; the broker sends it again on a new connection."""
        assert self._kafka is not None
        self._link.abandon()
        self._was_up = False
        self._connect_at = self._now
        self._kafka.close()
        self._kafka = None

    def _make_kafka(self, seen: LogSeen) -> None:
        self._kafka = Log(
            seen.log_id,
            bootstrap=self._settings.kafka.bootstrap,
            properties=self._settings.kafka.client(),
            delivered=self._on_delivered,
        )
        self._kafka_made_at = self._now
        self._book.log_is(seen.log_id, self._now)

    def _read_stored(self, seen: LogSeen) -> None:
        if self._stored is not None:
            self._stored.stop()
        self._stored = StoredReader(
            self._settings.kafka, seen.receipts_id, seen.receipts_partitions, self._post
        )
        self._stored.start()

    # Packs

    def _hold(self) -> bool:
        """Whether to take no more packs."""
        kafka = self._kafka
        if kafka is None or kafka.held_bytes >= self._settings.bridge.max_bytes:
            self._held_since = self._held_since or self._now
        elif self._held_since is not None:
            if self._now - self._held_since >= _LONG_HOLD_S:
                # What devices said of themselves meanwhile, the broker may have dropped.
                self._link.ask_for_devices()
            self._held_since = None
        return self._held_since is not None or self._stopping.is_set()

    def _on_message(self, topic: bytes, mid: int, payload: bytes) -> None:
        try:
            route = self._routes[topic]
        except KeyError:
            route = self._route(topic)
        kafka = self._kafka
        assert kafka is not None, "there is no connection without a log"
        if route is None:
            self._bad_topics += 1
            if mid:
                self._link.acknowledge(mid)
            return
        size = len(payload) + _MESSAGE_OVERHEAD
        if route.is_pack:
            self._taken += 1
            delivery = Delivery(self._link.number, mid, route.device, identify(payload), size)
            kafka.send_pack(route.key, payload, route.origin, self._now_ms, delivery)
        else:
            kafka.send_device(route.key, payload, self._now_ms, size)

    def _on_delivered(self, delivery: Delivery, taken: bool) -> None:
        if delivery.mid and delivery.connection == self._link.number:
            self._link.acknowledge(delivery.mid)
        if not taken:
            self._refused += 1
            self._say.say(
                "refused",
                f"Kafka will not take a message of {delivery.size} bytes of {delivery.device}: "
                "raise message.max.bytes of the broker and max.message.bytes of the topic "
                f"{topics.PACKS}; the message is dropped, its device sends it again",
            )
            return
        self._sent += 1
        if delivery.identity is not None:
            assert self._kafka is not None
            epoch, sequence = delivery.identity
            self._book.accepted(self._kafka.log_id, delivery.device, epoch, sequence, self._now)

    def _look_at_kafka(self, kafka: Log) -> None:
        sent = self._sent
        kafka.poll()
        if self._sent > sent:
            self._sent_at = self._now
            self._newest = self._now_ms / 1000
            self._patience_s = _QUICK_S
        elif kafka.busy:
            self._patience_s = min(self._patience_s * 1.1, _SLOW_S)
        else:
            self._sent_at = self._now
            self._patience_s = _QUICK_S

    def _route(self, topic: bytes) -> _Route | None:
        route = None
        try:
            text = topic.decode()
            device, kind = topics.parse(text)
        except (topics.TopicRefused, UnicodeDecodeError) as error:
            self._say.say("topic", f"dropped a message: {error}")
        else:
            is_pack = kind in {topics.Kind.DATA, topics.Kind.BACKFILL}
            key = device if is_pack else f"{device}/{kind}"
            route = _Route(device, key.encode(), b"mqtt:" + topic, is_pack)
        if len(self._routes) >= _MOST_ROUTES:
            self._routes.clear()
        self._routes[topic] = route
        return route

    # Receipts

    def _tell_devices(self) -> None:
        room = self._link.room_for_receipts
        if room <= 0:
            return
        for told in self._book.due(self._now, room):
            self._link.publish_receipt(
                told.device, encode_receipt(told.receipt), retain=told.retain
            )
            self._receipts += 1

    def _write_progress(self) -> None:
        kafka = self._kafka
        lag = kafka.outstanding if kafka else 0
        try:
            self._progress.write(
                at=time.time(),
                in_total=self._taken,
                out_total=self._sent,
                lag=lag,
                lag_seconds=self._now - self._sent_at if lag else 0.0,
                newest=self._newest,
                errors=self._bad_topics + self._refused + self._failures,
                detail={
                    "log": self._book.log,
                    "mqtt": "up" if self._link.up else "away",
                    "devices": self._book.devices,
                    "held_bytes": kafka.held_bytes if kafka else 0,
                    "receipts": self._receipts,
                    "bad_topics": self._bad_topics,
                    "refused": self._refused,
                    "failures": self._failures,
                    "pid": os.getpid(),
                },
            )
        except OSError as error:
            self._say.say("progress", f"cannot write the progress file: {error}")
