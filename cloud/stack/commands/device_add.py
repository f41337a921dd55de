"""`fieldline device add NAME`."""

import argparse
import json
import secrets
import sys
from pathlib import Path

from cloud.stack import accounts, secret_files, supervision
from cloud.stack.accounts import Kind
from cloud.stack.agents import agent_toml, write
from cloud.stack.errors import StackError
from cloud.stack.folder import Folder
from cloud.stack.plan import Mqtt, Plan, read_plan
from wire import topics


def run(folder: Folder, options: argparse.Namespace) -> int:
    """Make the account, live if the broker runs, and show the password, once."""
    plan = read_plan(folder)
    if not plan.mqtt.embedded:
        raise StackError(
            f"the broker at {plan.mqtt.host} is not this stack's; make the account there"
        )
    if options.foreign and options.out:
        raise StackError("--out writes an agent's settings, and --foreign is for other clients")
    name: str = options.name
    kind: Kind = Kind.FOREIGN if options.foreign else Kind.DEVICE
    password = _make(folder, plan, name, kind)
    _register(plan, name)
    facts: dict[str, str | int] = {
        "device": name,
        "username": name,
        "password": password,
        "topic": topics.data(name),
        "host": plan.mqtt.host,
        "port": plan.mqtt.port,
        "ca": plan.mqtt.ca,
    }
    if options.out:
        _write_agent(Path(options.out).absolute(), name, password, plan.mqtt)
        facts["config"] = str(Path(options.out).absolute())
    if options.json:
        print(json.dumps(facts, indent=2))
    elif options.foreign:
        print("\n".join(f"{key:<9} {value}" for key, value in facts.items()))
        print("The password is not shown again.")
    elif options.out:
        print(f"{name} is registered; start its agent: fieldline-agent run --config {options.out}")
    else:
        print("# agent.toml; the password goes into a file of mode 0600, named below:")
        print(f"#   {password}")
        print("# It is not shown again.")
        print(agent_toml(name, "/var/lib/fieldline-agent", plan.mqtt, "/etc/fieldline/password"))
    return 0


def _make(folder: Folder, plan: Plan, name: str, kind: Kind) -> str:
    file = folder.secret("accounts.json")
    known = accounts.read(file)
    if name in known:
        raise StackError(f"there is a device or account {name!r} already; choose another name")
    password = secrets.token_urlsafe(24)
    account = accounts.make(name, kind, password)
    # The file first: a broker that starts from it meanwhile knows the account.
    accounts.write(file, {**known, name: account})
    if _runs(folder):
        try:
            accounts.tell(
                plan.mqtt.host,
                plan.mqtt.port,
                plan.mqtt.ca,
                folder.secret(accounts.ADMIN).read_text("utf-8").strip(),
                accounts.creation(account, password),
            )
        except OSError:
            print(
                "the broker does not answer; it learns of the device when it starts",
                file=sys.stderr,
            )
        except StackError:
            accounts.write(file, known)
            raise
    return password


def _runs(folder: Folder) -> bool:
    try:
        with supervision.Supervisor(folder) as supervisor:
            processes = supervisor.processes()
    except supervision.NotUp:
        return False
    return any(one.name == "broker" and one.state == "RUNNING" for one in processes)


def _register(plan: Plan, name: str) -> None:
    import psycopg

    from cloud.stack.database import register

    try:
        register(plan.postgres, [name])
    except psycopg.OperationalError:
        return  # PostgreSQL is away; `up` registers every device that has an account


def _write_agent(file: Path, name: str, password: str, mqtt: Mqtt) -> None:
    if file.exists():
        raise StackError(f"{file} is there already; choose another with --out")
    secret = file.with_name(f"{name}.password")
    secret_files.write(secret, password + "\n")
    write(file, agent_toml(name, str(file.parent / f"{name}.data"), mqtt, str(secret)))
