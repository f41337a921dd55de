"""Packs to an MQTT 5 broker, receipts back."""

from edge_agent.sinks.mqtt.sender import MqttSink
from edge_agent.sinks.mqtt.settings import Settings

__all__ = ["MqttSink", "Settings"]
