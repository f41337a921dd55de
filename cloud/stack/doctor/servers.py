"""Checks of what runs: supervisord, each server asked as its clients ask it, and progress."""

import http.client
import json
import logging
import ssl
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cloud.sql.errors import MigrationRefused
from cloud.sql.migrate import load, pending
from cloud.stack import accounts, ports
from cloud.stack.doctor.checkup import Doubtful, Wrong
from cloud.stack.doctor.stack import Stack
from cloud.stack.errors import AccountRefused
from cloud.stack.plan import Account
from cloud.stack.states import State
from cloud.stack.status import Observer
from cloud.tls import client_context
from wire import topics

_PATIENCE_S = 5.0
_ANEW = "`fieldline down`, then `fieldline up` sets it right"


def supervisor(stack: Stack) -> str:
    """See whether anything runs at all."""
    here = {stage: life for stage, life in stack.lives.items()
            if life is not None and stage in stack.plan.stages}  # fmt: skip
    if all(life.state == "DOWN" for life in here.values()):
        raise Wrong(f"nothing runs in {stack.folder.data}", "`fieldline up --detach` starts it")
    return f"supervisord looks after {len(here)} stages"


def alive(stack: Stack, stage: str) -> str:
    """See whether a stage has a process. Raises Wrong."""
    life = stack.lives.get(stage)
    if life is None:
        return f"{stage} runs elsewhere"
    if life.state == "RUNNING":
        return f"{stage} is process {life.pid}"
    if life.state in {"STOPPED", "STOPPING"}:
        raise Wrong(f"{stage} was stopped by hand", f"`fieldline start {stage}`")
    if taken := _taken(stack, stage, life.pid):
        raise Wrong(
            f"{stage} cannot listen: {taken}",
            f"stop that, then `fieldline restart {stage}`; or stop everything and change the "
            f"port in {stack.folder.data / 'ports.json'}",
        )
    if life.state == "STARTING":
        return f"{stage} is process {life.pid}, and is starting"
    raise Wrong(
        f"{stage} ends as soon as it is started, saying: {life.last_words or 'nothing'}",
        f"`fieldline logs {stage}` says more; `fieldline restart {stage}` tries at once",
    )


def _taken(stack: Stack, stage: str, own: int | None) -> str:
    """Say who else listens at a stage's port; empty if nobody does, as far as we may see."""
    plan = stack.plan
    port = {
        "broker": plan.mqtt.port,
        "kafka": int(plan.kafka.bootstrap.rpartition(":")[2].split(",")[0]),
        "postgres": plan.postgres.port,
        "api": plan.api.port,
    }.get(stage)
    if port is None:
        return ""
    holder = ports.holder(port)
    if not holder.startswith("process") or holder.startswith(f"process {own} "):
        return ""
    return f"port {port} is in use by {holder}"


def postgres(stack: Stack) -> str:
    """Log in as everybody does, and see whether the schema is this version's."""
    import psycopg

    alive(stack, "postgres")
    server = stack.plan.postgres
    applied: dict[str, str] = {}
    for role in ("fieldline_control", "fieldline_reader", "fieldline_stream"):
        try:
            with psycopg.connect(
                server.dsn(role), password=server.password(role), connect_timeout=5,
                application_name="fieldline doctor",
            ) as connection:  # fmt: skip
                if role == "fieldline_stream":
                    applied = dict(
                        connection.execute("SELECT name, checksum FROM storage.migration")
                    )
                    _may_store(connection)
        except psycopg.OperationalError as error:
            said = " ".join(str(error).split())
            if "authentication" in said or "does not exist" in said:
                raise Wrong(f"PostgreSQL refuses {role}: {said}", _ANEW) from None
            raise Wrong(
                f"PostgreSQL does not answer at {server.host}:{server.port}: {said}",
                "`fieldline logs postgres` says why; `fieldline restart postgres`",
            ) from None
        except psycopg.errors.UndefinedTable:
            raise Wrong("the database holds no schema of Fieldline", _ANEW) from None
    try:
        missing = pending(load(), applied)
    except MigrationRefused as error:
        raise Wrong(
            f"the schema is not this version's: {error}",
            "use the version of Fieldline that made it, or a newer one",
        ) from None
    if missing:
        raise Wrong(
            f"the schema is older than this version, by {len(missing)} migrations, the first "
            f"{missing[0].name}",
            "`fieldline down`, then `fieldline up` brings it up to date",
        )
    return f"three roles can log in, the schema is at {max(applied)}"


def _may_store(connection: Any) -> None:
    refused = connection.execute(
        "SELECT name FROM unnest(%s::text[]) AS name WHERE NOT has_table_privilege(name, 'INSERT')",
        [["storage.reading", "storage.rollup_1m", "storage.ledger", "storage.rejected"]],
    ).fetchall()
    if refused:
        raise Wrong(
            f"the stream may not write {', '.join(name for (name,) in refused)}",
            f"as the owner: GRANT INSERT ON {refused[0][0]} TO fieldline_stream",
        )


def broker(stack: Stack) -> str:
    """Log in with each of the stack's own accounts; ask the security plugin."""
    alive(stack, "broker")
    mqtt = stack.plan.mqtt
    logins = [mqtt.bridge, mqtt.watcher, *([mqtt.control] if mqtt.control else [])]
    for login in logins:
        _log_in(stack, login)
    if not mqtt.embedded:
        return f"{mqtt.host}:{mqtt.port} lets the bridge in"
    try:
        accounts.tell(
            mqtt.host, mqtt.port, mqtt.ca, stack.folder.secret(accounts.ADMIN).read_text().strip(),
            [{"command": "getDefaultACLAccess"}],
        )  # fmt: skip
    except (AccountRefused, OSError) as error:
        raise Wrong(
            f"the broker's security plugin cannot be asked: {error}", "`fieldline restart broker`"
        ) from None
    return f"{mqtt.host}:{mqtt.port} lets {len(logins)} accounts in; its security plugin answers"


