"""How the stack does: every stage by its measured progress, every device by the database."""

import json
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec

from cloud.stack import supervision
from cloud.stack.folder import Folder
from cloud.stack.plan import STAGES, Plan
from cloud.stack.probes import (
    ApiProbe,
    BrokerProbe,
    Device,
    GrafanaProbe,
    KafkaProbe,
    Measured,
    Newest,
    PostgresProbe,
    ServerProbe,
    measure_all,
)
from cloud.stack.states import Life, Probe, State, judge, rate


class Stage(msgspec.Struct, frozen=True):
    """One stage as `status --json` tells it, but for `reason`. Rates a second, times since 1970.

    `lag_seconds` is how long the oldest work has waited, `started` since when it has a process.
    """

    name: str
    state: State
    pid: int | None
    rate_in: float | None
    rate_out: float | None
    lag: int | None
    newest: float | None
    restarts: int
    reason: str = ""
    lag_seconds: float | None = None
    started: float | None = None


class StackStatus(msgspec.Struct, frozen=True):
    """All of it. `devices_error` says why there are no devices, `channels` feeds the screen."""

    at: float
    stages: tuple[Stage, ...]
    devices: tuple[Device, ...]
    devices_error: str = ""
    channels: tuple[Newest, ...] = ()

    @property
    def all_running(self) -> bool:
        """What the exit status of `fieldline status` says."""
        return all(stage.state is State.RUNNING for stage in self.stages)

    def to_json(self) -> str:
        """Return the JSON that programs read (docs/operation.md)."""
        return json.dumps(
            {
                "stages": [msgspec.to_builtins(stage) for stage in self.stages],
                "devices": [msgspec.to_builtins(device) for device in self.devices],
            },
            indent=2,
        )


Sample = tuple[float, float | None, float | None]
"""When, count in, count out."""
Samples = Mapping[str, Sample]


class Observer:
    """Looks at a stack, once or again and again; keeps connections and the counters it saw."""

    def __init__(self, folder: Folder, plan: Plan, *, devices: bool = True) -> None:
        """Ask for the stages, and, unless told not to, for every device and channel."""
        self._folder = folder
        self._plan = plan
        self._servers: dict[str, ServerProbe] = {
            "broker": BrokerProbe(plan.mqtt),
            "kafka": KafkaProbe(plan.kafka),
            "postgres": PostgresProbe(plan.postgres, devices=devices),
            "api": ApiProbe(plan.api),
        }
        if plan.grafana:
            self._servers["grafana"] = GrafanaProbe(plan.grafana)
        self._before: Samples = _load_samples(folder.samples)

    def look(self) -> StackStatus:
        """Ask everybody at once; takes at most 1.5 s, whoever is dead."""
        lives = lives_of(self._folder, self._plan)
        asked = {
            name: probe
            for name, probe in self._servers.items()
            if lives[name] is None or lives[name].state in {"RUNNING", "STARTING"}  # type: ignore[union-attr]
        }
        measured = measure_all(asked)
        now = time.time()
        before = self._before
        answered = {
            name: (seen.at, seen.count_in, seen.count_out)
            for name, seen in measured.items()
            if not seen.error
        }
        self._remember(answered, now)
        probes = {name: _rated(seen, before.get(name)) for name, seen in measured.items()} | {
            stage: read_progress(self._folder.progress(stage)) for stage in ("bridge", "stream")
        }
        if "kafka" in probes and not probes["kafka"].error:
            # Kafka does not know what its readers have read; its reader does.
            probes["kafka"] = msgspec.structs.replace(
                probes["kafka"], rate_out=probes["stream"].rate_in
            )
        database = measured.get("postgres", Measured(at=now, error="is not running"))
        return StackStatus(
            at=now,
            stages=tuple(
                _stage(name, lives[name], probes.get(name, Probe()), now)
                for name in STAGES
                if name in self._plan.stages
            ),
            devices=database.devices or (),
            devices_error=database.error and f"PostgreSQL {database.error}",
            channels=database.channels,
        )

    @property
    def knows_rates(self) -> bool:
        """Whether there are earlier counters, not too old, for the next look to compare with."""
        return any(time.time() - at < _STALE_S for at, _, _ in self._before.values())

    def close(self) -> None:
        """Hang up."""
        for probe in self._servers.values():
            probe.close()

    def _remember(self, answered: Samples, now: float) -> None:
        # Compared with a sample some seconds old, so that a slow sensor has a rate too.
        kept = {name: sample for name, sample in self._before.items() if now - sample[0] < _SPAN_S}
        self._before = {**answered, **kept}
        _save_samples(self._folder.samples, self._before)


