"""Sends dead letters through the pipeline again, with their original bytes. Nothing is doubled.

The letter goes into the log as it came: same device, payload and time of reception, so that what
is read in the log again, today or in a year, is judged alike. Two kinds:

- Without a number (a foreign producer's): the stream knows each of its readings by series and time.
- With a number: the ledger counts it as stored, for its bytes are kept. It forgets the number of a
  pack that was refused as a whole, in a transaction that sees that no reading of it is stored; the
  pack then comes like one that never came. Of a pack that was stored in part nothing can be taken
  again.

The letter is marked when its readings are in the table. Whatever is killed when, doing it again
goes on where it ended.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NamedTuple

from wire.names import is_device_name
from wire.pack import Pack, PackRefused, decode_pack
from wire.reading import Reading

_OF_ONE_RECORD = re.compile(r" \(record \d+( and \d+ more)?\)$")

Row = tuple[str, datetime, float | str]
"""Channel, time and value, as the view `reading` has them; booleans are 1.0 and 0.0."""


class Letter(NamedTuple):
    """A record that could not be stored whole; `place` is its log, partition and offset."""

    place: tuple[str, int, int]
    device: str
    origin: str
    payload: bytes
    received_utc: int
    """In µs."""
    reasons: tuple[str, ...]


class Verdict(StrEnum):
    """What is to be done with a letter."""

    SEND = "send"
    STORED = "stored"
    """All that it holds is in the table: it only has to be marked."""
    REFUSED = "refused"


class Judgement(NamedTuple):
    """The verdict, why it is refused, and the readings that are to come."""

    verdict: Verdict
    why: str = ""
    new: tuple[Row, ...] = ()
    identity: tuple[str, int] | None = None


def read(letter: Letter) -> Pack | str:
    """Decode a letter as the stream does; else say why it is still refused."""
    if not is_device_name(letter.device):
        return "its key is not a device's name"
    try:
        return decode_pack(letter.device, letter.payload, received_utc=letter.received_utc)
    except PackRefused as refusal:
        return f"{refusal.reason}: {refusal.detail}"


def judge(
    letter: Letter, pack: Pack, stored: Iterable[Row], kept_from: datetime | None
) -> Judgement:
    """Say what is to be done, given what is stored at the times of its readings.

    `kept_from` is from when on raw readings are kept: what is older may have been stored.
    """
    there = set(stored)
    rows = tuple(row_of(reading) for reading in pack.readings)
    new = tuple(row for row in rows if row not in there)
    still = "; ".join(dict.fromkeys(f"{one.reason}: {one.detail}" for one in pack.refused))
    if not new:
        return Judgement(Verdict.REFUSED, still) if still else Judgement(Verdict.STORED)
    if kept_from is not None and any(at < kept_from for _, at, _ in new):
        return Judgement(Verdict.REFUSED, "it is older than what is kept of raw readings")
    if pack.epoch is None or pack.sequence is None:
        taken = {(channel, at) for channel, at, _ in there}
        free = tuple(row for row in new if row[:2] not in taken)
        if not free:
            return Judgement(Verdict.REFUSED, "other values are stored for the same instants")
        return Judgement(Verdict.SEND, new=free)
    if len(new) < len(rows) or any(map(_OF_ONE_RECORD.search, letter.reasons)):
        return Judgement(
            Verdict.REFUSED, still or "the rest of its pack is stored under its number"
        )
    return Judgement(Verdict.SEND, new=new, identity=(pack.epoch, pack.sequence))


def row_of(reading: Reading) -> Row:
    """Return a reading as the view has it."""
    at = datetime.fromtimestamp(reading.time_utc // 1_000_000, UTC).replace(
        microsecond=reading.time_utc % 1_000_000
    )
    value = reading.value if isinstance(reading.value, str) else float(reading.value)
    return reading.channel, at, value


_LETTERS = """
SELECT r.log, r.partition, r."offset", r.device, r.origin, r.payload, r.time,
       array_agg(r.reason ORDER BY r.number)
