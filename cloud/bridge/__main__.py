"""`python -m cloud.bridge --config FILE`."""

import argparse
import gc
import signal
import sys
from pathlib import Path

from cloud import log
from cloud.bridge.bridge import Bridge
from cloud.bridge.errors import BridgeError
from cloud.bridge.settings import Settings
from wire.errors import WireError
from wire.settings import read

_EXAMPLE = """\
example:
  python -m cloud.bridge --config bridge.toml

bridge.toml:
  [mqtt]
  host = "127.0.0.1"
  port = 8883
  ca = "tls/ca.pem"
  username = "bridge"
  password_file = "secrets/bridge"

  [kafka]
  bootstrap = "127.0.0.1:9092"

  [bridge]
  progress_file = "run/bridge.json"
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the bridge until SIGTERM or SIGINT; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m cloud.bridge",
        description="Carries packs from MQTT to Kafka, and receipts back.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", required=True, type=Path, metavar="FILE")
    options = parser.parse_args(arguments)
    log.configure("bridge")
    try:
        text = options.config.read_text(encoding="utf-8")
        settings = read(text, Settings, file=str(options.config))
        log.say_who_started(settings.bridge.progress_file)
        bridge = Bridge(settings)
    except (OSError, WireError, BridgeError) as error:
        print(f"bridge: {error}", file=sys.stderr)
        return 2
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: bridge.stop())
    gc.freeze()
    bridge.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
