"""`fieldline up`."""

import argparse
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from cloud.stack import database, preflight, supervision
from cloud.stack.client import ApiAway, ApiRefuses, Client
from cloud.stack.commands.people import invite_first
from cloud.stack.errors import SchemaRefused, StackError
from cloud.stack.folder import Folder
from cloud.stack.lock import locked
from cloud.stack.plan import Plan, read_plan
from cloud.stack.prepare import known_devices, prepare
from cloud.stack.screen import draw_within, plain
from cloud.stack.service import notify
from cloud.stack.settings import load
from cloud.stack.status import Observer, StackStatus
from cloud.stack.stopping import clear_leftovers, stop_all
from cloud.stack.waiting import Task, wait_until_ready

_PATIENCE_S = 300.0
_REDRAW_S = 1.0
_PLAIN_S = 30.0


def run(folder: Folder, options: argparse.Namespace) -> int:
    """Start everything, or join what runs; stay until Ctrl-C unless detached."""
    clock = _Clock()
    preflight.check_path(folder)
    preflight.make_folder(folder)
    with _Interrupt() as interrupt:
        started_here = False
        try:
            with locked(folder):
                if supervision.is_up(folder):
                    plan = _join(folder, options, clock.say)
                    task = Task("nothing to prepare", lambda: None)
                else:
                    started_here = True
                    plan, task = _start(folder, options, clock.say)
                observer = Observer(folder, plan)
                with _Screen(plan, folder, live=not options.detach, transient=True) as screen:
                    say = (lambda _line: None) if screen.live else clock.say
                    wait_until_ready(
                        observer,
                        folder,
                        task,
                        say,
                        lambda seen, waiting: screen.show(seen, waiting, interrupt),
                        data_expected=plan.demo and started_here,
                        patience_s=_PATIENCE_S,
                    )
            _invite(plan, clock.say)
            if options.detach:
                observer.close()
                clock.say("leave it running; `fieldline down` stops it")
                return 0
            notify(os.environ, "READY=1")
            with _Screen(plan, folder, live=True) as screen:
                hint = (
                    "Ctrl-C stops everything"
                    if started_here
                    else "Ctrl-C leaves this screen; `fieldline down` stops everything"
                )
                screen.stay(observer, hint, interrupt)
        except _Interrupted:
            print()
        except SchemaRefused:
            if started_here:  # what would go on trying must not write there
                stop_all(folder, clock.say)
            raise
        if not started_here:
            return 0
        notify(os.environ, "STOPPING=1")
        stop_all(folder, clock.say)
    return 0


def _start(
    folder: Folder, options: argparse.Namespace, say: Callable[[str], None]
) -> tuple[Plan, Task]:
    file = Path(options.config).absolute() if options.config else folder.settings
    if options.config and not file.is_file():
        raise StackError(f"there is no settings file {file}")
    settings = load(file)
    preflight.check_disk(folder, say)
    clear_leftovers(folder, say)
    say(f"starting in {folder.data}")
    plan = prepare(folder, settings, demo_too=options.demo)
    supervision.launch(folder)
    devices = known_devices(folder)

    def fill() -> None:
        database.prepare(folder, plan.postgres, settings.retention.days(), say)
        database.register(plan.postgres, devices)

    return plan, Task("its schema is being prepared", fill)


def _join(folder: Folder, options: argparse.Namespace, say: Callable[[str], None]) -> Plan:
    plan = read_plan(folder)
    if (options.demo and not plan.demo) or options.config:
        say("it runs already, with what it was started with; `fieldline down` first to change that")
    else:
        say("it runs already")
    return plan


def _invite(plan: Plan, say: Callable[[str], None]) -> None:
    """Say how the first administrator comes in, as long as there is none."""
    try:
        link = invite_first(Client(plan.api))
    except (ApiAway, ApiRefuses) as error:
        say(f"whether there is an administrator is not known: {error}")
        return
    if link:
        say("no administrator yet; this sets the first one's password, once, here or in the panel:")
        say(f"  fieldline user accept '{link}'")


class _Clock:
    """Says lines with the seconds since it began."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def say(self, line: str) -> None:
        print(f"{time.monotonic() - self._began:6.1f} s  {line}", flush=True)


class _Interrupted(Exception):
    """Somebody wants it to end."""


class _Interrupt:
    """Ctrl-C, a closed terminal or a SIGTERM: the first is obeyed, more of them change nothing."""

    def __init__(self) -> None:
        self.asked = threading.Event()

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._hear)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def _hear(self, number: int, _frame: object) -> None:
        if self.asked.is_set() and number == signal.SIGINT:
            print("it is stopping, in order; this takes some seconds", file=sys.stderr)
        self.asked.set()

    def check(self) -> None:
        """Raise _Interrupted if somebody asked."""
        if self.asked.is_set():
            raise _Interrupted


class _Screen:
    """The live screen on a terminal; lines elsewhere."""

    def __init__(self, plan: Plan, folder: Folder, *, live: bool, transient: bool = False) -> None:
        from rich.console import Console
        from rich.live import Live

        self._plan = plan
        self._folder = folder
        console = Console()
        self.live = live and console.is_terminal
        self._live = (
            Live(console=console, auto_refresh=False, transient=transient) if self.live else None
        )

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def show(self, seen: StackStatus, words: str, interrupt: _Interrupt) -> None:
        """Draw a look at the stack, and a line of words."""
        interrupt.check()
        if self._live:
            from rich.console import Group
            from rich.text import Text

            picture = draw_within(
                seen, self._plan, self._folder, self._live.console, self._live.console.height - 3
            )
            line = Text(words, style="bold")
            self._live.update(Group(picture, Text(), line), refresh=True)

    def stay(self, observer: Observer, hint: str, interrupt: _Interrupt) -> None:
        """Look again and again until interrupted."""
        if not self._live:
            print(hint, flush=True)
        while True:
            seen = observer.look()
            self.show(seen, hint, interrupt)
            if not self._live:
                print(plain(seen), flush=True)
            interrupt.asked.wait(_REDRAW_S if self._live else _PLAIN_S)
            interrupt.check()
