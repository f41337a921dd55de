"""What the view of alerts says, in words."""

from collections.abc import Sequence
from datetime import datetime

from control_panel.model.alerts import Wrong
from control_panel.model.things import Alert, Episode, NotificationTarget, Preview, Rule, Snooze
from control_panel.qt import words
from control_panel.qt.texts import tr


def severity_word(severity: str) -> str:
    """Return how bad it is."""
    return {
        "critical": tr("critical"),
        "warning": tr("warning"),
        "info": tr("info"),
    }.get(severity, severity)


def kind_word(kind: str) -> str:
    """Return a kind of rule."""
    return {
        "threshold": tr("Value beyond a threshold"),
        "rate": tr("Change a second beyond a threshold"),
        "no data": tr("No reading for some time"),
    }.get(kind, kind)


def condition(rule: Rule) -> str:
    """Return what a rule watches for, as a sentence without its end."""
    if rule.kind == "no data":
        return tr("no reading for {span}").format(span=words.span(rule.window_s))
    what = tr("change a second") if rule.kind == "rate" else tr("value")
    side = tr("above") if rule.direction == "above" else tr("below")
    text = f"{what} {side} {words.number(rule.threshold)}"
    if rule.for_s:
        text = tr("{condition} for {span}").format(condition=text, span=words.span(rule.for_s))
    return text


def about(rule: Rule) -> str:
    """Return which channels a rule is about."""
    parts = [
        text.format(name=name)
        for text, name in (
            (tr("device {name}"), rule.device),
            (tr("channel {name}"), rule.channel),
            (tr("site {name}"), rule.site),
        )
        if name
    ]
    return ", ".join(parts) or tr("every channel")


def wrong(reason: Wrong) -> str:
    """Say what is wrong with a field, and what to write."""
    return {
        Wrong.MISSING: tr("This is needed."),
        Wrong.NO_NUMBER: tr("This is no number. Write one such as 50 or -3.5."),
        Wrong.NO_SPAN: tr("This is no stretch of time. Write one such as 30 s, 10 min or 2 h."),
        Wrong.TOO_LONG_A_SPAN: tr("At most 31 days."),
        Wrong.NOT_PRINTABLE: tr("Only characters that can be seen."),
        Wrong.TOO_LONG: tr("This is too long."),
        Wrong.WRONG_SIDE: tr(
            "The alert would end where it still fires: put this on the good side of the threshold."
        ),
        Wrong.ZERO: tr("More than nothing, please."),
    }[reason]


def value(number: float | None) -> str:
    """Return a value; silence has none."""
    return words.NONE if number is None else words.number(number)


def pending(number: int) -> str:
    """Say that more may fire soon."""
    if number == 1:
        return tr("One more channel is beyond its threshold, but not yet for long enough.")
    return tr("{n} more channels are beyond their thresholds, but not yet for long enough.").format(
        n=words.count(number)
    )


def subject(alert: Alert | Episode) -> str:
    """Return what an alert is about, in a few words."""
    return tr("{rule} at {device} {channel}").format(
        rule=alert.rule, device=alert.device, channel=alert.channel
    )


def subjects(alerts: Sequence[Alert]) -> str:
    """Return what alerts are about: the first, and how many more."""
    first = subject(alerts[0])
    if len(alerts) == 1:
        return first
    return tr("{first} and {n} more").format(first=first, n=words.count(len(alerts) - 1))


def lasted(began: datetime, ended: datetime | None, now: datetime) -> str:
    """Return how long something fired."""
    return words.span(((ended or now) - began).total_seconds())


def snoozed(snooze: Snooze, rules: dict[int, str]) -> str:
    """Return what is held back, and until when."""
    parts = [
        rules.get(snooze.rule, "") if snooze.rule is not None else "",
        snooze.device or "", snooze.channel or "",
    ]  # fmt: skip
    what = " ".join(part for part in parts if part) or tr("everything")
    text = tr("{what}: nobody is told until {until} (by {who})")
    return text.format(what=what, until=words.moment(snooze.until), who=snooze.by)


def preview(found: Preview, days: int) -> str:
    """Say how often a rule would have fired."""
    if not found.channels:
        return tr(
            "No channel fits that has said anything in the last {days} days: "
            "are device, channel and site as they are called?"
        ).format(days=days)
    text = (
        tr("{readings} stored readings of one channel")
        if found.channels == 1
        else tr("{readings} stored readings of {channels} channels")
    )
    on = text.format(readings=words.count(found.readings), channels=words.count(found.channels))
    if not found.episodes:
        return tr("It would not have fired in the last {days} days, on {on}.").format(
            days=days, on=on
        )
    times = (
        tr("once") if found.episodes == 1 else tr("{n} times").format(n=words.count(found.episodes))
    )
    return tr(
        "It would have fired {times} in the last {days} days, for {span} in all, on {on}."
    ).format(times=times, days=days, span=words.span(found.firing_s), on=on)


def target_kind(target: NotificationTarget) -> str:
    """Return how a target is told."""
    if target.email is not None:
        return tr("e-mail to {who}").format(who=", ".join(target.email.to))
    if target.webhook is not None:
        return tr("webhook {url}").format(url=target.webhook.url)
    return tr("every open panel")
