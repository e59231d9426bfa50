"""The commands `serve`, `web` and `worker`: processes that run until SIGTERM or SIGINT, and then drain."""

import asyncio
import gc
import signal
from collections.abc import Mapping

import structlog
import uvloop
from redis.exceptions import RedisError

from bridge import log as logs
from bridge import settings
from bridge.cli import opening
from bridge.core.errors import BridgeError
from bridge.services import Services, open_services
from bridge.settings import Settings

GC_THRESHOLDS = (5_000, 10, 10)
"""Far above Python's own: a request leaves few cycles behind, and each look for them stops everything."""

log = structlog.get_logger()


def start(half: str, environ: Mapping[str, str]) -> None:
    """Run `serve`, `web` or `worker` until it is told to stop; raises `SettingsError`, `BridgeError`."""
    chosen = settings.read(environ)
    logs.configure(level=chosen.log_level, log_format=chosen.log_format)
    with opening.redis_url(chosen) as url, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_open(half, chosen, url))


async def _open(half: str, chosen: Settings, redis_url: str) -> None:
    # All that is imported stays: the garbage collector need not look at it again.
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    async with open_services(chosen, redis_url=redis_url) as services:
        try:
            await run(services, web_half=half != "worker", worker_half=half != "web")
        except* OSError as group:
            if any(isinstance(error, RedisError) for error in group.exceptions):
                raise
            raise BridgeError(f"cannot listen on port {chosen.port}: {group.exceptions[0]}") from None


async def run(services: Services, *, web_half: bool, worker_half: bool) -> None:
    """Run one half of bridge or both until SIGTERM or SIGINT; then drain within 25 seconds."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _told_to_stop, services, number)
    async with asyncio.TaskGroup() as group:
        if worker_half:
            group.create_task(services.worker().run())
            group.create_task(services.conflict_poller().run())
            group.create_task(services.connection_monitor().run())
        if web_half:
            group.create_task(_serve(services))
    log.info("stopped")


async def _serve(services: Services) -> None:
    # A worker by itself does without.
    from bridge.web.app import serving

    try:
        async with serving(services):
            await services.stop.wait()
    finally:
        # Told besides cancelled: a cancel that meets a call to Redis can be swallowed (python/cpython#86296).
        services.stop.set()


def _told_to_stop(services: Services, number: signal.Signals) -> None:
    if not services.stop.is_set():
        log.info("stopping", signal=number.name)
        services.stop.set()
