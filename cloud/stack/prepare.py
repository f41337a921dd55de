"""Prepares a data folder: secrets, certificates, ports, accounts, configurations.

Idempotent; what is there stays. Nothing here needs a server that runs.
"""

import json
import os
import secrets
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

from cloud.stack import accounts, demo, grafana, java, plan, ports, secret_files, tls
from cloud.stack import settings as wanted
from cloud.stack.accounts import Kind
from cloud.stack.agents import write
from cloud.stack.database import ROLES
from cloud.stack.folder import Folder
from cloud.stack.programs import Program, supervisor_config
from cloud.stack.servers import postgres as postgres_server
from cloud.stack.supervision import most_open_files

_CHECKOUT = Path(__file__).resolve().parents[2]
SPARK_JARS = _CHECKOUT / "build" / "jars" / "spark"

_PORTS = {
    "broker": ("mqtt", "mqtt_devices"),
    "kafka": ("kafka", "kafka_controller"),
    "postgres": ("postgres",),
    "api": ("api",),
    "grafana": ("grafana",),
}


def prepare(folder: Folder, settings: wanted.Settings, *, demo_too: bool) -> plan.Plan:
    """Write everything that the stages and the other commands need. Raises StackError."""
    _mode_of(folder.secrets)
    dashboards = grafana.find_command(settings.grafana)
    made = _plan(folder, settings, with_grafana=dashboards is not None, demo_too=demo_too)
    listeners = {
        name: settings.broker.bind if stage in {"broker", "api"} else ports.HOST
        for stage in made.stages
        if made.runs_here(stage)
        for name in _PORTS.get(stage, ())
    }
    ports.check_free(folder.data / "ports.json", listeners)
    for role in (*ROLES, postgres_server.OWNER, "grafana_admin"):
        secret_files.ensure(folder.secret(role))
    _write_pgpass(folder, made.postgres)
    _draw_token(Path(made.api.token_file))
    if made.mqtt.embedded:
        _make_accounts(folder, demo_too=demo_too)
    if demo_too:
        demo.prepare(folder, made.mqtt)
    write(folder.config("bridge"), _toml(_bridge(folder, made)))
    write(folder.config("api"), _toml(_api(folder, settings, made)))
    write(folder.config("stream"), _toml(_stream(folder, made, settings.spark)))
    for stage in ("bridge", "stream"):
        folder.progress(stage).unlink(missing_ok=True)
    programs = _programs(folder, settings, made, dashboards)
    if demo_too:
        programs += demo.programs(folder)
    write(
        folder.supervisor_config,
        supervisor_config(
            folder, programs, as_root=os.geteuid() == 0, open_files=most_open_files()
        ),
    )
    write(folder.plan, msgspec.json.format(msgspec.json.encode(made), indent=2).decode())
    return made


def known_devices(folder: Folder) -> list[str]:
    """Name the devices that have an account at the broker."""
    return sorted(
        {
            account.role
            for account in accounts.read(folder.secret("accounts.json")).values()
            if account.of_device
        }
    )


def _plan(
    folder: Folder, settings: wanted.Settings, *, with_grafana: bool, demo_too: bool
) -> plan.Plan:
    stages = tuple(stage for stage in plan.STAGES if stage != "grafana" or with_grafana)
    embedded = [
        stage
        for stage, choice in (
            ("broker", None if settings.broker.host else "embedded"),
            ("kafka", settings.kafka),
            ("postgres", settings.postgres),
            ("api", "embedded"),
            ("grafana", "embedded" if with_grafana and settings.grafana.port is None else None),
        )
        if choice == "embedded"
    ]
    chosen = ports.choose(
        folder.data / "ports.json", [name for stage in embedded for name in _PORTS[stage]]
    )
    grafana_port = settings.grafana.port or chosen.get("grafana")
    return plan.Plan(
        mqtt=_mqtt(folder, settings.broker, chosen),
        kafka=_kafka(settings.kafka, chosen),
        postgres=postgres_plan(folder, settings.postgres, chosen),
        api=_api_plan(folder, settings.broker, chosen),
        stages=stages,
        grafana=f"http://{ports.HOST}:{grafana_port}" if with_grafana else None,
        demo=demo_too,
    )


