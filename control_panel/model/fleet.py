"""The devices as the server knows them; what they say themselves is in `live`."""

from collections import Counter
from collections.abc import Callable, Iterable
from types import MappingProxyType

from control_panel.model.things import Device

STATUSES = (
    "source failing", "buffer filling", "offline", "late", "clock unknown", "never seen",
    "revoked", "online",
)  # fmt: skip
"""What needs a person most comes first."""
SENDING = frozenset({"online", "clock unknown", "source failing", "buffer filling"})
"""Devices of these are heard, whatever else is the matter with them."""


class Fleet:
    """All devices by name; fed with what the API answers, tells whoever listens what changed."""

    def __init__(self) -> None:
        self._devices: dict[str, Device] = {}
        self._listeners: list[Callable[[frozenset[str]], None]] = []
        self.known = False
        """Whether the whole list has come at least once."""

    @property
    def devices(self) -> MappingProxyType[str, Device]:
        """Every device by its name."""
        return MappingProxyType(self._devices)

    def counts(self) -> Counter[str]:
        """Return how many devices there are of each status."""
        return Counter(device.status for device in self._devices.values())

    def sites(self) -> list[str]:
        """Return the sites that are named, in their order."""
        return sorted({device.site for device in self._devices.values() if device.site})

    def replace(self, devices: Iterable[Device]) -> None:
        """Take the whole list as it is now."""
        before, self._devices = self._devices, {device.name: device for device in devices}
        changed = {
            name
            for name in before.keys() | self._devices.keys()
            if before.get(name) != self._devices.get(name)
        }
        first, self.known = not self.known, True
        if changed or first:
            self._tell(frozenset(changed))

    def take(self, devices: Iterable[Device], gone: Iterable[str] = ()) -> None:
        """Take what was asked anew of some devices; `gone` are those that are no more."""
        changed = set()
        for device in devices:
            if self._devices.get(device.name) != device:
                self._devices[device.name] = device
                changed.add(device.name)
        changed.update(name for name in gone if self._devices.pop(name, None) is not None)
        if changed:
            self._tell(frozenset(changed))

    def listen(self, listener: Callable[[frozenset[str]], None]) -> Callable[[], None]:
        """Call the listener with the names that changed, until what is returned is called."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    def _tell(self, changed: frozenset[str]) -> None:
        for listener in tuple(self._listeners):
            listener(changed)
