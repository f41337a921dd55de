"""Asks each server how it does. A probe keeps its connection and makes a new one after an error."""

import http.client
import logging
import time
import urllib.request
from contextlib import suppress
from threading import Thread
from typing import Any, Protocol

import msgspec

from cloud.stack.plan import Api, Kafka, Mqtt, Postgres
from cloud.tls import client_context
from wire import topics

_TIMEOUT_S = 1.2


class Measured(msgspec.Struct, frozen=True):
    """An answer: counters since the server's start, or rates a second where it keeps them."""

    at: float
    error: str = ""
    count_in: float | None = None
    count_out: float | None = None
    rate_in: float | None = None
    rate_out: float | None = None
    newest: float | None = None
    devices: tuple["Device", ...] | None = None
    channels: tuple["Newest", ...] = ()


class Device(msgspec.Struct, frozen=True):
    """A row of `status`; times are seconds since 1970, the numbers count packs."""

    device: str
    status: str
    reason: str
    last_seen: float | None
    stored: int
    missing: int
    on_device: int
    lost: int


class Newest(msgspec.Struct, frozen=True):
    """The newest number of a channel."""

    device: str
    channel: str
    unit: str
    time: float
    value: float | None


class ServerProbe(Protocol):
    """Something that can be asked, again and again."""

    def measure(self) -> Measured:
        """Ask; whatever goes wrong is raised."""

    def close(self) -> None:
        """Hang up."""


class KafkaProbe:
    """How far `fieldline.packs` reaches, and how new its newest pack is."""

    def __init__(self, kafka: Kafka) -> None:
        self._kafka = kafka
        self._admin: Any = None

    def measure(self) -> Measured:
        """Ask for the ends of the partitions."""
        from confluent_kafka import KafkaException

        try:
            return self._measure()
        except KafkaException as error:
            raise ConnectionError(
                f"does not answer at {self._kafka.bootstrap} ({error.args[0].name()})"
            ) from None

    def _measure(self) -> Measured:
        from confluent_kafka import TopicPartition
        from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]

        if self._admin is None:
            silent = logging.getLogger("fieldline.kafka")
            silent.setLevel(logging.CRITICAL)
            self._admin = AdminClient(
                {"bootstrap.servers": self._kafka.bootstrap, **self._kafka.client()},
                logger=silent,
            )
        metadata = self._admin.list_topics(topics.PACKS, timeout=_TIMEOUT_S)
        partitions = metadata.topics[topics.PACKS].partitions
        if not partitions:  # the bridge has not made the topic yet
            return Measured(at=time.time(), count_in=0)
        spec: Any = OffsetSpec
        ends = self._ask({TopicPartition(topics.PACKS, n): spec.latest() for n in partitions})
        newest = self._ask(
            {TopicPartition(topics.PACKS, n): spec.max_timestamp() for n in partitions}
        )
        stamp = max((info.timestamp for info in newest), default=-1)
        return Measured(
            at=time.time(),
            count_in=sum(info.offset for info in ends),
            newest=stamp / 1000 if stamp > 0 else None,
        )

    def _ask(self, wanted: dict[Any, Any]) -> list[Any]:
        futures = self._admin.list_offsets(wanted, request_timeout=_TIMEOUT_S)
        return [future.result() for future in futures.values()]

    def close(self) -> None:
        """Forget the client."""
        self._admin = None


class BrokerProbe:
    """What Mosquitto says of itself below `$SYS`; another broker need only take the login."""

    _LOAD = "$SYS/broker/load/publish/"

    def __init__(self, mqtt: Mqtt) -> None:
        self._mqtt = mqtt
        self._client: Any = None
        self._refused: list[str] = []
        self._found: dict[str, float] = {}

    def measure(self) -> Measured:
        """Hear what it has said since; a young broker says nothing of its load yet."""
        deadline = time.monotonic() + _TIMEOUT_S
        if self._client is None:
            self._connect()
        else:
            deadline = time.monotonic() + 0.02
        wanted = {"", "received/1min", "sent/1min"}
        while not self._refused and time.monotonic() < deadline:
            code = self._client.loop(0.02)
            if code != 0:
                raise ConnectionError(f"has closed the connection ({code.name})")
            if wanted <= self._found.keys():
                break
            if "" in self._found:  # what is retained follows at once
                deadline = min(deadline, time.monotonic() + 0.2)
        if self._refused:
            raise ConnectionError(f"refuses the login: {self._refused[0]}")
        if not self._found:
            raise TimeoutError("takes connections, but does not answer")
        received, sent = self._found.get("received/1min"), self._found.get("sent/1min")
        return Measured(
            at=time.time(),
            rate_in=None if received is None else received / 60,
            rate_out=None if sent is None else sent / 60,
        )

    def close(self) -> None:
        """Hang up."""
        if self._client is not None:
            self._client.disconnect()
            self._client = None

    def _connect(self) -> None:
        from paho.mqtt.client import Client, MQTTv5
        from paho.mqtt.enums import CallbackAPIVersion

        found: dict[str, float] = {}
        refused: list[str] = []
        client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
        client.username_pw_set(self._mqtt.watcher.username, self._mqtt.watcher.password())
        client.tls_set_context(client_context(self._mqtt.ca))
        client.connect_timeout = _TIMEOUT_S

        def connected(_c: Any, _u: Any, _f: Any, reason: Any, _p: Any) -> None:
            if reason.is_failure:
                refused.append(str(reason))
            else:
                client.subscribe(f"{self._LOAD}+/1min")

        def subscribed(*_: object) -> None:
            found.setdefault("", 0.0)

        def message(_c: Any, _u: Any, said: Any) -> None:
            with suppress(ValueError):
                found[said.topic.removeprefix(self._LOAD)] = float(said.payload)

        client.on_connect = connected
        client.on_subscribe = subscribed
        client.on_message = message
        self._found, self._refused = found, refused
        # A broker that hangs is noticed by its silence.
        client.connect(self._mqtt.host, self._mqtt.port, keepalive=5)
        self._client = client