def _mqtt(folder: Folder, choice: wanted.Mqtt, chosen: Mapping[str, int]) -> plan.Mqtt:
    if choice.host:
        account = plan.Account(choice.username, choice.password_file)
        return plan.Mqtt(choice.host, choice.port, choice.ca, account, account, embedded=False)
    return plan.Mqtt(
        choice.own_host,
        chosen["mqtt"],
        str(tls.ensure(folder.tls, choice.certified).ca),
        bridge=plan.Account(accounts.BRIDGE, str(folder.secret(accounts.BRIDGE))),
        watcher=plan.Account(accounts.WATCHER, str(folder.secret(accounts.WATCHER))),
        control=plan.Account(accounts.CONTROL, str(folder.secret(accounts.CONTROL))),
        doctor=plan.Account(accounts.DOCTOR, str(folder.secret(accounts.DOCTOR))),
        devices_port=chosen["mqtt_devices"],
        public_host=choice.public_host(socket.gethostname()),
    )


def _api_plan(folder: Folder, broker: wanted.Mqtt, chosen: Mapping[str, int]) -> plan.Api:
    """The API listens where the broker does: devices and panels that reach one reach the other."""
    here = not broker.host
    return plan.Api(
        broker.own_host if here else ports.HOST,
        chosen["api"],
        str(tls.ensure(folder.tls, broker.certified if here else ()).ca),
        str(folder.secret("local-token")),
        broker.public_host(socket.gethostname()) if here else "",
    )


def _kafka(choice: wanted.Embedded | wanted.Kafka, chosen: Mapping[str, int]) -> plan.Kafka:
    if isinstance(choice, wanted.Kafka):
        return plan.Kafka(
            choice.bootstrap,
            choice.partitions,
            choice.replication,
            choice.security,
            choice.properties,
            embedded=False,
        )
    return plan.Kafka(f"{ports.HOST}:{chosen['kafka']}")


def postgres_plan(
    folder: Folder, choice: wanted.Embedded | wanted.Postgres, chosen: Mapping[str, int]
) -> plan.Postgres:
    """Say where the database is; `chosen` has the port of our own one."""
    if isinstance(choice, wanted.Postgres):
        return plan.Postgres(
            choice.host,
            choice.port,
            choice.database,
            choice.sslmode,
            str(folder.secrets),
            choice.owner_password_file,
            # libpq knows the system's only by this name, and only with verify-full.
            choice.ca or ("system" if choice.sslmode == "verify-full" else ""),
            embedded=False,
        )
    return plan.Postgres(
        ports.HOST,
        chosen["postgres"],
        postgres_server.DATABASE,
        "disable",  # it listens on loopback alone
        str(folder.secrets),
        str(folder.secret(postgres_server.OWNER)),
    )


def _make_accounts(folder: Folder, *, demo_too: bool) -> None:
    logins = [
        (name, kind, secret_files.ensure(folder.secret(name)))
        for name, kind in (
            (accounts.ADMIN, Kind.ADMIN),
            (accounts.BRIDGE, Kind.BRIDGE),
            (accounts.WATCHER, Kind.WATCHER),
            (accounts.CONTROL, Kind.CONTROL),
            (accounts.DOCTOR, Kind.PROBE),
        )
    ]
    if demo_too:
        for agent in demo.agents(folder):
            password = secret_files.ensure(folder.agent(agent.device) / "password")
            logins.append((agent.device, Kind.DEVICE, password))
    accounts.ensure(folder.secret("accounts.json"), logins)


def _write_pgpass(folder: Folder, postgres: plan.Postgres) -> None:
    role = "fieldline_reader"
    fields = [postgres.host, str(postgres.port), postgres.database, role, postgres.password(role)]
    escaped = [field.replace("\\", "\\\\").replace(":", "\\:") for field in fields]
    write(folder.secret(f"{role}.pgpass"), ":".join(escaped) + "\n")


def _bridge(folder: Folder, made: plan.Plan) -> dict[str, dict[str, object]]:
    return {
        "mqtt": {
            "host": made.mqtt.host,
            "port": made.mqtt.port,
            "ca": made.mqtt.ca,
            "username": made.mqtt.bridge.username,
            "password_file": made.mqtt.bridge.password_file,
        },
        "kafka": {
            "bootstrap": made.kafka.bootstrap,
            "partitions": made.kafka.partitions,
            "replication": made.kafka.replication,
            "security": msgspec.to_builtins(made.kafka.security),
            "properties": made.kafka.properties,
        },
        "bridge": {"progress_file": str(folder.progress("bridge"))},
    }


