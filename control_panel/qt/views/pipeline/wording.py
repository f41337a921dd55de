"""What the pipeline's view says about stages, in words."""

from collections.abc import Sequence
from datetime import datetime

from control_panel.model.pipeline import DEVICES, Action, Errand, Step, Why, age
from control_panel.model.things import Pipeline, Stage
from control_panel.qt import words
from control_panel.qt.sentences import heard
from control_panel.qt.texts import tr


def stage_name(name: str) -> str:
    """Return how people call a stage."""
    return {
        DEVICES: tr("Devices"),
        "broker": tr("Broker"),
        "bridge": tr("Bridge"),
        "kafka": tr("Kafka"),
        "stream": tr("Stream"),
        "postgres": tr("PostgreSQL"),
        "api": tr("API"),
        "grafana": tr("Grafana"),
    }.get(name, name)


def purpose(name: str) -> str:
    """Return what a stage is for."""
    return {
        DEVICES: tr("They measure, and keep every reading until it is stored."),
        "broker": tr("Receives what the devices send."),
        "bridge": tr("Takes packs from the broker to Kafka."),
        "kafka": tr("Keeps packs in their order until they are stored."),
        "stream": tr("Checks packs, and stores their readings."),
        "postgres": tr("Holds the readings."),
        "api": tr("Answers this panel and the commands."),
        "grafana": tr("Shows dashboards in the browser."),
    }.get(name, "")


def state_word(state: str) -> str:
    """Return a state as a word."""
    return {
        "running": tr("running"),
        "starting": tr("starting"),
        "stopped": tr("stopped"),
        "stalled": tr("stalled"),
        "failed": tr("failed"),
    }.get(state, state)


def state_meaning(state: str) -> str:
    """Return what a state means, for whoever meets it for the first time."""
    return {
        "running": tr("It makes progress."),
        "starting": tr("It has been started, and does not answer yet."),
        "stopped": tr("Somebody has stopped it."),
        "stalled": tr("It was not stopped, but makes no progress."),
        "failed": tr("It has ended, and was not stopped by anybody."),
    }.get(state, "")


def busy_word(action: str) -> str:
    """Return what is being done with a stage."""
    return {
        "start": tr("being started"),
        "stop": tr("being stopped"),
        "restart": tr("being restarted"),
    }.get(action, action)


def waiting(stage: Stage) -> str:
    """Return how much waits in a stage, short."""
    if stage.lag is None:
        return ""
    if not stage.lag:
        return tr("nothing waits")
    if stage.lag_seconds and stage.lag_seconds >= 1:
        return tr("{n} wait, {span}").format(
            n=words.count(stage.lag), span=words.span(stage.lag_seconds)
        )
    return tr("{n} wait").format(n=words.count(stage.lag))


def description(stage: Stage) -> str:
    """Return a stage in a sentence, for who cannot see its card."""
    said = [f"{stage_name(stage.name)}: {state_word(stage.state)}"]
    if stage.busy:
        said.append(busy_word(stage.busy))
    if stage.reason:
        said.append(heard(stage.reason))
    if lag := waiting(stage):
        said.append(lag)
    return ", ".join(said)


def summary(pipeline: Pipeline, now: datetime) -> tuple[str, str]:
    """Return how the whole is, as a sentence and its tone."""
    stages = pipeline.stages
    bad = [stage for stage in stages if stage.state in {"failed", "stalled"}]
    stopped = [stage for stage in stages if stage.state == "stopped"]
    starting = [stage for stage in stages if stage.state == "starting"]
    newest = min(
        (old for stage in stages if (old := age(stage, pipeline.at, now)) is not None),
        default=None,
    )
    row = (
        tr("No row is stored yet.")
        if newest is None
        else tr("The newest row is from {ago}.").format(ago=words.ago(newest))
    )
    if bad:
        said = " ".join(
            tr("{stage} is {state}: {reason}.").format(
                stage=stage_name(stage.name), state=state_word(stage.state),
                reason=heard(stage.reason) or state_meaning(stage.state),
            )
            for stage in bad
        )  # fmt: skip
        return f"{said} {row}", "bad" if any(one.state == "failed" for one in bad) else "warning"
    if stopped:
        return f"{tr('Stopped: {names}.').format(names=_names(stopped))} {row}", "warning"
    if starting:
        return f"{tr('Coming up: {names}.').format(names=_names(starting))} {row}", "notice"
    return f"{tr('All {n} stages are running.').format(n=len(stages))} {row}", "good"