def _log_in(stack: Stack, login: Account) -> None:
    import paho.mqtt.client as paho
    from paho.mqtt.enums import CallbackAPIVersion

    mqtt = stack.plan.mqtt
    answered = threading.Event()
    refusals: list[str] = []

    def connected(_c: Any, _u: Any, _f: Any, code: Any, _p: Any) -> None:
        if code.is_failure:
            refusals.append(str(code))
        answered.set()

    client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
    client.connect_timeout = _PATIENCE_S
    client.username_pw_set(login.username, login.password())
    client.on_connect = connected
    try:
        client.tls_set_context(client_context(mqtt.ca))
        client.connect(mqtt.host, mqtt.port)
    except ssl.SSLError as error:
        raise Wrong(
            f"the broker's certificate is not believed: {_of_tls(error)}",
            "`fieldline restart broker`, if DATA/tls was changed while it ran; see certificates",
        ) from None
    except OSError as error:
        raise Wrong(
            f"the broker does not answer at {mqtt.host}:{mqtt.port}: {error}",
            "`fieldline logs broker` says why; `fieldline restart broker`",
        ) from None
    client.loop_start()
    try:
        if not answered.wait(_PATIENCE_S):
            raise Wrong(
                f"the broker takes connections and says nothing for {_PATIENCE_S:.0f} s",
                "`fieldline restart broker`",
            )
    finally:
        client.disconnect()
        client.loop_stop()
    if refusals:
        raise Wrong(
            f"the broker refuses {login.username}: {refusals[0]}",
            f"{login.password_file} and accounts.json say different things; "
            "`fieldline down`, then `fieldline up` sets both right",
        )


def kafka(stack: Stack) -> str:
    """Ask for the topics."""
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import AdminClient

    alive(stack, "kafka")
    silent = logging.getLogger("fieldline.doctor.kafka")
    silent.setLevel(logging.CRITICAL)
    cluster = stack.plan.kafka
    client = AdminClient({"bootstrap.servers": cluster.bootstrap, **cluster.client()},
                         logger=silent)  # fmt: skip
    try:
        found = client.list_topics(timeout=_PATIENCE_S).topics
    except KafkaException as error:
        raise Wrong(
            f"Kafka does not answer at {cluster.bootstrap} ({error.args[0].name()})",
            "`fieldline logs kafka` says why; `fieldline restart kafka`",
        ) from None
    wanted = (topics.PACKS, topics.DEVICES, topics.RECEIPTS)
    if missing := [name for name in wanted if name not in found]:
        raise Wrong(
            f"Kafka has no topic {' and no '.join(missing)}",
            "`fieldline restart bridge` makes it; devices send again what was in it and is not "
            "stored",
        )
    return f"{cluster.bootstrap} has {len(found[topics.PACKS].partitions)} partitions of packs"


def api(stack: Stack) -> str:
    """Ask the API as this machine's commands do."""
    alive(stack, "api")
    where = stack.plan.api
    try:
        context = client_context(where.ca)
        connection = http.client.HTTPSConnection(
            where.host, where.port, context=context, timeout=_PATIENCE_S
        )
        token = Path(where.token_file).read_text("utf-8").strip()
        connection.request("GET", "/v1/users", headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        said = json.loads(answer.read())
        connection.close()
    except ssl.SSLError as error:
        raise Wrong(
            f"the API's certificate is not believed: {_of_tls(error)}",
            "`fieldline restart api`, if DATA/tls was changed while it ran; see certificates",
        ) from None
    except (OSError, http.client.HTTPException) as error:
        raise Wrong(
            f"the API does not answer at {where.host}:{where.port}: {error}",
            "`fieldline logs api` says why; `fieldline restart api`",
        ) from None
    if answer.status == 401:
        raise Wrong(
            f"the API does not know the token in {where.token_file}",
            "`fieldline restart api`: it was changed while the API ran",
        )
    if answer.status >= 400:
        raise Wrong(f"the API says: {said.get('detail')}", said.get("fix", ""))
    return f"{where.url} answers"


def progress(stack: Stack, stage: str) -> str:
    """See whether a stage that moves readings makes progress."""
    alive(stack, stage)
    observer = Observer(stack.folder, stack.plan, devices=False)
    try:
        seen = next(one for one in observer.look().stages if one.name == stage)
    finally:
        observer.close()
    if seen.state is State.STARTING:
        raise Doubtful(f"{stage} is starting: {seen.reason}", "ask again in a minute")
    if seen.state is not State.RUNNING:
        raise Wrong(f"{stage} makes no progress: {seen.reason}", f"`fieldline restart {stage}`")
    newest = (
        "" if seen.newest is None
        else f", the newest reading is of {datetime.fromtimestamp(seen.newest, UTC):%H:%M:%S} UTC"
    )  # fmt: skip
    return f"{stage} makes progress, {seen.lag or 0} wait{newest}"


def grafana(stack: Stack) -> str:
    """See whether there are dashboards to look at."""
    if "grafana" not in stack.plan.stages:
        raise Doubtful(
            "no Grafana runs: there are no dashboards to look at",
            "put Grafana 9 to 12 on the PATH or name it in fieldline.toml, then `fieldline down` "
            "and `fieldline up`",
        )
    alive(stack, "grafana")
    return f"{stack.plan.grafana} runs"


def _of_tls(error: ssl.SSLError) -> str:
    return getattr(error, "verify_message", "") or error.reason or str(error)
