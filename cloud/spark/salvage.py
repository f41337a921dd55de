"""What PostgreSQL refuses: found by halving, kept as dead letters, and all the rest stored."""

import logging
from collections.abc import Callable, Sequence

from cloud.spark.decode import Record, Request, dead_letter, decode_records
from cloud.spark.errors import NotStorable
from cloud.spark.part import Part

_log = logging.getLogger(__name__)

_ALL = 2**62

Store = Callable[[list[Part], bool], None]
"""Stores parts in one transaction. If told True it raises NotStorable for what PostgreSQL refuses;
if told False it waits until it goes."""


def keep(records: Sequence[Record], store: Store, now_utc: int) -> None:
    """Store every record, or its bytes with the reason why not; raises what `store` raises else.

    Each half that PostgreSQL takes is one transaction. Where it takes not even a dead letter the
    fault is not the record's: then there is no going on without losing it.
    """
    if not records:
        return
    try:
        store([decode_records(records, Request(now_utc, _ALL, _ALL))], True)
    except NotStorable as error:
        if len(records) > 1:
            middle = len(records) // 2
            keep(records[:middle], store, now_utc)
            keep(records[middle:], store, now_utc)
        else:
            _set_aside(records[0], str(error), store, now_utc)


def _set_aside(record: Record, reason: str, store: Store, now_utc: int) -> None:
    place = f"{record.topic}/{record.partition}, offset {record.offset}"
    _log.error("a record (%s) is kept as rejected, PostgreSQL refuses it: %s", place, reason)
    try:
        store([dead_letter(record, reason, now_utc, named=True)], True)
    except NotStorable as error:
        # Without its number its device will send it again; its bytes come first.
        _log.error("its number cannot be kept in the ledger: %s", error)
        store([dead_letter(record, reason, now_utc, named=False)], False)
