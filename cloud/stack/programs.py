"""What supervisord is to run, as its configuration file. Pure."""

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from cloud.stack.folder import Folder

MARK = "FIELDLINE_SUPERVISED"
"""Environment variable, the data folder, by which whatever was started here is found again."""

UNWRITABLE = frozenset("%;#'\"\\\n\r\t")

FOREVER = 1_000_000
"""supervisord waits one second longer after each failed start, so it never spins."""


@dataclass(frozen=True)
class Program:
    """One supervised process.

    Programs start in the order of `priority` and stop in the opposite. `once`: it may end by
    itself, with status 0, and then stays ended.
    """

    name: str
    command: Sequence[str]
    priority: int
    group: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_signal: str = "TERM"
    stop_seconds: int = 20
    whole_group: bool = False
    """Signal all that it has started, too, when it must be killed."""
    once: bool = False

    @property
    def full_name(self) -> str:
        """What supervisord calls it."""
        return f"{self.group or self.name}:{self.name}"


def supervisor_config(
    folder: Folder, programs: Iterable[Program], *, as_root: bool, open_files: int
) -> str:
    """Return the text of supervisord.conf; every program may have `open_files` open.

    Its format has no way to write every character, so the data folder's path holds none of
    `UNWRITABLE`.
    """
    programs = list(programs)
    sections = [
        _section(
            "unix_http_server",
            {"file": folder.socket, "chmod": "0600"},
        ),
        _section(
            "supervisord",
            {
                "logfile": folder.supervisor_log,
                "logfile_maxbytes": "5MB",
                "logfile_backups": 2,
                "pidfile": folder.supervisor_pid,
                "directory": folder.data,
                "nodaemon": "true",
                "silent": "true",
                "identifier": "fieldline",
                "umask": "077",
                "minfds": open_files,
                "environment": f"{MARK}={_quoted(str(folder.data))}",
                **({"user": "root"} if as_root else {}),
            },
        ),
        _section(
            "rpcinterface:supervisor",
            {"supervisor.rpcinterface_factory": ("supervisor.rpcinterface:make_main_rpcinterface")},
        ),
    ]
    sections += [_program(folder, program) for program in programs]
    groups: dict[str, list[Program]] = {}
    for program in programs:
        if program.group:
            groups.setdefault(program.group, []).append(program)
    for name, members in groups.items():
        sections.append(
            _section(
                f"group:{name}",
                {
                    "programs": ",".join(member.name for member in members),
                    "priority": min(member.priority for member in members),
                },
            )
        )
    return "\n".join(sections)


def _program(folder: Folder, program: Program) -> str:
    keys: dict[str, object] = {
        "command": shlex.join(program.command),
        "priority": program.priority,
        "autostart": "true",
        "autorestart": "unexpected" if program.once else "true",
        "exitcodes": "0",
        "startsecs": 0 if program.once else 2,
        "startretries": FOREVER,
        "stopsignal": program.stop_signal,
        "stopwaitsecs": program.stop_seconds,
        "killasgroup": "true" if program.whole_group else "false",
        "redirect_stderr": "true",
        "stdout_logfile": folder.log(program.name),
        "stdout_logfile_maxbytes": "10MB",
        "stdout_logfile_backups": 3,
    }
    if program.environment:
        keys["environment"] = ",".join(
            f"{key}={_quoted(value)}" for key, value in program.environment.items()
        )
    return _section(f"program:{program.name}", keys)


def _section(name: str, keys: Mapping[str, object]) -> str:
    lines = [f"{key} = {value}" for key, value in keys.items()]
    return "\n".join([f"[{name}]", *lines, ""])


def _quoted(text: str) -> str:
    return f'"{text}"'
