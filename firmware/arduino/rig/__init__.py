"""A simulated Arduino Uno: the compiled sketch in simavr, its serial port a pty."""

from firmware.arduino.rig.rig import Rig

__all__ = ["Rig"]
