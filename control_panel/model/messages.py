"""The raw messages as they came: the newest ones, counts a topic, noisy topics folded.

A topic is noisy when more than `NOISY` messages came within `NOISY_WITHIN_US`; while it is, its
messages share one row, which counts them and shows the newest. All of it is bounded.
"""

from collections import OrderedDict

import msgspec

from wire.topics import Kind

ROWS = 2_000
ROW_BYTES = 4_194_304
TOPICS = 20_000
NOISY = 20
NOISY_WITHIN_US = 10_000_000


class Message(msgspec.Struct):
    """A row: one message, or the newest of `folded` + 1; `fault` says why it is garbage."""

    number: int
    device: str
    kind: str
    payload: bytes
    received_utc: int
    fault: str = ""
    folded: int = 0

    @property
    def topic(self) -> str:
        """The part of the topic that tells it from others."""
        return f"{self.device}/{self.kind}"


class Topic(msgspec.Struct):
    """What has come on one topic."""

    messages: int = 0
    bytes: int = 0
    faults: int = 0
    noisy: bool = False
    recent: int = 0
    recent_since_utc: int = 0
    row: int = -1


class Messages:
    """What came, newest last."""

    def __init__(self) -> None:
        self._rows: OrderedDict[int, Message] = OrderedDict()
        self._bytes = 0
        self._number = 0
        self.topics: dict[tuple[str, str], Topic] = {}
        self.messages = 0
        self.faults = 0
        self.version = 0

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def size(self) -> int:
        """What the payloads of the rows take."""
        return self._bytes

    def rows(self) -> list[Message]:
        """Return the rows that are kept, newest last."""
        return list(self._rows.values())

    def keep(
        self, device: str, kind: str | Kind, payload: bytes, received_utc: int, fault: str = ""
    ) -> None:
        """Take in one message."""
        self.version += 1
        self.messages += 1
        self.faults += bool(fault)
        topic = self._count(device, str(kind), len(payload), received_utc)
        topic.faults += bool(fault)
        row = self._rows.get(topic.row) if topic.noisy and not fault else None
        if row is not None and not row.fault:
            self._bytes += len(payload) - len(row.payload)
            row.payload, row.received_utc = payload, received_utc
            row.folded += 1
            self._rows.move_to_end(row.number)
        else:
            self._number += 1
            self._rows[self._number] = Message(
                self._number, device, str(kind), payload, received_utc, fault
            )
            self._bytes += len(payload)
            if not fault:
                topic.row = self._number
        while len(self._rows) > ROWS or (self._bytes > ROW_BYTES and len(self._rows) > 1):
            _, oldest = self._rows.popitem(last=False)
            self._bytes -= len(oldest.payload)

    def _count(self, device: str, kind: str, size: int, received_utc: int) -> Topic:
        topic = self.topics.get((device, kind))
        if topic is None:
            topic = Topic(recent_since_utc=received_utc)
            if len(self.topics) < TOPICS:
                self.topics[device, kind] = topic
        topic.messages += 1
        topic.bytes += size
        if not 0 <= received_utc - topic.recent_since_utc < NOISY_WITHIN_US:
            topic.noisy = topic.recent > NOISY
            topic.recent, topic.recent_since_utc = 0, received_utc
        topic.recent += 1
        topic.noisy = topic.noisy or topic.recent > NOISY
        return topic
