"""A day of three Raspberry Pis, through agents, equals what pandas computes from the file."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from edge_agent.sources import replay
from tests.stack import Stack
from tests.waiting import eventually

EXAMPLES = Path(replay.__file__).parent / "examples"
RECORDED = ["iot-device-01", "iot-device-02", "iot-device-03"]
FIELDS = {
    "temp": "temperature", "humidity": "humidity", "co": "co", "lpg": "lpg", "smoke": "smoke",
    "light": "light", "motion": "motion",
}  # fmt: skip


@pytest.fixture(scope="module")
def recorded() -> pd.DataFrame:
    """One row a reading: device, channel, time, value."""
    messages = json.loads((EXAMPLES / "pi-environment-24h.json").read_text())
    assert len(messages) == 9995
    return pd.DataFrame(
        [
            (
                f"past-{message['device']}",
                f"history/{FIELDS[field]}",
                pd.Timestamp(round(message["ts"] * 1e6), unit="us", tz="UTC"),
                float(value),
            )
            for message in messages
            for field, value in message["data"].items()
        ],
        columns=["device", "channel", "time", "value"],
    )


@pytest.fixture(scope="module")
def replayed(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """The stack, after three agents have replayed the day with its own times."""
    folder = tmp_path_factory.mktemp("agents")
    agents = []
    for name in RECORDED:
        config = folder / f"{name}.toml"
        stack.run("device", "add", f"past-{name}", "--out", str(config))
        with_server = config.read_text().split("[[source]]")[0].rsplit("\n#", 1)[0]
        source = (EXAMPLES / f"{name}.toml").read_text()
        kept = re.sub(r'times = "end_now"', 'times = "keep"', source)
        assert kept != source
        config.write_text(f"{with_server}\n{kept}")
        agents.append(
            subprocess.Popen(
                [sys.executable, "-m", "edge_agent.cli", "run", "--config", str(config), "--once"],
                stderr=subprocess.PIPE, text=True,
            )
        )  # fmt: skip
    for agent in agents:
        _, said = agent.communicate(timeout=180)
        assert agent.returncode == 0, said
    return stack


def test_every_reading_of_every_device_and_channel_is_stored(
    replayed: Stack, recorded: pd.DataFrame
) -> None:
    rows = replayed.query(
        "SELECT device, channel, count(*) FROM fieldline.reading"
        " WHERE device LIKE 'past-%' GROUP BY 1, 2"
    )
    wanted = recorded.groupby(["device", "channel"]).size()
    assert {(device, channel): n for device, channel, n in rows} == wanted.to_dict()
    assert sum(n for _, _, n in rows) == 9995 * 7


def test_every_reading_has_its_own_time_and_value(replayed: Stack, recorded: pd.DataFrame) -> None:
    rows = replayed.query(
        "SELECT device, channel, time, value FROM fieldline.reading WHERE device LIKE 'past-%'"
    )
    stored = pd.DataFrame(rows, columns=["device", "channel", "time", "value"])
    stored["time"] = pd.to_datetime(stored["time"], utc=True).astype("datetime64[us, UTC]")
    recorded = recorded.astype({"time": "datetime64[us, UTC]"})
    columns = ["device", "channel", "time", "value"]
    pd.testing.assert_frame_equal(
        stored.sort_values(columns, ignore_index=True),
        recorded.sort_values(columns, ignore_index=True),
    )


@pytest.mark.parametrize(
    ("view", "width"), [("rollup_1m", "1min"), ("rollup_1h", "1h"), ("rollup_1d", "1D")]
)
def test_every_rollup_is_what_pandas_computes(
    replayed: Stack, recorded: pd.DataFrame, view: str, width: str
) -> None:
    columns = ["n", "mean", "stddev", "minimum", "maximum", "first", "last"]
    rows = replayed.query(
        f"SELECT device, channel, time, {', '.join(columns)} FROM fieldline.{view}"
        " WHERE device LIKE 'past-%'"
    )
    keys = ["device", "channel", "time"]
    stored = pd.DataFrame(rows, columns=[*keys, *columns])
    stored["time"] = pd.to_datetime(stored["time"], utc=True).astype("datetime64[us, UTC]")
    in_time = recorded.sort_values(["time", "value"])
    in_time["time"] = in_time["time"].dt.floor(width).astype("datetime64[us, UTC]")
    wanted = in_time.groupby(keys)["value"].agg(
        ["count", "mean", "std", "min", "max", "first", "last"]
    )
    wanted.columns = pd.Index(columns)
    left: Any = stored.set_index(keys).sort_index().astype(float)
    right: Any = wanted.sort_index().astype(float)
    pd.testing.assert_frame_equal(left, right, check_exact=False, rtol=1e-9, atol=1e-12)


def test_the_ledger_has_all_of_it(replayed: Stack) -> None:
    def complete() -> bool:
        rows = replayed.query(
            "SELECT missing, on_device, lost FROM fieldline.completeness WHERE device LIKE 'past-%'"
        )
        assert rows == [(0, 0, 0)] * 3
        return True

    eventually(complete, within=60, what="the ledger agrees")