_SPAN_S = 8.0
_STALE_S = 120.0


def lives_of(folder: Folder, plan: Plan) -> dict[str, Life | None]:
    """Ask supervisord about every stage; None for those that run elsewhere."""
    lives: dict[str, Life | None] = {
        stage: Life("DOWN") if plan.runs_here(stage) else None for stage in STAGES
    }
    try:
        with supervision.Supervisor(folder, timeout_s=1.0) as supervisor:
            processes = supervisor.processes()
    except supervision.NotUp:
        return lives
    counts = supervision.restarts(folder)
    for process in processes:
        if process.name in lives and lives[process.name] is not None:
            ended = process.state in {"BACKOFF", "EXITED", "FATAL"} or process.name in counts
            lives[process.name] = Life(
                state=process.state,
                pid=process.pid,
                started=process.started,
                restarts=counts.get(process.name, 0),
                last_words=last_words(folder.log(process.name)) if ended else "",
            )
    return lives


def read_progress(file: Path) -> Probe:
    """Read a stage's progress file (docs/protocols.md); an `error` if there is none yet."""
    try:
        said = json.loads(file.read_bytes())
        return Probe(
            rate_in=said["rate_in"],
            rate_out=said["rate_out"],
            lag=said["lag"],
            behind_s=float(said.get("lag_seconds") or 0),
            newest=said.get("newest"),
            at=float(said["at"]),
        )
    except FileNotFoundError:
        return Probe(error="has not begun to work")
    except (ValueError, KeyError, TypeError, OSError) as error:
        return Probe(error=f"its progress file cannot be read: {error}")


def last_words(log: Path, most: int = 200) -> str:
    """Return the last line of a log that says something."""
    try:
        with log.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - 4096))
            lines = [line.strip() for line in file.read().decode("utf-8", "replace").splitlines()]
    except OSError:
        return ""
    return _message(next((line for line in reversed(lines) if line), ""))[:most]


def _message(line: str) -> str:
    """Return what a line of JSON says (cloud/log.py), or the line."""
    try:
        return str(msgspec.json.decode(line)["message"])
    except (msgspec.MsgspecError, KeyError, TypeError):
        return line


def _stage(name: str, life: Life | None, probe: Probe, now: float) -> Stage:
    state, reason = judge(life, probe, now)
    moving = state is State.RUNNING
    return Stage(
        name=name,
        state=state,
        pid=life.pid if life else None,
        rate_in=_rounded(probe.rate_in) if moving else 0.0,
        rate_out=_rounded(probe.rate_out) if moving else 0.0,
        lag=probe.lag,
        newest=probe.newest,
        restarts=life.restarts if life else 0,
        reason=reason,
        lag_seconds=None if probe.lag is None else probe.behind_s,
        started=(life.started or None) if life else None,
    )


def _rated(seen: Measured, before: Sample | None) -> Probe:
    def of(place: int, now: float | None, kept: float | None) -> float | None:
        if kept is not None or now is None or before is None:
            return kept
        then = before[place]
        return None if then is None else rate((before[0], then), (seen.at, now))

    return Probe(
        error=seen.error,
        rate_in=of(1, seen.count_in, seen.rate_in),
        rate_out=of(2, seen.count_out, seen.rate_out),
        newest=seen.newest,
    )


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 2)


def _load_samples(file: Path) -> Samples:
    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, Sample])
    except (OSError, msgspec.MsgspecError):
        return {}  # only rates of the first look are lost


def _save_samples(file: Path, samples: Samples) -> None:
    beside = file.with_suffix(".new")
    try:
        beside.write_bytes(msgspec.json.encode(samples))
        beside.replace(file)
    except OSError:
        return  # another user's folder can be looked at, but not written to
