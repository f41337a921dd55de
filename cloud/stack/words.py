"""Numbers and times as people read them. Pure."""


def ago(then: float | None, now: float) -> str:
    """Say how long ago; a dash if never."""
    if then is None:
        return "-"
    age = now - then
    if age < -1:
        return f"in {span(-age)}"
    return f"{span(max(age, 0.0))} ago"


def span(seconds: float) -> str:
    """Say a length of time in its largest unit."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"


def rate(number: float | None) -> str:
    """Say how many a second."""
    if number is None:
        return "-"
    if number >= 10_000:
        return f"{number / 1000:.0f}k/s"
    if number >= 1000:
        return f"{number / 1000:.1f}k/s"
    return f"{number:.0f}/s" if number >= 10 else f"{number:.1f}/s"


def value(number: float | None, unit: str) -> str:
    """Write a reading with four significant digits and its unit."""
    if number is None:
        return "-"
    if unit in {"B", "B/s"}:
        return _bytes(number, unit)
    whole = abs(number) < 1e9 and (number.is_integer() or abs(number) >= 1e4)
    text = f"{number:.0f}" if whole else f"{number:.4g}"
    shown = _SIGNS.get(unit, unit)
    return f"{text} {shown}" if shown else text


def _bytes(number: float, unit: str) -> str:
    for size, prefix in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(number) >= size:
            return f"{number / size:.3g} {prefix}{unit}"
    return f"{number:.0f} {unit}"


_SIGNS = {"Cel": "°C", "/": "", "/100": "%", "1/s": "/s", "%RH": "%", "deg": "°"}
"""SenML's units that people write otherwise."""
