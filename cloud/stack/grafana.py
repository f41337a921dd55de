"""Runs a Grafana that is found on this machine, with Fieldline's dashboards.

    python -m cloud.stack.grafana --data DIR

becomes Grafana, so that its passwords stand in files and its environment and nowhere else.
"""

import argparse
import os
import shutil
from pathlib import Path

from cloud.stack.errors import StackError
from cloud.stack.folder import Folder
from cloud.stack.plan import Plan, read_plan
from cloud.stack.settings import Grafana

_OURS = Path(__file__).resolve().parents[1] / "grafana"


def find_command(settings: Grafana) -> list[str] | None:
    """Return the command that starts Grafana; None if there is none. Raises StackError."""
    if not settings.enabled:
        return None
    named = settings.command
    found = shutil.which(named or "grafana") or (None if named else shutil.which("grafana-server"))
    if found is None:
        if named:
            raise StackError(f"[grafana] names {named}, but there is no such program")
        return None
    program = Path(found).resolve()
    home = settings.home or _home_beside(program)
    start = [found] if program.name.startswith("grafana-server") else [found, "server"]
    return [*start, "--homepath", home]


def _home_beside(program: Path) -> str:
    for folder in (*program.parents[:3], Path("/usr/share/grafana")):
        if (folder / "public").is_dir() and (folder / "conf").is_dir():
            return str(folder)
    raise StackError(
        f"{program} is there, but not its folders `public` and `conf`; name the folder that holds "
        "them as `home` in [grafana]"
    )


def environment(folder: Folder, plan: Plan, port: int) -> dict[str, str]:
    """Return the environment that Grafana is set up by; it holds the reader's password."""
    home = folder.data / "grafana"
    postgres = plan.postgres
    return {
        "GF_SERVER_HTTP_ADDR": "127.0.0.1",
        "GF_SERVER_HTTP_PORT": str(port),
        "GF_AUTH_ANONYMOUS_ENABLED": "true",
        "GF_AUTH_ANONYMOUS_ORG_ROLE": "Viewer",
        "GF_SECURITY_ADMIN_PASSWORD": folder.secret("grafana_admin").read_text("utf-8").strip(),
        "GF_USERS_ALLOW_SIGN_UP": "false",
        "GF_ANALYTICS_REPORTING_ENABLED": "false",
        "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
        "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES": "false",
        "GF_NEWS_NEWS_FEED_ENABLED": "false",
        "GF_PATHS_DATA": str(home / "data"),
        "GF_PATHS_LOGS": str(home / "logs"),
        "GF_PATHS_PLUGINS": str(home / "plugins"),
        "GF_PATHS_PROVISIONING": str(_OURS / "provisioning"),
        "GF_LOG_MODE": "console",
        "GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH": str(_OURS / "dashboards" / "fleet.json"),
        "FIELDLINE_DASHBOARDS": str(_OURS / "dashboards"),
        "FIELDLINE_POSTGRES_ADDRESS": f"{postgres.host}:{postgres.port}",
        "FIELDLINE_POSTGRES_DATABASE": postgres.database,
        "FIELDLINE_POSTGRES_SSLMODE": postgres.sslmode,
        "FIELDLINE_POSTGRES_USER": "fieldline_reader",
        "FIELDLINE_POSTGRES_PASSWORD": postgres.password("fieldline_reader"),
    }


def main() -> None:
    """Become Grafana."""
    parser = argparse.ArgumentParser(prog="python -m cloud.stack.grafana", description=__doc__)
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--port", required=True, type=int)
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    folder = Folder(options.data)
    for part in ("data", "logs", "plugins"):
        (folder.data / "grafana" / part).mkdir(parents=True, exist_ok=True)
    added = environment(folder, read_plan(folder), options.port)
    os.execvpe(options.command[0], options.command, {**os.environ, **added})  # noqa: S606


if __name__ == "__main__":
    main()
