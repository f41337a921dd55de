"""What others may tell this device: commands, and the configuration that it should have."""

from edge_agent.remote.remote import Remote

__all__ = ["Remote"]
