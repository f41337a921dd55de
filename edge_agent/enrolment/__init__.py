"""How a device comes to its key and certificate, and to others later."""

from edge_agent.enrolment.identity import Identity

__all__ = ["Identity"]
