"""`python -m cloud.control --config FILE`."""

import argparse
import json
import ssl
import sys
from pathlib import Path
from types import FrameType

import uvicorn

from cloud import log
from cloud.control import memory, services, tracing
from cloud.control.app import create_app, page
from cloud.control.connections import Connection
from cloud.control.errors import ControlError
from cloud.control.events import Hub
from cloud.control.settings import Settings
from wire.errors import WireError
from wire.settings import read

_KEEP_ALIVE_S = 20
_MOST_CONNECTIONS = 1000
_STOP_S = 2  # a client that reads no more would be waited for, for its end of TLS


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m cloud.control",
        description="The HTTP API: devices, people, pipeline, alerts.",
        epilog="example: python -m cloud.control --config run/api.toml",
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--config", type=Path, metavar="FILE", help="serve as this file says")
    what.add_argument("--openapi", action="store_true", help="print the OpenAPI page and end")
    options = parser.parse_args(arguments)
    if options.openapi:
        print(json.dumps(page(), indent=1, sort_keys=True))
        return 0
    memory.be_small()
    log.configure("api", tracing.current)
    try:
        text = options.config.read_text(encoding="utf-8")
        settings = read(text, Settings, file=str(options.config))
        made = services.make(settings)
        app = create_app(made)
    except (OSError, WireError, ControlError) as error:
        print(f"api: {error}", file=sys.stderr)
        return 2
    config = uvicorn.Config(
        app,
        http=Connection,
        host=settings.api.host,
        port=settings.api.port,
        ssl_certfile=settings.api.certificate,
        ssl_keyfile=settings.api.key,
        ssl_version=ssl.PROTOCOL_TLS_SERVER,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_STOP_S,
        limit_concurrency=_MOST_CONNECTIONS,
        lifespan="on",
    )
    config.load()
    assert config.ssl is not None
    config.ssl.minimum_version = ssl.TLSVersion.TLSv1_2
    server = _Server(config, made.hub)
    server.run()
    return 0 if server.started else 1


class _Server(uvicorn.Server):
    """Ends the streams of events first: uvicorn would wait for them, and they never end."""

    def __init__(self, config: uvicorn.Config, hub: Hub) -> None:
        super().__init__(config)
        self._hub = hub

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take a signal to stop."""
        self._hub.close()
        super().handle_exit(sig, frame)


if __name__ == "__main__":
    sys.exit(main())
