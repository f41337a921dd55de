"""One server: its session, what is known of it, and what keeps that up to date."""

import time
from collections import deque
from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Signal

from control_panel.client.api import Api, route
from control_panel.client.errors import ClientError, NotKept, NotLoggedIn, Refused
from control_panel.client.inbox import Heard, Link
from control_panel.client.servers import Servers
from control_panel.client.session import Session
from control_panel.model.actions import Registry
from control_panel.model.broadcast import LOOK_ANEW, Broadcast
from control_panel.model.fleet import Fleet
from control_panel.model.history import History
from control_panel.model.live import Live
from control_panel.model.places import Place
from control_panel.model.things import Device, Event, Whoever
from control_panel.qt.dashboards import Dashboards
from control_panel.qt.door import Door
from control_panel.qt.panel import Panel

FRAME_MS = 33
_FRAME_BUDGET_S = 0.012
"""So long a frame takes messages in; what is left waits for the next one."""
_GATHER_MS = 150
_AGAIN_MS = 3_000
_AT_ONCE = 10  # more devices than this are asked for as a whole list
_LINKS = ("events", "live")


class Connected(QObject):
    """Opened once, closed once; in between it connects again by itself whenever it must."""

    links_changed = Signal()
    role_changed = Signal(str)
    logged_out = Signal(str, str)
    """The token is not good any more: what was said, and what to do."""

    def __init__(
        self,
        session: Session,
        servers: Servers,
        door: Door,
        registry: Registry,
        goto: Callable[[Place], None],
    ) -> None:
        super().__init__()
        self.session = session
        self._servers = servers
        self._door = door
        self.links = {name: Link(name, up=False) for name in _LINKS}
        self.since = time.monotonic()
        """Since when the connections are as they are."""
        self._changed = dict.fromkeys(_LINKS, self.since)
        self.dropped = 0
        """Messages of devices that came faster than they could be taken in."""
        self._unkept: NotKept | None = None
        self.panel = Panel(
            api=self.session.api,
            live=Live(),
            fleet=Fleet(),
            events=Broadcast(),
            registry=registry,
            history=History(),
            door=door,
            dashboards=Dashboards(session.api, door),
            clock=session.clock.now,
            goto=goto,
            role=session.server.role,
            serial=session.serial,
        )
        self.panel.events.listen(["device"], self._device_changed)
        self.panel.events.listen(["user", "token"], lambda _: self._ask_who())
        self.panel.events.listen(["ca"], lambda _: self._keep_trust())
        self._waiting: deque[Heard] = deque()
        self._due: set[str] = set()
        self._all_due = False
        self._asking = False
        self._who_due = self._trust_due = False
        self._gather = QTimer(self, singleShot=True, interval=_GATHER_MS)
        self._gather.timeout.connect(self._ask_devices)
        self._again = QTimer(self, singleShot=True, interval=_AGAIN_MS)
        self._again.timeout.connect(self._ask_again)
        self._frames = QTimer(self, interval=FRAME_MS)
        self._frames.timeout.connect(self.take)

    @property
    def up(self) -> bool:
        """Whether both connections are there."""
        return all(link.up for link in self.links.values())

    @property
    def trouble(self) -> ClientError | None:
        """What is the matter although the server answers: with itself, or with this computer."""
        return self.panel.api.trouble or self._unkept

    def lost_for(self, link: str) -> float:
        """For how long `events` or `live` has not been there, in seconds; 0 while it is."""
        return 0.0 if self.links[link].up else time.monotonic() - self._changed[link]

    def open(self) -> None:
        """Begin."""
        self.session.open()
        self._frames.start()

    def close(self) -> None:
        """End; returns at once."""
        for timer in (self._frames, self._gather, self._again):
            timer.stop()
        self.session.close()

    def take(self) -> None:
        """Take in what came since the last frame, and tell whoever shows it."""
        taken = self.session.inbox.take(messages=not self._waiting)
        self._waiting.extend(taken.messages)
        self._hear()
        self.dropped += taken.dropped
        if self.panel.api.trouble is not None and not self._again.isActive():
            self._again.start()
        for event in taken.events:
            self.panel.events.tell(event)
        if taken.look_anew:
            self.panel.events.look_anew()
            self.panel.dashboards.look()
            self._ask_who()
            self._keep_trust()
        if taken.links:
            if any(link.link == "live" and link.up for link in taken.links):
                self.panel.live.begin(round(self.panel.clock().timestamp() * 1e6))
            before, heard = self.up, self.links["events"].up
            for link in taken.links:
                if link.up != self.links[link.link].up:
                    self._changed[link.link] = time.monotonic()
                self.links[link.link] = link
            if self.up != before:
                self.since = time.monotonic()
            if self.links["events"].up != heard:
                what = "lost" if heard else "back"
                self.panel.events.tell(Event(kind="connection", what=what))
            self.links_changed.emit()
        for link in taken.links:
            if link.shut_out:
                self.logged_out.emit(link.said, link.fix)
                return

    def _hear(self) -> None:
        """Take messages in, for as long as a frame may take."""
        live, end = self.panel.live, time.perf_counter() + _FRAME_BUDGET_S
        while self._waiting and time.perf_counter() < end:
            message = self._waiting.popleft()
            live.hear(message.device, message.kind, message.payload, message.received_utc)
        live.tell()

    def _device_changed(self, event: Event) -> None:
        if event.kind == LOOK_ANEW or not event.subject:
            self._all_due = True
        else:
            self._due.add(event.subject)
        if not self._gather.isActive():
            self._gather.start()

    def _ask_devices(self) -> None:
        if self._asking:
            self._gather.start()
            return
        api, names = self.panel.api, sorted(self._due)
        everything = self._all_due or len(names) > _AT_ONCE
        self._due.clear()
        self._all_due = False
        self._asking = True

        def failed(_: ClientError) -> None:
            # Why is said elsewhere; what is not known yet is asked again.
            self._asking = False
            self._due.update(names)
            self._all_due |= everything
            self._again.start()

        def done(found: tuple[list[Device], list[str]]) -> None:
            self._asking = False
            self.panel.fleet.take(*found)

        def all_done(found: list[Device]) -> None:
            self._asking = False
            self.panel.fleet.replace(found)

        if everything:
            self._door.ask(lambda: api.every(route("devices"), Device), all_done, failed, self)
        else:
            self._door.ask(lambda: _some(api, names), done, failed, self)

    def _ask_again(self) -> None:
        """Ask what could not be answered: the server may have been without its database."""
        if self._due or self._all_due:
            self._gather.start()
        if self._who_due or self.panel.api.trouble is not None:
            self._ask_who()
        if self._trust_due:
            self._keep_trust()

    def _ask_who(self) -> None:
        api = self.panel.api

        def done(who: Whoever) -> None:
            self._who_due = False
            if who.role != self.panel.role:
                self.role_changed.emit(who.role)

        def failed(error: ClientError) -> None:
            if isinstance(error, NotLoggedIn):
                self.logged_out.emit(error.said, error.fix)
            else:
                self._who_due = True
                self._again.start()

        self._door.ask(lambda: api.get(route("sessions", "current"), Whoever), done, failed, self)

    def _keep_trust(self) -> None:
        session, servers = self.session, self._servers

        def done(_: None) -> None:
            self._trust_due, self._unkept = False, None

        def failed(error: ClientError) -> None:
            self._unkept = error if isinstance(error, NotKept) else None
            self._trust_due = not isinstance(error, NotLoggedIn)
            self._again.start()

        self._door.ask(lambda: session.keep_trust(servers), done, failed, self)


def _some(api: Api, names: list[str]) -> tuple[list[Device], list[str]]:
    found: list[Device] = []
    gone: list[str] = []
    for name in names:
        try:
            found.append(api.get(route("devices", name), Device))
        except Refused as error:
            if error.status != 404:
                raise
            gone.append(name)
    return found, gone
