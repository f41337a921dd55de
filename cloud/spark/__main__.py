"""`python -m cloud.spark --config FILE`: from Kafka to PostgreSQL, each pack exactly once."""

import argparse
import logging
import signal
import sys
import threading
from pathlib import Path

from cloud import log
from cloud.spark.errors import StreamError, WireError
from cloud.spark.settings import load

EXAMPLE = """example:
  python -m cloud.spark --config data/run/stream.toml
"""


def main() -> int:
    """Run until SIGTERM; 0 then, 1 with a sentence on stderr if it cannot run."""
    parser = argparse.ArgumentParser(
        prog="python -m cloud.spark",
        description=__doc__,
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", type=Path, required=True, help="TOML file of settings")
    arguments = parser.parse_args()
    log.configure("stream")
    logging.getLogger("py4j").setLevel(logging.ERROR)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    try:
        settings = load(arguments.config)
        log.say_who_started(settings.stream.progress_file)
        from cloud.spark import session
        from cloud.spark.stream import Runner

        spark = session.start(settings.spark)
        try:
            Runner(settings, spark, stopping).run()
        finally:
            session.stop(spark)
    except (StreamError, WireError, OSError) as error:
        print(f"the stream cannot run: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
