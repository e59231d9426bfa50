"""The command line: `python -m bridge COMMAND`; see `--help`."""

import argparse
import asyncio
import gc
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import structlog
from redis.exceptions import RedisError

from bridge import log, settings
from bridge.cli import connections as commands
from bridge.cli import rotate_keys as rotate_command
from bridge.core.errors import BridgeError
from bridge.core.security.encryption import Vault
from bridge.queue.delivery_queue import DeliveryQueue
from bridge.storage import embedded
from bridge.storage.client import AnyRedis, close_redis, connect_redis
from bridge.storage.connections import ConnectionStore

# What speaks HTTP takes most of a second to load: only the commands that need it do, in their own functions.

DATA = Path(".data")
EXIT_SETTINGS = 2
GC_THRESHOLDS = (5_000, 10, 10)
"""Far above Python's own: a request leaves few cycles behind, and each look for them stops everything."""


def main(arguments: list[str], environ: Mapping[str, str]) -> int:
    """Run one command; returns the exit status (0 done, 1 failed, 2 settings or usage)."""
    options = _parser().parse_args(arguments)
    try:
        if options.command in ("serve", "web", "worker"):
            _run(options.command, environ)
        elif options.command == "doctor":
            _doctor(environ, offline=options.offline, as_json=options.as_json)
        elif options.command == "hook":
            _hook(options, environ)
        elif options.command == "recover":
            _recover(options.repository, environ)
        else:
            _administer(options, environ)
    except settings.SettingsError as error:
        print(error, file=sys.stderr)
        return EXIT_SETTINGS
    except BridgeError as error:
        print(f"bridge: {error}", file=sys.stderr)
        return 1
    except (RedisError, OSError) as error:
        print(f"bridge: Redis does not answer ({type(error).__name__}): check REDIS_URL", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bridge", description="GitHub pull requests in Flowdock.")
    sub = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    sub.add_parser("serve", help="run web and worker in one process")
    sub.add_parser("web", help="run the web half alone")
    sub.add_parser("worker", help="run the worker half alone")

    connect = sub.add_parser("connect", help="tie a repository to a flow")
    connect.add_argument("repository", metavar="OWNER/REPO")
    connect.add_argument(
        "--flow-token",
        required=True,
        metavar="TOKEN",
        help="the source's token; - reads it from standard input",
    )
    connect.add_argument(
        "--flow",
        default="",
        metavar="ORGANIZATION/FLOW",
        help="the token's flow: its members alone are tagged, and may change the connection by browser",
    )
    connect.add_argument("--name", default="", help="what to call the connection (default: OWNER/REPO)")

    hook = sub.add_parser(
        "hook",
        help="make or mend a repository's webhook, and see it work",
        description="Makes or mends a repository's webhook with the token in GITHUB_TOKEN or of a linked"
        " account, has GitHub ping, and waits for the ping to arrive.",
    )
    hook.add_argument("repository", metavar="OWNER/REPO")
    hook.add_argument("--as", dest="login", default="", metavar="LOGIN", help="a linked GitHub account")

    recover = sub.add_parser(
        "recover",
        help="have GitHub deliver again what failed",
        description="Asks GitHub which deliveries of the last three days failed, and to deliver them again,"
        " with the token in GITHUB_TOKEN or as the linked accounts of those who connected the repositories.",
    )
    recover.add_argument("repository", metavar="OWNER/REPO", nargs="?", default="", help="only this one")

    connections = sub.add_parser("connections", help="list the connections")
    connections.add_argument("--json", action="store_true", dest="as_json", help="as JSON")
    disconnect = sub.add_parser("disconnect", help="remove a connection")
    disconnect.add_argument("id", metavar="ID", help="as `connections` lists it")

    options = sub.add_parser("options", help="what a connection's flow hears of")
    options.add_argument("id", metavar="ID", help="as `connections` lists it")
    options.add_argument(
        "changes",
        metavar="NAME=VALUE",
        nargs="*",
        help="groups, drafts, bots, labels, bases; none: show them",
    )

    dead = sub.add_parser("dead-letters", help="what could not be delivered, and why")
    do = dead.add_subparsers(dest="do", metavar="list|show|redrive|drop")
    do.add_parser("list", help="list them (the default)")
    for name, text in (
        ("show", "one whole, with its payload"),
        ("redrive", "put one back into the queue"),
        ("drop", "forget one"),
    ):
        which = do.add_parser(name, help=text)
        group = which.add_mutually_exclusive_group(required=True) if name == "redrive" else which
        group.add_argument("id", metavar="ID", nargs="?" if name == "redrive" else None)
        if name == "redrive":
            group.add_argument("--all", action="store_true", dest="every", help="all of them")

    rotate = sub.add_parser(
        "rotate-keys",
        help="encrypt everything in Redis with the first ENCRYPTION_KEY",
        description="Decrypts what Redis keeps with any key of ENCRYPTION_KEY and encrypts it with the first."
        " bridge may run meanwhile; run it as often as you like.",
    )
    rotate.add_argument("--dry-run", action="store_true", dest="dry_run", help="only count")

    doctor = sub.add_parser("doctor", help="check this installation")
    doctor.add_argument("--offline", action="store_true", help="only what needs no network: the settings")
    doctor.add_argument("--json", action="store_true", dest="as_json", help="as JSON")
    return parser


def _run(half: str, environ: Mapping[str, str]) -> None:
    import uvloop

    chosen = settings.read(environ)
    log.configure(level=chosen.log_level, log_format=chosen.log_format)
    with _redis_url(environ) as url, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(half, chosen, url))


