"""Takes commands and desired configuration, does what they say, and answers.

A thread of its own: no command, however long, holds up the connection or the readings.
"""

import logging
import queue
import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import msgspec
from msgspec import UNSET

from edge_agent.errors import AgentError
from edge_agent.remote import state as state_file
from edge_agent.remote.errors import RemoteRefused
from edge_agent.remote.plan import Sources, check_source, plan, take, tell, with_interval
from edge_agent.remote.state import State
from edge_agent.runner import Runner
from edge_agent.sources import open_source
from edge_agent.sources.api import Identifiable
from wire import command as commands
from wire import topics
from wire.command import Command, Reply
from wire.configuration import (
    Reported,
    SourceConfiguration,
    decode_desired,
    encode_reported,
    version_of,
)
from wire.errors import WireError

_log = logging.getLogger(__name__)


class Keys(Protocol):
    """The device's key and certificate, where they can be exchanged."""

    def request(self) -> str:
        """Make a new key; return its certificate request, PEM."""

    def exchange(self, certificate: str, ca: str) -> None:
        """Use the new key if a connection with it works; raises AgentError and changes nothing."""


class Message(NamedTuple):
    """What is to be published."""

    topic: str
    payload: bytes
    retain: bool


class Remote:
    """Told by the sink's thread, asked by it for what to publish; acts in a thread of its own."""

    def __init__(
        self,
        device: str,
        folder: Path,
        sources: Sources,
        runners: Sequence[Runner],
        *,
        now: Callable[[], float],
        wake: Callable[[], None],
        restart: Callable[[], None],
        diagnose: Callable[[], list[dict[str, Any]]],
        keys: Keys,
    ) -> None:
        """`now` in seconds since 1970; `wake` makes the sink ask for what to publish."""
        self._device = device
        self._folder = folder
        self._sources = sources
        self._runners = {runner.name: runner for runner in runners}
        self._now = now
        self._wake = wake
        self._restart = restart
        self._diagnose = diagnose
        self._keys = keys
        self._state = state_file.load(folder)
        self._said: tuple[int, str] = (self._state.desired.version, "")
        self._plan: dict[str, SourceConfiguration] = {}
        self._inbox: queue.SimpleQueue[tuple[topics.Kind, bytes] | None] = queue.SimpleQueue()
        self._outbox: deque[Message] = deque()
        self._thread = threading.Thread(target=self._run, name="remote", daemon=True)
        self.revoked = self._state.revoked is not None
        """Shut out, as far as the device knows: nothing is read, and nothing sent."""
        self._apply()

    # -- called by the sink's thread -----------------------------------------------------------

    @property
    def kinds(self) -> Sequence[topics.Kind]:
        """What to subscribe to."""
        return topics.Kind.CMD, topics.Kind.CONFIG_DESIRED

    def take(self, kind: topics.Kind, payload: bytes) -> None:
        """Take a message; never waits."""
        self._inbox.put((kind, payload))

    def next_message(self) -> Message | None:
        """Return what is to be published next."""
        return self._outbox.popleft() if self._outbox else None

    @property
    def has_message(self) -> bool:
        """Whether something is to be published."""
        return bool(self._outbox)

    def connected(self) -> None:
        """The broker has let the device in: say what holds, as it may have forgotten it."""
        self.revoked = False
        self._inbox.put((topics.Kind.CONFIG_REPORTED, b""))

    # -- the thread ----------------------------------------------------------------------------

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Take nothing more. What is being done is not waited for: it may last."""
        self._inbox.put(None)

    def _run(self) -> None:
        while (message := self._inbox.get()) is not None:
            kind, payload = message
            match kind:
                case topics.Kind.CMD:
                    self._command(payload)
                case topics.Kind.CONFIG_DESIRED:
                    self._desired(payload)
                case topics.Kind.CONFIG_REPORTED:
                    self._welcome()

    def _welcome(self) -> None:
        if self._state.revoked is not None:
            state = msgspec.structs.replace(self._state, revoked=None)
            try:
                self._keep(state)
            except RemoteRefused as error:
                _log.warning("%s", error)
                self._state = state
            self._apply()
        self._report()

    def _publish(self, kind: topics.Kind, payload: bytes, *, retain: bool) -> None:
        self._outbox.append(Message(f"{topics.ROOT}/{self._device}/{kind}", payload, retain))
        self._wake()

    def _keep(self, state: State) -> None:
        """Write the state, then let it hold; raises RemoteRefused if the disk takes no writes."""
        try:
            state_file.save(self._folder, state)
        except OSError as error:
            raise RemoteRefused(
                f"cannot write {self._folder / state_file.FILE}: {error.strerror}; nothing was done"
            ) from None
        self._state = state

    # -- desired configuration -----------------------------------------------------------------

    def _desired(self, payload: bytes) -> None:
        if not payload:
            return  # the retained message was taken away; what holds, holds
        version = version_of(payload) or self._said[0]
        try:
            desired = decode_desired(payload)
            state = take(self._state, desired, self._sources)
            if state != self._state:
                self._keep(state)
        except (WireError, RemoteRefused) as error:
            _log.warning("a configuration was refused: %s", error)
            self._said = (version, str(error)[:8192])
        else:
            self._said = (version, "")
            self._apply()
        self._report()

    def _report(self) -> None:
        version, error = self._said
        reported = Reported(version, not error, error, self._plan)
        self._publish(topics.Kind.CONFIG_REPORTED, encode_reported(reported), retain=True)

    def _apply(self) -> None:
        """Bring the runners to what holds."""
        before, self._plan = self._plan, plan(self._state, self._sources)
        for name, source in self._plan.items():
            runner, settings = self._runners[name], self._sources[name]
            old = before.get(name)
            if old is None or old.interval_s != source.interval_s:
                if source.interval_s is not UNSET:
                    settings = with_interval(name, settings, source.interval_s)
                if old is not None or settings != self._sources[name]:
                    runner.reopen(lambda settings=settings: open_source(settings))  # type: ignore[misc]
            runner.calibrate({f"{name}/{c}": by for c, by in source.calibration.items()})
            runner.switch(on=source.on is True)

    # -- commands ------------------------------------------------------------------------------

    def _command(self, payload: bytes) -> None:
        try:
            command = commands.decode_command(payload)
        except WireError as error:
            _log.warning("a command that cannot be read: %s", error)
            return  # without an id nobody waits for an answer
        reply = self._state.reply(command.id)
        if reply is not None:
            self._answer(reply)
            return
        after: Callable[[], None] | None = None
        before = self._state
        try:
            result, after = self._do(command)
        except (WireError, AgentError) as error:
            reply = self._reply(command, ok=False, error=str(error)[:8192])
        else:
            reply = self._reply(command, ok=True, result=result)
        _log.info("command %s (%s): %s", command.command, command.id, reply.error or "done")
        try:
            self._keep(self._state.with_reply(reply))
        except RemoteRefused as error:
            # Not remembered means: done again if it comes again. So it is taken back instead.
            self._state, after = before, None
            reply = self._reply(command, ok=False, error=str(error))
        else:
            if self._state.told != before.told or self._state.sampling != before.sampling:
                self._apply()
                self._report()
        self._answer(reply)
        if after is not None:
            after()

    def _reply(
        self, command: Command, *, ok: bool, result: dict[str, Any] | None = None, error: str = ""
    ) -> Reply:
        return Reply(command.id, ok, self._now(), result, error)

    def _answer(self, reply: Reply) -> None:
        self._publish(topics.Kind.CMD_REPLY, commands.encode_reply(reply), retain=False)

    def _do(self, command: Command) -> tuple[dict[str, Any], Callable[[], None] | None]:
        """Do it; return the result, and what is to follow once the answer is on its way."""
        late = self._now() - command.expires if command.expires is not None else 0.0
        if late > 0:
            raise RemoteRefused(
                f"the command came {late:.1f} s too late and was not done; send it again"
            )
        match commands.arguments_of(command):
            case commands.Sampling(on, source):
                return self._sampling(on, source), None
            case commands.Interval(source, interval_s):
                check_source(source, self._sources)
                with_interval(source, self._sources[source], interval_s)
                self._state = tell(self._state, source, interval_s=interval_s)
                return {}, None
            case commands.Identify(source):
                return {"boards": self._identify(source)}, None
            case commands.Restart():
                return {}, self._restart
            case commands.Diagnose():
                return {"checks": self._diagnose()}, None
            case commands.Csr():
                return {"pem": self._keys.request()}, None
            case commands.Certificate(pem, ca):
                self._keys.exchange(pem, ca)
                return {}, None
            case commands.Revoked(reason):
                self._state = msgspec.structs.replace(self._state, revoked=reason)
                return {}, self._end
        raise AssertionError(command)

    def _sampling(self, on: bool, source: str | None) -> dict[str, Any]:
        if source is None:
            self._state = msgspec.structs.replace(self._state, sampling=on)
        else:
            check_source(source, self._sources)
            if on and not self._state.sampling:
                raise RemoteRefused(
                    "sampling is off for the device as a whole; switch that on (no `source`) first"
                )
            self._state = tell(self._state, source, on=on)
        return {name: s.on is True for name, s in plan(self._state, self._sources).items()}

    def _identify(self, name: str | None) -> list[str]:
        """Blink; return the sources whose boards do."""
        if name is not None:
            check_source(name, self._sources)
        asked = self._runners if name is None else {name: self._runners[name]}
        blinking = []
        for runner in asked.values():
            source = runner.source()
            if isinstance(source, Identifiable):
                source.identify()
                blinking.append(runner.name)
        if not blinking:
            seen = ", ".join(
                f"{runner.name} ({runner.kind}, {runner.status().state})"
                for runner in asked.values()
            )
            raise RemoteRefused(f"there is no board with an LED to blink: {seen or 'no sources'}")
        return blinking

    def _end(self) -> None:
        # What would be read on could only push out what is kept, once the buffer is full.
        _log.warning("revoked: nothing more is read or sent; the readings are kept")
        self._apply()
        self.revoked = True
        self._wake()