_DEVICES = """
SELECT d.device, d.status, s.reason, extract(epoch FROM d.last_seen)::float8,
       coalesce(c.stored, 0)::bigint, coalesce(c.missing, 0)::bigint,
       coalesce(c.on_device, 0)::bigint, coalesce(c.lost, 0)::bigint
FROM fieldline.device AS d
JOIN fieldline.device_status AS s USING (device)
LEFT JOIN (
    SELECT device, sum(stored) AS stored, sum(missing) AS missing, sum(on_device) AS on_device,
           sum(lost) AS lost
    FROM fieldline.completeness GROUP BY device
) AS c USING (device)
ORDER BY d.device
"""
_NEWEST = """
SELECT device, channel, unit, extract(epoch FROM time)::float8, value
FROM fieldline.newest ORDER BY device, channel
"""
_COUNTERS = """
SELECT tup_inserted, tup_fetched FROM pg_stat_database WHERE datname = current_database()
"""


class PostgresProbe:
    """Rows written and read; if asked, the newest readings and what the views say of devices."""

    def __init__(self, postgres: Postgres, *, devices: bool = True) -> None:
        self._postgres = postgres
        self._devices = devices
        self._connection: Any = None

    def measure(self) -> Measured:
        """Ask the views."""
        import psycopg

        if self._connection is None:
            try:
                self._connection = psycopg.connect(
                    self._postgres.dsn("fieldline_reader"),
                    password=self._postgres.password("fieldline_reader"),
                    autocommit=True,
                    connect_timeout=2,
                    options=f"-c statement_timeout={_TIMEOUT_S * 1000:.0f}",
                    application_name="fieldline status",
                )
            except psycopg.OperationalError as error:
                raise ConnectionError(_first_cause(error)) from None
        with self._connection.cursor() as cursor:
            rows_in, rows_out = cursor.execute(_COUNTERS).fetchone()
            if not self._devices:
                return Measured(at=time.time(), count_in=rows_in, count_out=rows_out)
            devices = tuple(Device(*row) for row in cursor.execute(_DEVICES).fetchall())
            channels = tuple(Newest(*row) for row in cursor.execute(_NEWEST).fetchall())
        return Measured(
            at=time.time(),
            count_in=rows_in,
            count_out=rows_out,
            newest=max((row.time for row in channels), default=None),
            devices=devices,
            channels=channels,
        )

    def close(self) -> None:
        """Hang up."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def measure_all(
    probes: dict[str, ServerProbe], timeout_s: float = _TIMEOUT_S + 0.2
) -> dict[str, Measured]:
    """Ask all at once. What does not answer in time, or fails, has an `error`."""
    answers: dict[str, Measured] = {}
    threads = {
        name: Thread(target=_into, args=(answers, name, probe), daemon=True)
        for name, probe in probes.items()
    }
    for thread in threads.values():
        thread.start()
    deadline = time.monotonic() + timeout_s
    for thread in threads.values():
        thread.join(max(0.0, deadline - time.monotonic()))
    late = Measured(at=time.time(), error=f"does not answer within {timeout_s:.1f} s")
    return {name: answers.get(name, late) for name in probes}


def _into(answers: dict[str, Measured], name: str, probe: ServerProbe) -> None:
    try:
        answers[name] = probe.measure()
    # Whatever a server or its client library comes up with is an answer to "how does it do?".
    except Exception as error:  # noqa: BLE001
        with suppress(Exception):
            probe.close()
        answers[name] = Measured(at=time.time(), error=in_words(error))


def in_words(error: Exception) -> str:
    """Say in one line what a client library raised."""
    text = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, ConnectionRefusedError):
        return "nobody listens at its port"
    return text[:200]


def _first_cause(error: Exception) -> str:
    """Keep of libpq's many lines what the server, or the system, said."""
    line = str(error).strip().splitlines()[0]
    if "Connection refused" in line:
        return "does not answer: nobody listens at its port"
    return f"does not let us in: {line.rpartition('failed: ')[2]}"


class GrafanaProbe:
    """Whether Grafana says that it is well."""

    def __init__(self, url: str) -> None:
        self._url = url

    def measure(self) -> Measured:
        """Ask its health page."""
        with urllib.request.urlopen(f"{self._url}/api/health", timeout=_TIMEOUT_S):  # noqa: S310
            return Measured(at=time.time())

    def close(self) -> None:
        """Nothing is held."""


class ApiProbe:
    """Whether the API says that it is well."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def measure(self) -> Measured:
        """Ask for its health, at the address of this machine's own programs."""
        context = client_context(self._api.ca)
        connection = http.client.HTTPSConnection(
            self._api.host, self._api.port, context=context, timeout=_TIMEOUT_S
        )
        try:
            connection.request("GET", "/v1/health")
            answer = connection.getresponse()
            if answer.status != 200:
                raise ConnectionError(f"answers {answer.status} to who asks for its health")
        finally:
            connection.close()
        return Measured(at=time.time())

    def close(self) -> None:
        """Nothing is held."""