def _api(
    folder: Folder, settings: wanted.Settings, made: plan.Plan
) -> dict[str, dict[str, object]]:
    certificates = tls.files(folder.tls)
    role = "fieldline_control"
    # Of a broker elsewhere we know the bridge's account only; what that may not do there, cannot
    # be done from here.
    account = made.mqtt.control or made.mqtt.bridge
    devices_port = (
        {} if made.mqtt.devices_port is None else {"devices_port": made.mqtt.devices_port}
    )
    return {
        "api": {
            "host": settings.broker.bind if made.mqtt.embedded else ports.HOST,
            "port": made.api.port,
            "url": made.api.url,
            "certificate": str(certificates.certificate),
            "key": str(certificates.key),
            "data": str(folder.data),
            "local_token_file": made.api.token_file,
        },
        "postgres": {
            "dsn": made.postgres.dsn(role),
            "password_file": str(made.postgres.password_file(role)),
        },
        "mqtt": {
            "host": made.mqtt.host,
            "port": made.mqtt.port,
            "ca": made.mqtt.ca,
            "username": account.username,
            "password_file": account.password_file,
            **devices_port,
        },
    }


def _draw_token(file: Path) -> None:
    if not file.exists():
        secret_files.write(file, f"fl_{secrets.token_urlsafe(32)}\n")


def _stream(
    folder: Folder, made: plan.Plan, spark: wanted.Embedded | wanted.Spark
) -> dict[str, dict[str, object]]:
    chosen: dict[str, object] = {}
    if isinstance(spark, wanted.Spark):
        chosen = {
            "master": spark.master,
            "driver_memory": spark.driver_memory,
            "properties": spark.properties,
        }
    role = "fieldline_stream"
    return {
        "kafka": {
            "bootstrap": made.kafka.bootstrap,
            "security": msgspec.to_builtins(made.kafka.security),
            "properties": made.kafka.properties,
        },
        "postgres": {
            "dsn": made.postgres.dsn(role),
            "password_file": str(made.postgres.password_file(role)),
        },
        "spark": {
            "checkpoints": str(folder.data / "stream"),
            "jars": str(SPARK_JARS),
            **chosen,
        },
        "stream": {"progress_file": str(folder.progress("stream"))},
    }


def _programs(
    folder: Folder, settings: wanted.Settings, made: plan.Plan, dashboards: list[str] | None
) -> list[Program]:
    def module(name: str, *words: str) -> list[str]:
        return [sys.executable, "-m", name, *words]

    data = ("--data", str(folder.data))
    listen = ["--bind", settings.broker.bind]
    for name in settings.broker.certified:
        listen += ["--name", name]
    spark = {
        "JAVA_HOME": str(java.home_of(java.find(os.environ))),
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
        "SPARK_LOCAL_IP": ports.HOST,
    }
    programs = [
        Program("broker", module("cloud.stack.servers.mosquitto", *data, *listen), 100),
        Program("kafka", module("cloud.stack.servers.kafka", *data), 110, stop_seconds=30),
        Program(
            "postgres",
            module("cloud.stack.servers.postgres", *data),
            120,
            stop_signal="INT",  # a fast shutdown; TERM would wait for every client to leave
            stop_seconds=60,
        ),
        Program("api", module("cloud.control", "--config", str(folder.config("api"))), 130),
        Program(
            "bridge",
            module("cloud.bridge", "--config", str(folder.config("bridge"))),
            200,
        ),
        Program(
            "stream",
            module("cloud.spark", "--config", str(folder.config("stream"))),
            210,
            environment=spark,
            stop_seconds=40,
            whole_group=True,
        ),
    ]
    if dashboards is not None and made.grafana is not None:
        port = made.grafana.rpartition(":")[2]
        programs.append(
            Program(
                "grafana",
                module("cloud.stack.grafana", *data, "--port", port, "--", *dashboards),
                300,
            )
        )
    return [program for program in programs if made.runs_here(program.name)]


def _mode_of(secrets: Path) -> None:
    secrets.mkdir(mode=0o700, exist_ok=True)
    secrets.chmod(0o700)


def _toml(tables: Mapping[str, Mapping[str, object]]) -> str:
    """Write tables of strings, numbers and string tables; a JSON string is a TOML string."""
    lines = []
    for name, keys in tables.items():
        lines.append(f"[{name}]")
        for key, value in keys.items():
            if isinstance(value, Mapping):
                inner = ", ".join(f"{json.dumps(k)} = {json.dumps(v)}" for k, v in value.items())
                lines.append(f"{key} = {{ {inner} }}")
            else:
                lines.append(f"{key} = {json.dumps(value)}")
        lines.append("")
    return "\n".join(lines)
