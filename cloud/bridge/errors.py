"""What can go wrong in the bridge."""


class BridgeError(Exception):
    """Base of the bridge's errors."""


class FrameRefused(BridgeError):
    """The broker sent bytes that are no MQTT packet; the connection is of no more use."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the broker sent what is no MQTT packet ({reason}); connecting anew")
        self.reason = reason


class LinkFailed(BridgeError):
    """The broker cannot be reached or refuses what the bridge needs; tried again by itself."""

    def __init__(self, broker: str, reason: str) -> None:
        super().__init__(f"MQTT broker {broker}: {reason}")
        self.broker = broker
        self.reason = reason


class LogFailed(BridgeError):
    """Kafka did not take a message or does not answer; tried again by itself."""

    def __init__(self, bootstrap: str, reason: str) -> None:
        super().__init__(f"Kafka {bootstrap}: {reason}")
        self.bootstrap = bootstrap
        self.reason = reason


class SettingsUnusable(BridgeError):
    """The settings are well-formed, but something they name cannot be used."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(f"{key}: {reason}")
        self.key = key
        self.reason = reason
