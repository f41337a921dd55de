"""Keeps what a source has said of its channels ahead of what it emits."""

from collections.abc import Iterable

from edge_agent.sources.api import Channel, Context


class Announced:
    """The channels of a source that finds out only by reading which ones it has."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._channels: dict[str, Channel] = {}

    def include(self, channels: Iterable[Channel]) -> None:
        """Describe all channels again if one of these is new or has changed."""
        changed = {c.channel: c for c in channels if self._channels.get(c.channel) != c}
        if changed:
            self._channels.update(changed)
            self._context.describe(list(self._channels.values()))

    def __len__(self) -> int:
        return len(self._channels)

    def __contains__(self, channel: str) -> bool:
        return channel in self._channels
