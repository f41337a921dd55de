"""What the view of completeness says, in words."""

from collections import Counter
from collections.abc import Sequence

from PySide6.QtCore import QLocale

from control_panel.model.completeness import Row, Tally, Verdict
from control_panel.model.things import Loss, Verification
from control_panel.qt import words
from control_panel.qt.texts import tr

MARKS = {
    Verdict.MISSING: "failed",
    Verdict.LOST: "stalled",
    Verdict.WAITING: "starting",
    Verdict.COMPLETE: "running",
    Verdict.EMPTY: "stopped",
}


def part_word(kind: str) -> str:
    """Return a piece of a bar as a word."""
    return {
        "stored": tr("stored"),
        "on_device": tr("still on the device"),
        "lost": tr("lost"),
        "missing": tr("not accounted for"),
    }[kind]


def verdict_word(verdict: Verdict) -> str:
    """Return what is to be said of a device in a word or two."""
    return {
        Verdict.MISSING: tr("not accounted for"),
        Verdict.LOST: tr("some lost"),
        Verdict.WAITING: tr("on the way"),
        Verdict.COMPLETE: tr("complete"),
        Verdict.EMPTY: tr("nothing yet"),
    }[verdict]


def percent(tally: Tally) -> str:
    """Return how much is stored; 100 % only if it is all."""
    if not tally.made:
        return words.NONE
    share = tally.share * 100
    if tally.stored < tally.made:
        share = min(share, 99.99)
    digits = 0 if share in {0.0, 100.0} else 2
    return tr("{n} %").format(n=QLocale().toString(share, "f", digits))


def of(tally: Tally) -> str:
    """Return N of M."""
    return tr("{n} of {m}").format(n=words.count(tally.stored), m=words.count(tally.made))


def total(tally: Tally, devices: int) -> str:
    """Say how all devices stand together."""
    if not tally.made:
        return tr("No device has made a pack of readings yet.")
    text = tr("{n} of {m} packs of readings are stored ({percent}), of {devices} devices.")
    said = [
        text.format(
            n=words.count(tally.stored), m=words.count(tally.made), percent=percent(tally),
            devices=words.count(devices),
        )
    ]  # fmt: skip
    said += _rest(tally)
    return " ".join(said)


def _rest(tally: Tally) -> list[str]:
    said = []
    if tally.on_device:
        said.append(
            tr("{n} are still on the device, and come by themselves.").format(
                n=words.count(tally.on_device)
            )
        )
    if tally.lost:
        said.append(
            tr("{n} are lost: the device has said that it no longer has them.").format(
                n=words.count(tally.lost)
            )
        )
    if tally.missing:
        said.append(
            tr("{n} are neither stored, nor on the device, nor lost: that should never be.").format(
                n=words.count(tally.missing)
            )
        )
    return said


def row(one: Row) -> str:
    """Say how a device or an epoch stands."""
    if not one.tally.made:
        return tr("{device} has made no pack yet.").format(device=one.device)
    text = tr("{device}: {of} packs are stored ({percent}).").format(
        device=one.device, of=of(one.tally), percent=percent(one.tally)
    )
    said = [text, *_rest(one.tally)]
    if one.epoch:
        said.append(
            tr("Epoch {epoch}, packs {first} to {last}.").format(
                epoch=one.epoch, first=words.count(one.first_seq), last=words.count(one.last_seq)
            )
        )
    else:
        said.append(
            tr("Its buffer was made anew; each of the {n} epochs is shown below it.").format(
                n=words.count(one.epochs)
            )
        )
    return " ".join(said)


def losses(found: Sequence[Loss]) -> str:
    """Say why packs are lost, the most first; nothing if none are."""
    by_reason: Counter[str] = Counter()
    for one in found:
        by_reason[one.reason] += one.packs
    said = [
        tr("{n} {why}").format(n=words.count(packs), why=loss_reason(reason))
        for reason, packs in by_reason.most_common()
    ]
    return tr("Lost: {reasons}.").format(reasons="; ".join(said)) if said else ""


def loss_reason(reason: str) -> str:
    """Say why packs were lost; the device's own word if it is not known here."""
    known = {
        "quota": tr("thrown away by the device, whose buffer was full"),
        "restore": tr("stored after the backup was taken that was restored"),
        "": tr("for a reason that the device did not say"),
    }
    return known.get(reason) or tr("as the device says: {reason}").format(reason=reason)


def honest() -> str:
    """Say what nobody can read here."""
    return tr(
        "Counted are packs: a device sends its readings in numbered packs, and an epoch begins "
        "when its buffer is made anew. A pack counts on the day of its first reading; one that has "
        "not arrived, on the day whose packs came before it."
    )


def verification(found: Verification) -> tuple[str, str]:
    """Say how a proof goes or what it found, and its tone."""
    when = words.moment(found.begun)
    if found.state == "running":
        return tr("Comparing since {when}, asked for by {who}: {said} …").format(
            when=when, who=found.by, said=found.said
        ), "notice"
    if found.state == "failed":
        return tr("The proof of {when} could not be finished: {said}.").format(
            when=when, said=found.said.rstrip(".")
        ), "bad"
    took = words.span((found.ended - found.begun).total_seconds()) if found.ended else words.NONE
    checked = words.count(found.checked or 0)
    if found.state == "sound":
        return tr(
            "Proved at {when}, in {took}: {checked} aggregates are what the readings give, and "
            "every pack is there exactly once."
        ).format(when=when, took=took, checked=checked), "good"
    return tr(
        "Not sound at {when}: of {checked} aggregates {differing} differ; {missing} packs or "
        "readings are missing, {doubled} are there more than once."
    ).format(
        when=when, checked=checked, differing=words.count(found.differing or 0),
        missing=words.count(found.missing or 0), doubled=words.count(found.doubled or 0),
    ), "bad"  # fmt: skip
