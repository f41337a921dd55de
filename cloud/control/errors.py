"""What goes wrong in the control plane outside of a request; in one it is a `Problem`."""


class ControlError(Exception):
    """Base of the package."""


class BrokerAway(ControlError):
    """The MQTT broker cannot be told, or did not answer in time."""


class SettingsUnusable(ControlError):
    """The settings name something that cannot be used; the message says what to do."""
