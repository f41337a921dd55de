"""Checks of the machine and of the data folder. Nothing has to run for them."""

import ctypes
import errno
import os
from pathlib import Path

from cloud.stack import java
from cloud.stack import settings as wanted
from cloud.stack.doctor.checkup import Doubtful, Wrong
from cloud.stack.doctor.stack import Stack
from cloud.stack.errors import JavaMissing
from wire.settings import SettingsRefused

_FULL_BYTES, _NEARLY_FULL_BYTES = 1_000_000_000, 5_000_000_000
_LITTLE_MEMORY_BYTES = 300_000_000
_UNSYNCHRONISED = 5  # TIME_ERROR, adjtimex(2)


def settings(stack: Stack) -> str:
    """Read fieldline.toml as the next `up` will."""
    file = stack.folder.settings
    try:
        wanted.load(file)
    except (SettingsRefused, OSError) as error:
        raise Wrong(str(error), f"mend {file}; what runs still goes by what it was") from None
    return f"{file} is sound" if file.exists() else "there is no fieldline.toml: all is as usual"


def secrets(stack: Stack) -> str:
    """See that nobody else can read what only we may."""
    folder = stack.folder
    secret = [folder.secrets, *sorted(folder.secrets.iterdir()), *sorted(folder.tls.glob("*.key"))]
    for file in secret:
        mode = file.stat().st_mode & 0o777
        if mode & 0o077:
            right = "0700" if file.is_dir() else "0600"
            raise Wrong(
                f"{file} can be read by other users of this machine (mode {mode:04o})",
                f"chmod {right} {file}; if others may have read it, draw what is in it anew: "
                "delete it, then `fieldline down` and `fieldline up`",
            )
    needed = [Path(stack.plan.api.token_file), folder.secret("accounts.json")]
    needed += [stack.plan.postgres.password_file(f"fieldline_{role}")
               for role in ("stream", "control", "reader")]  # fmt: skip
    for file in needed:
        if not file.exists():
            raise Wrong(
                f"{file} is missing",
                "`fieldline down`, then `fieldline up` draws it anew, but for accounts.json, "
                "which the API writes anew from its registry",
            )
    return f"{len(secret)} secrets, readable by their owner alone"


def disk(stack: Stack) -> str:
    """See how much room there is."""
    found = os.statvfs(stack.folder.data)
    return judge_disk(str(stack.folder.data), found.f_bavail * found.f_frsize)


def judge_disk(where: str, free: int) -> str:
    """Say whether so many free bytes are enough."""
    said = f"{free / 1e9:.1f} GB are free where {where} is"
    fix = "make room, let less be kept ([retention] in fieldline.toml), or move to a larger disk"
    if free < _FULL_BYTES:
        raise Wrong(f"only {said}: PostgreSQL and Kafka stop when it is full", fix)
    if free < _NEARLY_FULL_BYTES:
        raise Doubtful(f"only {said}", fix)
    return said


def writable(stack: Stack) -> str:
    """See whether the data folder takes a file."""
    data = stack.folder.data
    trial = data / f".doctor-{os.getpid()}"
    try:
        trial.write_bytes(b"x")
        trial.unlink()
    except OSError as error:
        fix = "run this as the user whom the folder belongs to, or give it back with chown"
        if error.errno == errno.EROFS:
            fix = (
                "the kernel makes a damaged disk read-only: see `dmesg`; check or replace the disk"
            )
        elif error.errno == errno.ENOSPC:
            fix = "make room: not even an empty file fits (`df`, and `df -i` for inodes)"
        raise Wrong(f"{data} cannot be written to: {error.strerror}", fix) from None
    return f"{data} can be written to"


def memory(_: Stack) -> str:
    """See how much memory is left."""
    lines = Path("/proc/meminfo").read_text("utf-8").splitlines()
    sizes = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines}
    return judge_memory(sizes["MemAvailable"])


def judge_memory(available: int) -> str:
    """Say whether so many bytes are enough."""
    said = f"{available / 1e6:,.0f} MB of memory are available"
    if available < _LITTLE_MEMORY_BYTES:
        raise Doubtful(f"only {said}", "stop other programs, or give the machine more memory")
    return said


def clock(_: Stack) -> str:
    """See whether something sets this machine's clock."""
    # struct timex is 208 bytes at most; a mode of 0 only reads.
    state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(512))
    return judge_clock(state)


def judge_clock(state: int) -> str:
    """Say what the kernel's word about its clock (adjtimex(2)) means."""
    if state == _UNSYNCHRONISED:
        raise Doubtful(
            "nothing sets this machine's clock: when readings were received may be wrong",
            "apt install systemd-timesyncd (or chrony), and let it reach a time server",
        )
    return "the clock is synchronised"


def jvm(stack: Stack) -> str:
    """See whether there is the Java that Kafka and Spark need at their next start."""
    try:
        found = java.find(stack.environment)
    except JavaMissing as error:
        raise Wrong(str(error), "install openjdk-17-jre-headless, or let JAVA_HOME name it") from (
            None
        )
    return f"Java {java.version(found)} at {found}"
