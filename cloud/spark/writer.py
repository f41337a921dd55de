"""Stores batches whatever happens to PostgreSQL: reconnects, retries, sets poison aside."""

import logging
import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

import psycopg

from cloud.spark.alerts.book import Transition
from cloud.spark.alerts.horizon import Horizon
from cloud.spark.errors import NotStorable, StreamError
from cloud.spark.part import Part
from cloud.spark.store import Store, Stored
from wire.ranges import RangeSet

T = TypeVar("T")

_log = logging.getLogger(__name__)

_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.1, 1.0

# Not the fault of what is in the batch: waiting, or somebody, will mend it.
_PASSING = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.ProgrammingError, OSError)


class Stopping(StreamError):
    """The stream was asked to stop while it waited."""


class Writer:
    """Holds the connection. One thread at a time."""

    def __init__(self, connect: Callable[[], Store], stopping: threading.Event) -> None:
        """`connect` makes a new Store, and reads the password anew."""
        self._connect = connect
        self._stopping = stopping
        self._store: Store | None = None

    def store(self, parts: Sequence[Part], log: str, *, refusable: bool = True) -> Stored:
        """Store the parts; wait for PostgreSQL as long as it takes.

        Raises Stopping, or NotStorable if PostgreSQL refuses what is in them twice, unless they
        are not `refusable`: then somebody must mend PostgreSQL.
        """
        refusals = 0

        def attempt(store: Store) -> Stored | None:
            nonlocal refusals
            try:
                return store.store(parts, log)
            except _PASSING:
                raise
            except Exception as error:
                if not refusable:
                    raise psycopg.OperationalError(str(error)) from error
                refusals += 1
                if refusals > 1:
                    raise NotStorable(" ".join(str(error).split())[:500]) from error
                _log.warning("storing a batch failed, trying again: %r", error)
                self._drop()
                return None

        while True:
            stored = self._with_store(attempt)
            if stored is not None:
                return stored

    def all_ranges(self) -> list[tuple[str, str, RangeSet]]:
        """Return what is stored of every (device, epoch); raises Stopping."""
        return self._with_store(Store.all_ranges)

    def look(self, horizon: Horizon) -> list[Transition]:
        """See who is silent, if PostgreSQL answers; it is asked again soon."""
        if self._store is None:
            return []
        try:
            return self._store.look(horizon)
        except _PASSING as error:
            _log.debug("PostgreSQL: %s", error)
            self._drop()
            return []

    def close(self) -> None:
        """Close the connection."""
        self._drop()

    def _with_store(self, act: Callable[[Store], T]) -> T:
        wait, said = _FIRST_WAIT_S, ""
        while not self._stopping.is_set():
            try:
                if self._store is None:
                    self._store = self._connect()
                    if not self._store.try_lock():
                        problem = "another stream is writing to this database"
                        raise psycopg.OperationalError(problem)
                done = act(self._store)
            except NotStorable:
                self._drop()
                raise
            except _PASSING as error:
                self._drop()
                line = " ".join(str(error).split())
                if line != said:
                    _log.warning("PostgreSQL: %s; trying again until it goes", line)
                    said = line
                self._stopping.wait(wait)
                wait = min(2 * wait, _LONGEST_WAIT_S)
            else:
                if said:
                    _log.info("PostgreSQL is there again")
                return done
        raise Stopping("asked to stop")

    def _drop(self) -> None:
        if self._store is not None:
            self._store.close()
            self._store = None