def _names(stages: Sequence[Stage]) -> str:
    return ", ".join(stage_name(stage.name) for stage in stages)


def why_not(why: Why) -> str:
    """Say why an action is not possible."""
    return {
        Why.VIEWER: tr("You may look, but not start or stop: that takes the role operator."),
        Why.OWN: tr(
            "The API cannot stop itself and answer: use the command fieldline on the server."
        ),
        Why.BUSY: tr("Something is being done with it just now."),
        Why.RUNNING: tr("It runs already."),
        Why.STOPPED: tr("It is stopped."),
        Why.UNKNOWN: tr("The server has not said yet how it is."),
    }[why]


def action_word(action: Action, stage: str) -> str:
    """Return an action on a stage, or on everything if that is empty, as on a button."""
    if not stage:
        return {
            Action.START: tr("Start everything"),
            Action.STOP: tr("Stop everything"),
            Action.RESTART: tr("Restart everything"),
        }[action]
    return {
        Action.START: tr("Start {stage}"),
        Action.STOP: tr("Stop {stage}"),
        Action.RESTART: tr("Restart {stage}"),
    }[action].format(stage=stage_name(stage))


def progress(errand: Errand) -> str:
    """Say what is being done just now."""
    now = [
        {
            Step.STOPPING: tr("{stage} is being stopped"),
            Step.STARTING: tr("{stage} is being started"),
        }[step].format(stage=stage_name(name))
        for name, step in errand.steps.items()
        if step in {Step.STOPPING, Step.STARTING}
    ]
    ended = sum(step in {Step.STARTED, Step.STOPPED, Step.FAILED} for step in errand.steps.values())
    said = ", ".join(now) or tr("Waiting for the server")
    if len(errand.steps) > 1 and errand.action is not Action.RESTART:
        of = tr("{n} of {m}").format(n=ended, m=len(errand.steps))
        return f"{said} … ({of})"
    return f"{said} …"


def result(errand: Errand, stages: dict[str, Stage]) -> tuple[str, str]:
    """Say what came of it, and its tone."""
    failed = [name for name, step in errand.steps.items() if step is Step.FAILED]
    if failed:
        wanted = tr("stopped") if errand.action is Action.STOP else tr("running")
        said = [
            tr("{stage} is not {wanted}: {reason}").format(
                stage=stage_name(name), wanted=wanted,
                reason=errand.reasons.get(name) or tr("the server does not say why"),
            )
            for name in failed
        ]  # fmt: skip
        return " ".join(one if one.endswith(".") else one + "." for one in said), "bad"
    names = ", ".join(stage_name(name) for name in errand.steps)
    many = len(errand.steps) > 1
    if errand.action is Action.STOP:
        text = tr("These are stopped: {names}.") if many else tr("{names} is stopped.")
        return text.format(names=names), "good"
    ended = [name for name in errand.steps if name in stages and stages[name].state == "failed"]
    if ended:
        text = tr("{stage} was started and has ended again: {reason}.")
        return " ".join(
            text.format(stage=stage_name(name), reason=heard(stages[name].reason).rstrip("."))
            for name in ended
        ), "bad"
    coming = [name for name in errand.steps if name in stages and stages[name].state != "running"]
    if coming:
        text = tr("Started; coming up: {names}.")
        return text.format(names=", ".join(map(stage_name, coming))), "notice"
    text = tr("These are running: {names}.") if many else tr("{names} is running.")
    return text.format(names=names), "good"
