"""Opens the demonstration: a session like that of a server."""

from control_panel.client.api import Api
from control_panel.client.clock import Clock
from control_panel.client.demo.answers import CA, Answers
from control_panel.client.demo.board import RECORDED
from control_panel.client.demo.recording import Recording
from control_panel.client.demo.replay import Replay
from control_panel.client.demo.scene import read
from control_panel.client.demo.server import RecordedServer
from control_panel.client.inbox import Inbox
from control_panel.client.servers import Server
from control_panel.client.session import Session

SERVER = Server("https://recorded-data", CA, "visitor", "admin")
"""Whose it seems to be."""


def session(now_utc: int | None = None) -> Session:
    """Return it; at a time in µs at which its clock stands still, if one is given."""
    clock = Clock() if now_utc is None else Clock(now_utc / 1e6)
    scene = read()
    recording = Recording(clock.now_utc())

    def hearing(_: Api, inbox: Inbox) -> Replay:
        return Replay(scene, recording, clock, inbox)

    answers = Answers(scene, recording, clock)
    return Session(
        SERVER, "", connections=RecordedServer(answers, clock), hearing=hearing, serial=RECORDED
    )
