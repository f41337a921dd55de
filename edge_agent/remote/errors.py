"""What cannot be done, said to whoever asked for it."""

from edge_agent.errors import AgentError


class RemoteRefused(AgentError):
    """A command or a configuration does not fit this device; the message is the answer."""
