"""Events of kind `notification` become notifications on the desktop, not too many at once."""

from collections.abc import Callable
from datetime import datetime

from control_panel.model.alerts import Notification, Pace, notification_of
from control_panel.model.broadcast import Broadcast
from control_panel.model.things import Event
from control_panel.qt import words
from control_panel.qt.texts import tr

Notify = Callable[[str, str], None]


class Notifying:
    """From its making to `close`; `notify` is called with a title and a text."""

    def __init__(
        self,
        events: Broadcast,
        notify: Notify,
        clock: Callable[[], datetime],
        pace: Pace | None = None,
    ) -> None:
        self._notify = notify
        self._clock = clock
        self._pace = pace or Pace()
        self.close = events.listen({"notification"}, self._take)

    def _take(self, event: Event) -> None:
        told = notification_of(event)
        if told is None:
            return
        held = self._pace.let(self._clock())
        if held is not None:
            self._notify(*said(told, held))


def said(told: Notification, held: int) -> tuple[str, str]:
    """Return title and text of a notification on the desktop."""
    title = told.title or {
        "firing": tr("{rule} fires"),
        "resolved": tr("{rule} fires no longer"),
        "test": tr("A test of Fieldline's notifications"),
    }.get(told.what, told.rule).format(rule=told.rule)
    lines = []
    if told.device:
        where = f"{told.device} {told.channel}".strip()
        lines.append(where if told.value is None else f"{where}: {words.number(told.value)}")
    if told.alerts > 1:
        lines.append(tr("and {n} more").format(n=words.count(told.alerts - 1)))
    if held:
        lines.append(tr("{n} notifications before this one were not shown").format(n=held))
    return title, "\n".join(lines)