FROM storage.rejected AS r
WHERE r.log NOT LIKE '%%/fieldline.devices'
  AND (%(device)s::text IS NULL OR r.device = %(device)s)
  AND NOT EXISTS (SELECT FROM storage.redriven AS d
                  WHERE (d.log, d.partition, d."offset") = (r.log, r.partition, r."offset"))
GROUP BY 1, 2, 3, 4, 5, 6, 7
HAVING %(reason)s::text IS NULL OR bool_or(starts_with(r.reason, %(reason)s))
ORDER BY r.time, 1, 2, 3
"""
_STORED = """
SELECT channel, time, coalesce(value::text, text), value IS NULL FROM fieldline.reading
WHERE device = %s AND time = ANY (%s)
"""
_LOCK = """
SELECT stored @> %s::bigint FROM storage.ledger AS l JOIN storage.device AS d ON d.id = l.device
WHERE d.device = %s AND l.epoch = %s FOR UPDATE OF l
"""
_FORGET = """
UPDATE storage.ledger AS l
SET stored = l.stored - int8multirange(int8range(%(number)s, %(number)s, '[]')), packs = l.packs - 1
FROM storage.device AS d
WHERE d.id = l.device AND d.device = %(device)s AND l.epoch = %(epoch)s
  AND l.stored @> %(number)s::bigint
"""
_FORGET_DAY = """
UPDATE storage.ledger_day AS l SET packs = l.packs - 1
FROM (
    SELECT l.device, l.epoch, l.day
    FROM storage.ledger_day AS l JOIN storage.device AS d ON d.id = l.device
    WHERE d.device = %(device)s AND l.epoch = %(epoch)s
    ORDER BY l.first > %(number)s, abs(l.first - %(number)s) LIMIT 1
) AS its
WHERE (l.device, l.epoch, l.day) = (its.device, its.epoch, its.day)
"""
_MARK = """
INSERT INTO storage.redriven (log, partition, "offset") VALUES (%s, %s, %s) ON CONFLICT DO NOTHING
"""


class Letters:
    """What the database knows of dead letters; the connection is the stream's role, autocommit."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        row = connection.execute("SELECT storage.raw_kept_from()").fetchone()
        self._kept_from: datetime | None = row[0]

    def open(self, device: str | None, reason: str | None) -> list[Letter]:
        """List those that were not sent again, the oldest first."""
        rows = self._connection.execute(_LETTERS, {"device": device, "reason": reason})
        return [
            Letter((log, partition, offset), device, origin, bytes(payload), micros(at), (*why,))
            for log, partition, offset, device, origin, payload, at, why in rows
        ]

    def judge(self, letter: Letter) -> Judgement:
        """Say what is to be done with a letter now."""
        pack = read(letter)
        if isinstance(pack, str):
            return Judgement(Verdict.REFUSED, pack)
        return judge(letter, pack, self._stored(letter.device, pack), self._kept_from)

    def forget(self, letter: Letter) -> Judgement:
        """Make the ledger ready for the letter, if it has a number; judged again under its lock."""
        with self._connection.transaction():
            identity = self.judge(letter).identity
            if identity is not None:
                epoch, number = identity
                self._connection.execute(_LOCK, (number, letter.device, epoch))
            judged = self.judge(letter)
            if judged.identity is not None:
                epoch, number = judged.identity
                named = {"number": number, "device": letter.device, "epoch": epoch}
                if self._connection.execute(_FORGET, named).rowcount:
                    self._connection.execute(_FORGET_DAY, named)
            return judged

    def has(self, device: str, rows: Sequence[Row]) -> bool:
        """Say whether all of these are stored now."""
        return set(rows) <= self._at(device, [at for _, at, _ in rows])

    def mark(self, letter: Letter) -> None:
        """Note that it was sent through again."""
        self._connection.execute(_MARK, letter.place)

    def _stored(self, device: str, pack: Pack) -> set[Row]:
        return self._at(device, [row_of(reading)[1] for reading in pack.readings])

    def _at(self, device: str, times: list[datetime]) -> set[Row]:
        rows = self._connection.execute(_STORED, (device, times))
        return {
            (channel, at.astimezone(UTC), said if is_text else float(said))
            for channel, at, said, is_text in rows
        }


def micros(at: datetime) -> int:
    """Return µs since 1970, exactly."""
    since = at - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
