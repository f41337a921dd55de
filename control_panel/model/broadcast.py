"""Events of the server, handed to the views that asked for their kind."""

from collections.abc import Callable, Iterable

from control_panel.model.things import Event

Listener = Callable[[Event], None]
LOOK_ANEW = "look anew"
"""The kind that says: events were missed, ask for everything again. Every listener gets it."""


class Broadcast:
    """Whoever listens gets each event of the kinds named, in the window's thread."""

    def __init__(self) -> None:
        self._listeners: list[tuple[frozenset[str], Listener]] = []

    def listen(self, kinds: Iterable[str], listener: Listener) -> Callable[[], None]:
        """Call the listener from now on, until what is returned is called."""
        entry = (frozenset(kinds) | {LOOK_ANEW}, listener)
        self._listeners.append(entry)
        return lambda: self._listeners.remove(entry) if entry in self._listeners else None

    def tell(self, event: Event) -> None:
        """Hand an event on."""
        for kinds, listener in tuple(self._listeners):
            if event.kind in kinds:
                listener(event)

    def look_anew(self) -> None:
        """Say that events were missed."""
        self.tell(Event(kind=LOOK_ANEW))
