"""The durable queue: every pack is on disk from its making until the cloud says it is stored.

`Buffer` is the whole of it for the rest of the agent; `store` holds the rows in SQLite,
`delivery` decides, without any IO, what has to be sent, `snapshot` reads a running agent's
buffer from another process.
"""

from edge_agent.buffer.buffer import Buffer
from edge_agent.buffer.store import Early, NewPack, Quota

__all__ = ["Buffer", "Early", "NewPack", "Quota"]
