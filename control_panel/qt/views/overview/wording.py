"""What the overview says, in sentences."""

from control_panel.model.attention import Matter, Weight, What
from control_panel.qt import words
from control_panel.qt.texts import tr

MARKS = {Weight.BAD: "failed", Weight.WARNING: "stalled", Weight.NOTICE: "info"}


def weight_word(weight: Weight) -> str:
    """Return how much something matters, for whoever cannot see its mark."""
    return {
        Weight.BAD: tr("Urgent"),
        Weight.WARNING: tr("Soon"),
        Weight.NOTICE: tr("To know"),
    }[weight]


def sentence(matter: Matter) -> str:
    """Say what is the matter."""
    name, count = matter.subject, words.count(matter.count)
    match matter.what:
        case What.STAGE_FAILED:
            return tr("{stage} has failed.").format(stage=_stage(name))
        case What.STAGE_STALLED:
            return tr("{stage} makes no progress.").format(stage=_stage(name))
        case What.STAGE_STOPPED:
            return tr(
                "{stage} is stopped: devices keep their readings until it runs again."
            ).format(stage=_stage(name))
        case What.ALERT:
            return tr("“{rule}” fires for {channel} of {device}.").format(
                rule=name, channel=matter.channel or tr("all channels"), device=matter.status
            )
        case What.ALERTS:
            said = {
                "critical": tr("{count} critical alerts fire, and nobody has acknowledged them."),
                "warning": tr("{count} warnings fire, and nobody has acknowledged them."),
            }.get(matter.status, tr("{count} alerts fire, and nobody has acknowledged them."))
            return said.format(count=count)
        case What.DEVICE:
            return _device(matter.status).format(device=name)
        case What.DEVICES:
            return _devices(matter.status).format(count=count)
        case What.DISK:
            return tr("The server's disk is filling up.")
        case What.BACKUP_OLD:
            return tr("The newest backup is older than a week.")
        case What.NO_BACKUP:
            return tr("There is no backup yet. “fieldline backup” on the server makes one.")
        case What.NO_DEVICE:
            return tr("There is no device yet. Register the first one to see its readings.")


def button(matter: Matter) -> str:
    """Return what the button beside it says."""
    return tr("Register a device") if matter.what is What.NO_DEVICE else tr("Show")


def _stage(name: str) -> str:
    return {
        "broker": tr("The broker"),
        "bridge": tr("The bridge"),
        "kafka": tr("Kafka"),
        "stream": tr("The stream"),
        "postgres": tr("PostgreSQL"),
        "api": tr("The API"),
        "grafana": tr("Grafana"),
    }.get(name, name)


def _device(status: str) -> str:
    return {
        "offline": tr("{device} is offline."),
        "late": tr("{device} is late: its readings have stopped coming."),
        "source failing": tr("A source of {device} fails."),
        "buffer filling": tr("The buffer of {device} is filling up."),
        "clock unknown": tr("The clock of {device} is not set."),
        "never seen": tr("{device} is registered, and has never been seen."),
    }.get(status, tr("{device} needs attention."))


def _devices(status: str) -> str:
    return {
        "offline": tr("{count} devices are offline."),
        "late": tr("{count} devices are late: their readings have stopped coming."),
        "source failing": tr("Sources of {count} devices fail."),
        "buffer filling": tr("The buffers of {count} devices are filling up."),
        "clock unknown": tr("The clocks of {count} devices are not set."),
        "never seen": tr("{count} devices are registered, and have never been seen."),
    }.get(status, tr("{count} devices need attention."))