async def _serve(half: str, chosen: settings.Settings, redis_url: str) -> None:
    from bridge.cli import serve
    from bridge.services import open_services

    # What is imported stays: it need not be looked through again and again.
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    async with open_services(chosen, redis_url=redis_url) as services:
        try:
            await serve.run(services, web_half=half != "worker", worker_half=half != "web")
        except* OSError as group:
            if any(isinstance(error, RedisError) for error in group.exceptions):
                raise
            raise BridgeError(f"cannot listen on port {chosen.port}: {group.exceptions[0]}") from None


def _doctor(environ: Mapping[str, str], *, offline: bool, as_json: bool) -> None:
    from bridge.cli import doctor

    log.configure(level="error", log_format="console")
    # An address that no client takes is told of by the settings' own row.
    if offline or settings.redis_url_problem(environ):
        asyncio.run(doctor.examine(environ, redis_url=None, as_json=as_json))
        return
    with _redis_url(environ) as url:
        asyncio.run(doctor.examine(environ, redis_url=url, as_json=as_json))


def _hook(options: argparse.Namespace, environ: Mapping[str, str]) -> None:
    from bridge.cli import hook as hook_command

    chosen = settings.read(environ, needed=hook_command.NEEDED)
    log.configure(level="error", log_format="console")
    with _redis_url(environ) as url:
        asyncio.run(_make_hook(chosen, url, options, environ.get("GITHUB_TOKEN", "").strip()))


async def _make_hook(
    chosen: settings.Settings, redis_url: str, options: argparse.Namespace, token: str
) -> None:
    from bridge.cli import hook as hook_command
    from bridge.services import open_services

    async with open_services(chosen, redis_url=redis_url) as services:
        await hook_command.hook(services, typed=options.repository, login=options.login, token=token)


def _recover(repository: str, environ: Mapping[str, str]) -> None:
    from bridge.cli import recover as recover_command

    chosen = settings.read(environ, needed=recover_command.NEEDED)
    log.configure(level="error", log_format="console")
    with _redis_url(environ) as url:
        asyncio.run(_ask_again(chosen, url, repository, environ.get("GITHUB_TOKEN", "").strip()))


async def _ask_again(chosen: settings.Settings, redis_url: str, repository: str, token: str) -> None:
    from bridge.cli import recover as recover_command
    from bridge.services import open_services

    async with open_services(chosen, redis_url=redis_url) as services:
        await recover_command.recover(services, typed=repository, token=token)


def _administer(options: argparse.Namespace, environ: Mapping[str, str]) -> None:
    keys = settings.read_encryption_keys(environ)
    cluster = settings.read_redis_cluster(environ)
    log.configure(level="warning", log_format="console")
    with _redis_url(environ) as url:
        asyncio.run(_command(options, connect_redis(url, cluster=cluster), Vault(keys)))


async def _command(options: argparse.Namespace, redis: AnyRedis, vault: Vault) -> None:
    store = ConnectionStore(redis, vault)
    try:
        match options.command:
            case "connect":
                await commands.connect(
                    store,
                    repository=options.repository,
                    flow_token=options.flow_token,
                    name=options.name,
                )
            case "connections":
                await commands.connections(store, as_json=options.as_json)
            case "disconnect":
                await commands.disconnect(store, connection_id=options.id)
            case "options":
                await commands.options(store, connection_id=options.id, changes=options.changes)
            case "rotate-keys":
                await rotate_command.rotate_keys(redis, vault, dry_run=options.dry_run)
            case "dead-letters":
                await commands.dead_letters(
                    DeliveryQueue(redis),
                    do=options.do or "list",
                    letter_id=getattr(options, "id", None),
                    every=getattr(options, "every", False),
                )
    finally:
        await close_redis(redis)


@contextmanager
def _redis_url(environ: Mapping[str, str]) -> Iterator[str]:
    """REDIS_URL, or an embedded Redis for as long as the command runs."""
    if url := settings.read_redis_url(environ):
        yield url
        return
    with embedded.running(DATA) as url:
        structlog.get_logger().info(
            "embedded_redis", data=str(DATA.resolve()), reason="REDIS_URL is not set; not for production"
        )
        yield url
