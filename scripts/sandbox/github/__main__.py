"""Runs the stand-in: `python -m scripts.sandbox.github --help`."""

import argparse
import asyncio
import contextlib
import signal

from aiohttp import web

from . import SERVICES, Config, create_app
from .services import Services
from .webhooks import add_hook

# The events that bridge subscribes to.
EVENTS = [
    "branch_protection_rule",
    "check_run",
    "check_suite",
    "deployment_status",
    "issue_comment",
    "pull_request",
    "pull_request_review",
    "pull_request_review_comment",
    "pull_request_review_thread",
    "push",
    "repository",
    "repository_ruleset",
    "status",
    "workflow_run",
]


def parser() -> argparse.ArgumentParser:
    """Return the options."""
    options = argparse.ArgumentParser(
        prog="python -m scripts.sandbox.github",
        description="A stand-in for GitHub: REST, OAuth, webhooks, pages.",
    )
    options.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    options.add_argument("--port", type=int, default=8082, help="port to listen on (%(default)s)")
    options.add_argument("--web-url", help="own base address as others see it (default: from host and port)")
    options.add_argument("--client-id", default="github-client", help="of the one OAuth App (%(default)s)")
    options.add_argument(
        "--client-secret", default="github-secret", help="of the one OAuth App (%(default)s)"
    )
    options.add_argument(
        "--redirect-uri", action="append", default=[], help="a registered callback address; may be repeated"
    )
    options.add_argument("--hook-url", help="install a JSON webhook on acme/component that sends there")
    options.add_argument("--hook-secret", default="", help="the secret that signs its deliveries")
    options.add_argument(
        "--expiring-tokens", action="store_true", help="issue tokens that expire in eight hours"
    )
    options.add_argument(
        "--link", action="append", default=[], metavar="NAME=URL", help="in each page's head; may be repeated"
    )
    options.add_argument("--ghes", action="store_true", help="answer as an Enterprise Server 3.19")
    return options


async def serve(options: argparse.Namespace) -> None:
    """Serve until SIGTERM or SIGINT."""
    web_url = (options.web_url or f"http://{options.host}:{options.port}").rstrip("/")
    app = create_app(
        Config(
            web_url=web_url,
            client_id=options.client_id,
            client_secret=options.client_secret,
            redirect_uris=tuple(options.redirect_uri),
            expiring_tokens=options.expiring_tokens,
            ghes=options.ghes,
            links=tuple(tuple(link.split("=", 1)) for link in options.link),
        )
    )
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=2)
    await runner.setup()
    await web.TCPSite(runner, options.host, options.port).start()
    if options.hook_url:
        _install_hook(app[SERVICES], options.hook_url, options.hook_secret)
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows
            asyncio.get_running_loop().add_signal_handler(name, stop.set)
    print(f"The stand-in GitHub listens at {web_url}", flush=True)
    await stop.wait()
    await runner.cleanup()


def _install_hook(services: Services, url: str, secret: str) -> None:
    repo, admin = services.world.repo("acme/component"), services.world.user("cy-gh")
    if repo and admin:
        add_hook(services, repo, admin, url=url, secret=secret, content_type="json", events=EVENTS)


def main() -> None:
    """Parse the options and serve."""
    asyncio.run(serve(parser().parse_args()))


if __name__ == "__main__":
    main()
