"""Packs to an MQTT 5 broker, receipts back."""

from edge_agent import memory

# paho asks it for proxies, and only where PySocks is installed; http and email come with it: 2 MB.
memory.load_later("urllib.request")

from edge_agent.sinks.mqtt.sender import MqttSink  # noqa: E402
from edge_agent.sinks.mqtt.settings import Settings  # noqa: E402

__all__ = ["MqttSink", "Settings"]
