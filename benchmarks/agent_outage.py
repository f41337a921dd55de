"""The broker is away for 60 s at 1,000 readings/s: when do readings flow again, when is all there,
what is lost, what doubled. Run: python -m benchmarks.agent_outage
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from benchmarks.agent_rig import Cloud, a_broker, save
from tests.edge_agent.process import SIMULATED, AgentProcess

AWAY_S = 60
WARM_S = 10
RATE = 1_000


def main() -> None:
    with a_broker() as broker, tempfile.TemporaryDirectory() as folder:
        cloud = Cloud(broker, "outage")
        sources = SIMULATED.format(rate_hz=50)
        agent = AgentProcess(Path(folder), broker, "outage", sources=sources, commit_s=1.0)
        agent.start()
        time.sleep(WARM_S)
        before = cloud.ask("mark")["readings"]
        broker.kill()
        away = time.monotonic()
        time.sleep(AWAY_S)
        broker.start()
        back, back_utc = time.monotonic(), time.time()
        caught_up = None
        while caught_up is None and time.monotonic() < back + 60:
            # Caught up when no more is outstanding than what the group commit holds back.
            due = before + RATE * (time.monotonic() - away) - 1.2 * RATE
            if cloud.ask()["readings"] >= due:
                caught_up = time.monotonic() - back
            time.sleep(0.02)
        time.sleep(5)
        agent.stop()
        agent.drain()
        came = cloud.ask()
        _, following = agent.written()
        cloud.close()
    save(
        "agent_outage",
        {
            "away_s": AWAY_S,
            "first_reading_after_s": round(came["first_after"] - back_utc, 2),
            "caught_up_after_s": caught_up and round(caught_up, 2),
            "packs_written": following,
            "packs_lost": following - came["packs"],
            "packs_sent_twice": came["repeats"],
            "limits": {"first_reading_after_s": 1.0, "caught_up_after_s": 3.0, "packs_lost": 0},
        },
    )


if __name__ == "__main__":
    main()
