"""What can go wrong in the stream."""

from wire.errors import WireError


class StreamError(Exception):
    """Base of the stream's errors."""


class LogAway(StreamError):
    """Kafka cannot be asked for the topics' ids, or does not have the topics yet."""


class NotStorable(StreamError):
    """PostgreSQL refuses what is in a batch; asking again will not help."""


__all__ = ["LogAway", "NotStorable", "StreamError", "WireError"]
