"""Open the settings, Redis and services that a command needs, and close them after it."""

import asyncio
import secrets
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click
from platformdirs import user_state_path

from bridge import settings
from bridge.cli import env_files

if TYPE_CHECKING:
    from bridge.core.security.encryption import Vault
    from bridge.services import Services
    from bridge.storage.redis import Redis

T = TypeVar("T")

Environ = Mapping[str, str]

FIRST_SETTINGS = ("COOKIE_SECRET", "ENCRYPTION_KEY")
"""The secrets that the first start creates if none of them is set."""

_NEEDED = frozenset({"ENCRYPTION_KEY"})
"""The settings that each command with Redis needs."""


def state_folder() -> Path:
    """Return the folder of the embedded Redis and of the settings that the first start created."""
    return user_state_path("bridge", appauthor=False)


def kept_settings(environ: Environ) -> dict[str, str]:
    """Return the settings that the first start created; none if REDIS_URL leads elsewhere."""
    file = state_folder() / "settings.env"
    return env_files.read(file) if not environ.get("REDIS_URL") and file.exists() else {}


def first_settings(environ: Environ) -> dict[str, str]:
    """Create the settings of a first start with the embedded Redis beside it; any other start has none.

    Raises `SettingsError` if there is data of an earlier start: a new key could not decrypt it.
    """
    folder = state_folder()
    if any(environ.get(name) for name in ("REDIS_URL", *FIRST_SETTINGS)):
        return {}
    if (folder / "redis").exists():
        raise settings.SettingsError(
            [f"ENCRYPTION_KEY is missing: {folder / 'redis'} has data of an earlier start"],
            advice="Use that start's settings (--env-file FILE), or move the folder away to start afresh.",
        )
    made = {name: secrets.token_urlsafe(32) for name in FIRST_SETTINGS}
    if not any(map(environ.get, settings.GITHUB_OF_THE_ENVIRONMENT)):
        made["GITHUB_APP"] = "1"
    if settings.examine({**made, **environ})[1]:
        return {}
    folder.mkdir(parents=True, exist_ok=True)
    env_files.write(folder / "settings.env", "".join(f"{name}={value}\n" for name, value in made.items()))
    print(f"Created secrets in {folder / 'settings.env'}: back up this folder.", flush=True)
    return made


def with_redis(environ: Environ, command: Callable[["Redis", "Vault"], Awaitable[None]]) -> None:
    """Run a command that needs ENCRYPTION_KEY and Redis alone; raises `SettingsError`."""
    from bridge.core.security.encryption import Vault
    from bridge.storage.client import close_redis, connect_redis

    chosen = settings.read(environ, needed=_NEEDED)
    quiet()

    async def run(url: str) -> None:
        redis = connect_redis(url, cluster=chosen.redis_cluster)
        try:
            await command(redis, Vault(chosen.encryption_keys))
        finally:
            await close_redis(redis)

    with redis_url(chosen) as url:
        asyncio.run(run(url))


def with_services(
    environ: Environ, command: Callable[["Services"], Awaitable[None]], *, needs_address: bool = False
) -> None:
    """Run a command that speaks to GitHub or Flowdock; raises `SettingsError`, `AnotherServer`.

    With `needs_address`, it needs WEB_URL too.
    """
    from bridge.services import open_services
    from bridge.storage import servers

    chosen = settings.read(environ, needed=_NEEDED | {"WEB_URL"} if needs_address else _NEEDED)
    quiet()

    async def run(url: str) -> None:
        async with open_services(chosen, redis_url=url) as services:
            await servers.check(services.redis, chosen.servers)
            await command(services)

    with redis_url(chosen) as url:
        asyncio.run(run(url))


def given(
    opener: Callable[[Environ, Callable[[T], Awaitable[None]]], None],
) -> Callable[[Callable[..., Awaitable[None]]], Callable[..., None]]:
    """Make a command of a coroutine, whose first argument is what `opener` opens."""

    def decorate(command: Callable[..., Awaitable[None]]) -> Callable[..., None]:
        @click.pass_obj
        @wraps(command)
        def run(environ: Environ, /, **arguments: object) -> None:
            opener(environ, lambda opened: command(opened, **arguments))

        return run

    return decorate


def quiet() -> None:
    """Log errors alone, to standard error: a command's output is for its user."""
    from bridge.process import log

    log.configure(level="error", log_format="console", output=sys.stderr)


@contextmanager
def redis_url(chosen: settings.Settings) -> Iterator[str]:
    """Yield REDIS_URL, or the URL of an embedded Redis that runs as long as the command."""
    if chosen.redis_url:
        yield chosen.redis_url
        return
    import structlog

    from bridge.storage import embedded

    data = state_folder() / "redis"
    with embedded.running(data) as url:
        structlog.get_logger().info(
            "embedded_redis", data=str(data), reason="REDIS_URL is not set; not for production"
        )
        yield url
