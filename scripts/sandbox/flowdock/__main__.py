"""Runs the stand-in until it is told to stop: `python -m scripts.sandbox.flowdock --help`."""

import argparse
import asyncio
import signal
import socket
from collections.abc import Sequence

from aiohttp import web

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
        "--client-id", default=Config.client_id, help="of the OAuth application (%(default)s)"
    )
    parser.add_argument("--client-secret", default=Config.client_secret, help="of the OAuth application")
    parser.add_argument("--redirect-uri", action="append", default=[], help="registered; may be repeated")
    parser.add_argument("--application-name", default=Config.application_name, help="(%(default)s)")
    parser.add_argument("--setup-uri", default="", help="where a user adds the application to a flow")
    parser.add_argument("--configure-uri", default="", help="where a user configures a source")
    return parser.parse_args(arguments)


async def serve(options: argparse.Namespace) -> None:
    """Listen until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    listener = socket.create_server((options.host, options.port))
    web_url = options.web_url.rstrip("/") or f"http://{options.host}:{listener.getsockname()[1]}"
    config = Config(
        web_url=web_url,
        client_id=options.client_id,
        client_secret=options.client_secret,
        redirect_uris=tuple(options.redirect_uri),
        application_name=options.application_name,
        setup_uri=options.setup_uri,
        configure_uri=options.configure_uri,
    )
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
