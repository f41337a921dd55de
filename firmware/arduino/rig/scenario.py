"""What happens at a simulated board's pins in the course of time; no IO here.

A scenario is TOML, times in seconds since its start, voltages in volts:

    repeat_s = 600                   # begin anew after so long; without it the end stays
    [[pin]]
    pin = "A3"                       # A0 to A5; VCC is the supply
    volts = [{ at_s = 0, to = 0.3 }, { at_s = 60, to = 1.2, over_s = 20 }]
    noise_v = 0.004                  # standard deviation
    seed = 1
    [[pin]]
    pin = "2"                        # 0 to 13, or A0 to A5
    level = false                    # or a list, as above; pins that are not named are high
    [[type]]                         # at the board's serial monitor, once
    at_s = 2
    line = "calibrate"
"""

import math
import random
from collections.abc import Sequence
from typing import Annotated

import msgspec

from wire.settings import read

ANALOG = ("A0", "A1", "A2", "A3", "A4", "A5", "VCC")
DIGITAL = (*map(str, range(14)), *ANALOG[:-1])

Seconds = Annotated[float, msgspec.Meta(ge=0)]
Volts = Annotated[float, msgspec.Meta(ge=0, le=5.5)]


class Ramp(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From `at_s` on the voltage goes `to` there, evenly for `over_s`; 0 is a step."""

    at_s: Seconds
    to: Volts
    over_s: Seconds = 0.0


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """At `at_s` the level changes."""

    at_s: Seconds
    to: bool


class Pin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One pin: either a voltage or a level, constant or changing."""

    pin: str
    volts: Volts | list[Ramp] | None = None
    level: bool | list[Step] | None = None
    noise_v: Annotated[float, msgspec.Meta(ge=0, le=5)] = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if (self.volts is None) == (self.level is None):
            msg = f"pin {self.pin} needs volts or level, and not both"
            raise ValueError(msg)
        known = ANALOG if self.level is None else DIGITAL
        if self.pin not in known:
            msg = f"there is no pin {self.pin!r} for that; there are {', '.join(known)}"
            raise ValueError(msg)
        for changes in (self.volts, self.level):
            if isinstance(changes, list):
                times = [change.at_s for change in changes]
                if not times or times != sorted(times):
                    msg = f"the changes of pin {self.pin} must be some, in order of at_s"
                    raise ValueError(msg)


class Typed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A line that somebody types at the board's serial monitor, once, repeat or not."""

    at_s: Seconds
    line: Annotated[str, msgspec.Meta(pattern="^[ -~]{1,60}$")]


class Scenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All of a scenario file."""

    pin: list[Pin] = []
    type: list[Typed] = []
    repeat_s: Annotated[float, msgspec.Meta(gt=0)] | None = None


def parse(toml_text: str, *, file: str) -> Scenario:
    """Raise wire.settings.SettingsRefused if the text is no scenario."""
    return read(toml_text, Scenario, file=file)


def volts_at(changes: float | Sequence[Ramp], seconds: float) -> float:
    """Return the voltage; before the first change it is that change's own."""
    if not isinstance(changes, Sequence):
        return changes
    volts = changes[0].to
    ends = [*(ramp.at_s for ramp in changes[1:]), math.inf]
    for ramp, end in zip(changes, ends, strict=True):
        if ramp.at_s <= seconds:  # one that the next cuts short ends where it has got to
            volts = _on_ramp(ramp, volts, min(seconds, end))
    return volts


def _on_ramp(ramp: Ramp, start: float, seconds: float) -> float:
    share = 1.0 if ramp.over_s == 0 else min(1.0, (seconds - ramp.at_s) / ramp.over_s)
    return start + (ramp.to - start) * share


def level_at(changes: bool | Sequence[Step], seconds: float) -> bool:
    """Return the level; before the first change it is that change's own."""
    if isinstance(changes, bool):
        return changes
    level = changes[0].to
    for step in changes:
        if step.at_s <= seconds:
            level = step.to
    return level


class Player:
    """Says what the pins are at, with noise; the same seed gives the same noise."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self._noise = [random.Random(pin.seed) for pin in scenario.pin]  # noqa: S311 - no secret

    def pins_at(self, elapsed_s: float) -> dict[str, float | bool]:
        """Return volts of analog pins and levels of digital ones."""
        seconds = elapsed_s
        if self.scenario.repeat_s is not None:
            seconds %= self.scenario.repeat_s
        pins: dict[str, float | bool] = {}
        for pin, noise in zip(self.scenario.pin, self._noise, strict=True):
            if pin.volts is not None:
                volts = volts_at(pin.volts, seconds)
                if pin.noise_v > 0:
                    volts += noise.gauss(0, pin.noise_v)
                pins[pin.pin] = round(max(0.0, volts), 4)
            elif pin.level is not None:
                pins[pin.pin] = level_at(pin.level, seconds)
        return pins

    def typed_between(self, after_s: float, until_s: float) -> list[str]:
        """Return the lines typed after the one moment and until the other."""
        return [typed.line for typed in self.scenario.type if after_s < typed.at_s <= until_s]
