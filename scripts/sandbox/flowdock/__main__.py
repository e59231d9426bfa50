"""Runs the stand-in until it is told to stop: `python -m scripts.sandbox.flowdock --help`."""

import argparse
import asyncio
import signal
import socket
import tempfile
from collections.abc import Sequence
from pathlib import Path

from aiohttp import web

from bridge.storage import embedded
from scripts.sandbox.flowdock import Config, create_app


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.sandbox.flowdock", description="A local stand-in for Flowdock."
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=int, default=8081, help="port to listen on (%(default)s; 0: any)")
    parser.add_argument("--web-url", default="", help="own public address (http://HOST:PORT)")
    parser.add_argument(
        "--application-url", required=True, help="the address of bridge, its one OAuth application"
    )
    return parser.parse_args(arguments)


async def serve(options: argparse.Namespace) -> None:
    """Listen until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    listener = socket.create_server((options.host, options.port))
    web_url = options.web_url.rstrip("/") or f"http://{options.host}:{listener.getsockname()[1]}"
    with tempfile.TemporaryDirectory() as folder, embedded.running(Path(folder)) as redis_url:
        config = Config(web_url=web_url, application_url=options.application_url, redis_url=redis_url)
        runner = web.AppRunner(create_app(config), access_log=None, shutdown_timeout=5)
        await runner.setup()
        await web.SockSite(runner, listener).start()
        print(f"Flowdock's stand-in: {web_url}", flush=True)
        await stop.wait()
        await runner.cleanup()


def main() -> None:
    """Run; an address that cannot be listened on ends in one sentence."""
    options = parse()
    try:
        asyncio.run(serve(options))
    except OSError as error:
        raise SystemExit(f"Cannot listen on {options.host}:{options.port}: {error.strerror}") from None


if __name__ == "__main__":
    main()
