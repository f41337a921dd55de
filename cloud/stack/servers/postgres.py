"""PostgreSQL: crash-safe, small, reached over TCP on loopback with SCRAM passwords alone.

PostgreSQL refuses to run as root. Started by root, it runs as a system user made for it, which
owns its folder and nothing else.
"""

import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from cloud.stack import ports, secret_files
from cloud.stack.errors import ServerMissing, StackError
from cloud.stack.folder import Folder
from cloud.stack.servers import becoming

USER = "fieldline-postgres"
SUPERUSER = "postgres"
OWNER = "fieldline_owner"
DATABASE = "fieldline"
_LEAST_VERSION = 15
_INSTALLED = Path("/usr/lib/postgresql")

_SETTINGS = """\
# Written at each start; put settings of your own into postgresql.conf.
listen_addresses = '{host}'
port = {port}
unix_socket_directories = ''
password_encryption = 'scram-sha-256'
max_connections = 60
shared_buffers = 64MB
work_mem = 8MB
maintenance_work_mem = 64MB
effective_cache_size = 512MB
max_wal_size = 1GB
wal_compression = on
checkpoint_completion_target = 0.9
synchronous_commit = on
fsync = on
full_page_writes = on
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] %u '
log_destination = 'stderr'
logging_collector = off
max_wal_senders = 0
wal_level = minimal
autovacuum_naptime = 20s
"""


def find(program: str, installed: Path = _INSTALLED) -> Path:
    """Return a PostgreSQL program of the newest version there is. Raises ServerMissing."""
    versions = sorted(
        (int(folder.name), folder / "bin" / program)
        for folder in installed.glob("*")
        if folder.name.isdigit() and int(folder.name) >= _LEAST_VERSION
    )
    for _, path in reversed(versions):
        if path.exists():
            return path
    on_path = shutil.which(program)
    if on_path:
        return Path(on_path)
    raise ServerMissing(f"PostgreSQL {_LEAST_VERSION} or newer ({program})", "postgresql-15")


def prepare(folder: Folder) -> list[str]:
    """Make the cluster if there is none, and return the server's command.

    Raises StackError.
    """
    own = folder.data / "postgres"
    port = ports.choose(folder.data / "ports.json", ["postgres"])["postgres"]
    prefix = _become(own) if os.geteuid() == 0 else []
    own.mkdir(parents=True, exist_ok=True)
    own.chmod(0o700)
    _give(own)
    if not (own / "PG_VERSION").exists():
        _make_cluster(folder, own, prefix)
    settings = own / "fieldline.conf"
    settings.write_text(_SETTINGS.format(host=ports.HOST, port=port))
    _give(settings)
    return [*prefix, str(find("postgres")), "-D", str(own)]


def _become(own: Path) -> list[str]:
    """Return the words that make a command run as the system user."""
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise ServerMissing("setpriv", "util-linux")
    try:
        pwd.getpwnam(USER)
    except KeyError:
        _make_user()
    words = [setpriv, "--reuid", USER, "--regid", USER, "--init-groups"]
    if not _may_reach(own.parent):
        # A folder above ours lets nobody but its owner in (/root, or one of mktemp). We do not
        # open other people's folders: the server gets leave to pass through them.
        leave = "+dac_read_search"
        words += ["--inh-caps", leave, "--ambient-caps", leave]
    return [*words, "--"]


def _may_reach(folder: Path) -> bool:
    blocked = [one for one in [folder, *folder.parents] if one.exists() and not _open_to_all(one)]
    if blocked == [folder]:
        folder.chmod(folder.stat().st_mode | 0o011)  # ours: may be passed through, not read
        return True
    return not blocked


def _open_to_all(folder: Path) -> bool:
    return bool(folder.stat().st_mode & 0o001)


def _make_user() -> None:
    done = subprocess.run(
        ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent",
         "--shell", "/usr/sbin/nologin", USER],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode not in {0, 9}:  # 9: somebody made it meanwhile
        raise StackError(
            f"PostgreSQL may not run as root, and the system user {USER} cannot be made: "
            f"{done.stderr.strip()}; make it by hand (useradd --system --user-group {USER}), or "
            "run fieldline as a user other than root"
        )


def _give(path: Path) -> None:
    if os.geteuid() == 0:
        user = pwd.getpwnam(USER)
        os.chown(path, user.pw_uid, user.pw_gid)


def _make_cluster(folder: Folder, own: Path, prefix: Sequence[str]) -> None:
    for left in own.iterdir():  # an initdb that was killed half-way
        shutil.rmtree(left) if left.is_dir() else left.unlink()
    password_file = own.with_name(".postgres-password")
    secret_files.write(password_file, secret_files.ensure(folder.secret(SUPERUSER)))
    _give(password_file)
    try:
        done = subprocess.run(
            [*prefix, str(find("initdb")), "-D", str(own), "-U", SUPERUSER,
             "--pwfile", str(password_file), "--auth", "scram-sha-256", "--data-checksums",
             "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-instructions"],
            capture_output=True, text=True, check=False, cwd="/",
        )  # fmt: skip
    finally:
        password_file.unlink()
    if done.returncode != 0:
        raise StackError(f"initdb could not make the cluster: {done.stdout}{done.stderr}")
    with (own / "postgresql.conf").open("a") as handle:
        handle.write("\ninclude 'fieldline.conf'\n")


def create_owner(folder: Folder, host: str, port: int) -> None:
    """Make the role that owns the database, and the database; needs a running server.

    Idempotent. Raises psycopg.Error.
    """
    import psycopg
    from psycopg import sql

    superuser = secret_files.ensure(folder.secret(SUPERUSER))
    password = secret_files.ensure(folder.secret(OWNER))
    with psycopg.connect(
        host=host, port=port, user=SUPERUSER, password=superuser, dbname="postgres",
        autocommit=True, connect_timeout=5,
    ) as connection:  # fmt: skip
        known = connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [OWNER]).fetchone()
        if known is None:
            connection.execute(
                sql.SQL("CREATE ROLE {} LOGIN CREATEROLE").format(sql.Identifier(OWNER))
            )
        # Only the verifier crosses the wire, so no log can hold the password.
        verifier = connection.pgconn.encrypt_password(
            password.encode(), OWNER.encode(), b"scram-sha-256"
        ).decode()
        connection.execute(
            sql.SQL("ALTER ROLE {} PASSWORD {}").format(
                sql.Identifier(OWNER), sql.Literal(verifier)
            )
        )
        known = connection.execute(
            "SELECT FROM pg_database WHERE datname = %s", [DATABASE]
        ).fetchone()
        if known is None:
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(
                    sql.Identifier(DATABASE), sql.Identifier(OWNER)
                )
            )


def main() -> None:
    """Become PostgreSQL."""
    parser = becoming.parser(
        "postgres", "Make PostgreSQL's cluster if there is none, and become PostgreSQL."
    )
    options = parser.parse_args()
    becoming.become("PostgreSQL", lambda: prepare(options.data))


if __name__ == "__main__":
    main()
