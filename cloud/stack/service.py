"""The stack as a service of this machine: its unit for systemd, and what that is told."""

import os
import pwd
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from cloud.stack import supervision
from cloud.stack.errors import ServerMissing, StackError
from cloud.stack.folder import Folder

USER = "fieldline"
UNIT = "fieldline.service"
TEMPLATE = Path(__file__).resolve().parents[2] / "packaging" / "server" / UNIT
_PLACE = Path("etc/systemd/system") / UNIT
_HOMES = tuple(map(Path, ("/home", "/root", "/run/user")))

Run = Callable[[Sequence[str]], None]
Say = Callable[[str], None]


def unit(folder: Folder, command: Path, user: str = USER) -> str:
    """Return the unit's text."""
    # A folder that is hidden from the service cannot hold its program.
    in_home = any(one.is_relative_to(home) for one in _programs(command) for home in _HOMES)
    values = {
        "COMMAND": str(command),
        "DATA": str(folder.data),
        "USER": user,
        "PROTECT_HOME": "read-only" if in_home else "true",
    }
    text = TEMPLATE.read_text("utf-8")
    for name, value in values.items():
        text = text.replace(f"@{name}@", value.replace("%", "%%"))
    return text


def own_command() -> Path:
    """Return the `fieldline` that this is. Raises StackError."""
    found = Path(sys.executable).with_name("fieldline")
    if not found.exists():
        raise StackError(f"there is no {found}; run `make setup`")
    return found


def install(folder: Folder, command: Path, say: Say, run: Run, root: Path = Path("/")) -> None:
    """Make the user, the data folder and the unit that runs `command`, and enable it.

    Raises StackError, OSError.
    """
    _check_root()
    if supervision.is_up(folder):
        raise StackError(f"a stack runs in {folder.data}; `fieldline down` first")
    _check_reach(command)
    if not _known(USER):
        run(["useradd", "--system", "--user-group", "--home-dir", str(folder.data),
             "--no-create-home", "--shell", "/usr/sbin/nologin", USER])  # fmt: skip
        say(f"made the system user {USER}")
    folder.data.mkdir(parents=True, exist_ok=True, mode=0o755)
    run(["chown", "--recursive", f"{USER}:{USER}", str(folder.data)])
    place = root / _PLACE
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(unit(folder, command), "utf-8")
    place.chmod(0o644)
    say(f"wrote {place}")
    run(["systemctl", "daemon-reload"])
    run(["systemctl", "enable", UNIT])
    say(f"it starts with the machine; now: systemctl start {UNIT}")


def remove(folder: Folder, say: Say, run: Run, root: Path = Path("/")) -> None:
    """Stop the service and take its unit away; the data and the user stay."""
    _check_root()
    place = root / _PLACE
    if not place.exists():
        say(f"there is no {place}")
        return
    run(["systemctl", "disable", "--now", UNIT])
    place.unlink()
    run(["systemctl", "daemon-reload"])
    say(f"removed {place}; {folder.data} and the user {USER} stay")


def run_command(words: Sequence[str]) -> None:
    """Run a command of the system. Raises StackError with what it said."""
    if shutil.which(words[0]) is None:
        raise ServerMissing(words[0], "systemd" if words[0] == "systemctl" else "passwd")
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise StackError(f"{' '.join(words)}: {done.stderr.strip() or done.stdout.strip()}")


def notify(environment: Mapping[str, str], text: str) -> None:
    """Tell systemd, if it is what has started this: sd_notify(3). Never fails."""
    address = environment.get("NOTIFY_SOCKET", "")
    if not address:
        return
    # "@" stands for the NUL of an abstract socket.
    place = f"\0{address[1:]}" if address.startswith("@") else address
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as plain:
            plain.sendto(text.encode(), place)
    except OSError as error:
        print(f"cannot tell systemd {text}: {error.strerror}", file=sys.stderr)


def _check_root() -> None:
    if os.geteuid() != 0:
        raise StackError("only root installs a service; `--print` shows the unit to everybody")


def _programs(command: Path) -> list[Path]:
    """Return the command, and the Python that runs it, which may be anywhere."""
    return [command, command.with_name("python").resolve()]


def _check_reach(command: Path) -> None:
    for program in _programs(command):
        for above in program.parents:
            if not above.stat().st_mode & 0o001:
                raise StackError(
                    f"{program} lies below {above}, where the user {USER} may not enter: install "
                    "Fieldline where everybody may, as in /opt/fieldline, with a Python of the "
                    "system, and run this from there"
                )


def _known(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True
