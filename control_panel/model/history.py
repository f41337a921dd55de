"""What can be taken back."""

from collections.abc import Callable

import msgspec

_MOST = 50


class Done(msgspec.Struct, frozen=True):
    """Something that was done: `said` in words, `undo` takes it back."""

    said: str
    undo: Callable[[], None]


class History:
    """The newest acts; what is taken back is gone from it."""

    def __init__(self) -> None:
        self._done: list[Done] = []
        self._listeners: list[Callable[[Done | None], None]] = []

    @property
    def last(self) -> Done | None:
        """What `undo` would take back."""
        return self._done[-1] if self._done else None

    def add(self, said: str, undo: Callable[[], None]) -> None:
        """Something was done that can be taken back."""
        done = Done(said, undo)
        self._done = [*self._done[1 - _MOST :], done]
        self._tell(done)

    def undo(self) -> bool:
        """Take the last back; False if there is nothing."""
        if not self._done:
            return False
        done = self._done.pop()
        done.undo()
        self._tell(None)
        return True

    def clear(self) -> None:
        """Forget all: another server is shown."""
        self._done.clear()
        self._tell(None)

    def listen(self, listener: Callable[[Done | None], None]) -> Callable[[], None]:
        """Call the listener with what was done, or None when something was taken back."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    def _tell(self, done: Done | None) -> None:
        for listener in tuple(self._listeners):
            listener(done)
