"""Everything that a person can do: menu, shortcuts and the palette are made from one registry."""

from collections.abc import Callable

import msgspec

ROLES = ("viewer", "operator", "admin")


def may(role: str, needed: str) -> bool:
    """Whether somebody of a role may do what needs another."""
    return role in ROLES and ROLES.index(role) >= ROLES.index(needed)


class Action(msgspec.Struct, frozen=True):
    """One of them; `menu` is the menu's name, `shortcut` as Qt writes it, e.g. `Ctrl+K`."""

    id: str
    text: str
    run: Callable[[], None]
    menu: str = ""
    shortcut: str = ""
    role: str = "viewer"
    enabled: Callable[[], bool] = lambda: True
    words: str = ""
    """More words by which the palette finds it."""


class Registry:
    """The actions that there are now, by their ids."""

    def __init__(self, role: str = "viewer") -> None:
        self._role = role
        self._actions: dict[str, Action] = {}
        self._listeners: list[Callable[[], None]] = []

    @property
    def actions(self) -> tuple[Action, ...]:
        """All of them, in the order in which they were added."""
        return tuple(self._actions.values())

    @property
    def role(self) -> str:
        """Of who is logged in."""
        return self._role

    def add(self, *actions: Action) -> Callable[[], None]:
        """Add actions; call what is returned to take them away. An id can be there only once."""
        for action in actions:
            if action.id in self._actions:
                raise ValueError(f"there is an action {action.id} already")
            if action.shortcut and any(
                one.shortcut == action.shortcut for one in self._actions.values()
            ):
                raise ValueError(f"{action.shortcut} is taken; {action.id} needs another")
            self._actions[action.id] = action
        self._tell()

        def remove() -> None:
            for action in actions:
                self._actions.pop(action.id, None)
            self._tell()

        return remove

    def become(self, role: str) -> None:
        """Somebody of another role is logged in now."""
        self._role = role
        self._tell()

    def why_not(self, action: Action) -> str:
        """Say why somebody cannot do it now; empty if they can."""
        if not may(self._role, action.role):
            return f"This needs the role {action.role}; you are {self._role}"
        return "" if action.enabled() else "Not possible now"

    def run(self, identity: str) -> bool:
        """Do it; False if that is not possible now."""
        action = self._actions.get(identity)
        if action is None or self.why_not(action):
            return False
        action.run()
        return True

    def find(self, words: str) -> list[Action]:
        """Return the actions that all words are in, those that begin with them first."""
        parts = words.casefold().split()

        def text(action: Action) -> str:
            return f"{action.text} {action.menu} {action.words}".casefold()

        found = [one for one in self._actions.values() if all(part in text(one) for part in parts)]
        if not parts:
            return found
        return sorted(found, key=lambda one: not one.text.casefold().startswith(parts[0]))

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call the listener when there are others, until what is returned is called."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    def _tell(self) -> None:
        for listener in tuple(self._listeners):
            listener()
