"""`fieldline-agent run` on a machine whose wall clock is set by a file, `clock`, beside its
configuration: microseconds that it says more than the time since boot.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from edge_agent import agent, log
from edge_agent.clock import Clock
from edge_agent.settings import read


def main() -> int:
    config = Path(sys.argv[sys.argv.index("--config") + 1])
    offset = config.with_name("clock")

    def boot_time() -> int:
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000

    clock = Clock(
        now_utc=lambda: boot_time() + int(offset.read_text()),
        boot_time=boot_time,
        is_synced=lambda: True,
    )
    log.set_up(verbose=False)
    return agent.run(read(config), once="--once" in sys.argv, clock=clock)


if __name__ == "__main__":
    sys.exit(main())
