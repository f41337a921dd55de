"""Waveforms as functions of the time alone, so that every run gives the same values."""

import math
from collections.abc import Callable, Iterator

from edge_agent.sources.simulated.settings import Settings, Signal

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15


def channels(signal: Signal) -> Iterator[str]:
    """Name the channels that a signal makes, without the name of the source."""
    if signal.copies == 1:
        yield signal.channel
    else:
        yield from (f"{signal.channel}-{i}" for i in range(1, signal.copies + 1))


def values(settings: Settings) -> list[Callable[[int], float]]:
    """Return one function of time (µs since 1970) to value for each channel, in their order.

    Copies of a signal are spread evenly over its period, so that they differ.
    """
    made: list[Callable[[int], float]] = []
    for signal in settings.signals:
        period = max(round(signal.period_s * 1e6), 1)
        for copy in range(signal.copies):
            shift = period * copy // signal.copies
            seed = (settings.seed << 20) + len(made)
            made.append(_value(signal, period, shift, seed))
    return made


def _value(signal: Signal, period: int, shift: int, seed: int) -> Callable[[int], float]:
    center, amplitude = signal.center, signal.amplitude
    if signal.wave == "sine":
        per_us = 2 * math.pi / period
        return lambda t: center + amplitude * math.sin(((t + shift) % period) * per_us)
    if signal.wave == "ramp":
        rise = 2 * amplitude / period
        return lambda t: center - amplitude + ((t + shift) % period) * rise
    if signal.wave == "square":
        return lambda t: center + (amplitude if 2 * ((t + shift) % period) < period else -amplitude)
    if signal.wave == "noise":
        scale = amplitude / 2**63
        key = seed * _GOLDEN
        return lambda t: center + (_mixed(t + key) - 2**63) * scale
    return lambda _: center


def _mixed(number: int) -> int:
    """Return 64 bits that look random: the finaliser of SplitMix64 (Steele, Lea, Flood 2014)."""
    z = (number * _GOLDEN) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)
