"""The data folder: where everything of one stack is (docs/protocols.md, Data folder)."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


def default_data(environment: Mapping[str, str], uid: int) -> Path:
    """Choose the data folder when none is named: the same for every command."""
    if named := environment.get("FIELDLINE_DATA"):
        return Path(named)
    if uid == 0:
        return Path("/var/lib/fieldline")
    home = Path(environment.get("HOME") or "~").expanduser()
    return Path(environment.get("XDG_DATA_HOME") or home / ".local" / "share") / "fieldline"


@dataclass(frozen=True)
class Folder:
    """Names the files; makes none."""

    data: Path

    @property
    def settings(self) -> Path:
        """`fieldline.toml`."""
        return self.data / "fieldline.toml"

    @property
    def secrets(self) -> Path:
        """One secret a file, mode 0700."""
        return self.data / "secrets"

    @property
    def tls(self) -> Path:
        """The CA and the broker's certificate."""
        return self.data / "tls"

    @property
    def logs(self) -> Path:
        """One log a program."""
        return self.data / "logs"

    @property
    def run(self) -> Path:
        """What is made anew at each start."""
        return self.data / "run"

    @property
    def agents(self) -> Path:
        """Agents run on this machine."""
        return self.data / "agents"

    @property
    def socket(self) -> Path:
        """supervisord's socket."""
        return self.run / "supervisor.sock"

    @property
    def supervisor_config(self) -> Path:
        """What supervisord runs."""
        return self.run / "supervisord.conf"

    @property
    def supervisor_log(self) -> Path:
        """What supervisord did."""
        return self.logs / "supervisord.log"

    @property
    def supervisor_pid(self) -> Path:
        """supervisord's process."""
        return self.run / "supervisord.pid"

    @property
    def lock(self) -> Path:
        """Held by an `up` that is starting."""
        return self.run / "up.lock"

    @property
    def plan(self) -> Path:
        """What the last `up` decided: addresses, stages. The other commands read it."""
        return self.run / "plan.json"

    @property
    def samples(self) -> Path:
        """Counters as the last commands saw them, so that the next one can tell rates."""
        return self.run / "samples.json"

    @property
    def unrecorded(self) -> Path:
        """Acts that wait for the database to be recorded in the audit."""
        return self.data / "unrecorded.jsonl"

    def secret(self, name: str) -> Path:
        """Name the file of a secret."""
        return self.secrets / name

    def progress(self, stage: str) -> Path:
        """Name a stage's progress file."""
        return self.run / f"{stage}.json"

    def config(self, stage: str) -> Path:
        """Name a stage's generated settings."""
        return self.run / f"{stage}.toml"

    def log(self, program: str) -> Path:
        """Name a program's log."""
        return self.logs / f"{program}.log"

    def agent(self, device: str) -> Path:
        """Name an agent's folder."""
        return self.agents / device


def find(named: str | None) -> Folder:
    """Name the folder of this command."""
    chosen = Path(named) if named else default_data(os.environ, os.geteuid())
    return Folder(chosen.expanduser().absolute())
