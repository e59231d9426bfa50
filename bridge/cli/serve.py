"""The commands `serve`, `web`, `worker`, `inbox`: processes that run until SIGTERM or SIGINT, and then drain.

prometheus_client reads its environment when it is imported, so bridge's services are imported late.
"""

import asyncio
import gc
import importlib
import os
import signal
import tempfile
from contextlib import AbstractAsyncContextManager, aclosing, nullcontext
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import structlog
import uvloop
from redis.exceptions import RedisError

from bridge import __version__, settings
from bridge.cli import inbox, opening, supervisor
from bridge.core.errors import BridgeError
from bridge.process.log import configure
from bridge.process.shutdown import Shutdown
from bridge.settings import Settings
from bridge.storage import servers
from bridge.storage.client import connect_redis

if TYPE_CHECKING:
    from bridge.services import Services

GC_THRESHOLDS = (5_000, 10, 10)
"""Far above Python's own: a request leaves few cycles behind, and each collection stops the process."""

RETRY_SECONDS = 1
"""Until Redis is asked again at the start."""

log = structlog.get_logger()


def start(command: str, environ: opening.Environ) -> None:
    """Run one of the four until it is told to stop; raises `SettingsError`, `BridgeError`."""
    alone = command == "inbox"
    if command == "serve":
        environ = {**environ, **opening.first_settings(environ)}
    chosen = settings.read(environ, needed=settings.NEEDED_ALONE if alone else None)
    if alone and not chosen.inbox:
        raise inbox.NoInbox
    if chosen.inbox_application_url and not alone:
        raise settings.SettingsError(["INBOX_APPLICATION_URL is for `bridge inbox` alone: remove it here"])
    configure(level=chosen.log_level, log_format=chosen.log_format)
    log.info("starting", command=command, version=__version__)
    with opening.redis_url(chosen) as url:
        if command in ("web", "inbox") and chosen.web_concurrency > 1:
            _supervise(command, chosen, url)
        else:
            _run(command, replace(chosen, web_concurrency=1), url)


def _supervise(command: str, chosen: Settings, redis_url: str) -> None:
    supervisor.check_port(chosen.port, chosen.listen_address)
    try:
        metrics = tempfile.TemporaryDirectory(prefix="bridge-metrics-")
    except OSError as error:
        raise BridgeError(f"WEB_CONCURRENCY needs a folder for temporary files: {error}") from None
    with metrics as folder:
        # All processes count in files there, and each answers /metrics with the sum.
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        # Loaded once, its memory is shared by all.
        importlib.import_module("bridge.web.app")
        gc.freeze()
        supervisor.supervise(partial(_run, command, chosen, redis_url), count=chosen.web_concurrency)


def _run(command: str, chosen: Settings, redis_url: str, pipe: int | None = None) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_open(command, chosen, redis_url, pipe))


async def _open(command: str, chosen: Settings, redis_url: str, pipe: int | None) -> None:
    from bridge.services import open_services

    # All that is imported stays: the garbage collector need not look at it again.
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    stop = Shutdown()
    _stop_when_told(stop, pipe)
    if not await _wait_for_redis(command, chosen, redis_url, stop):
        return
    async with open_services(chosen, redis_url=redis_url, for_web=command != "worker", stop=stop) as services:
        # Where several processes serve, each would print another.
        is_one = command == "serve" or (command == "inbox" and pipe is None)
        if is_one and (address := await inbox.first_owner_address(services)):
            print(f"The inbox has no owner yet. Own it by this link, which works once: {address}", flush=True)
        try:
            await run(services, web_half=command != "worker", worker_half=command in ("serve", "worker"))
        # Not except*: until Python 3.11.4 it wraps what is raised in it.
        except ExceptionGroup as group:
            if not all(isinstance(error, BridgeError) for error in group.exceptions):
                raise
            raise group.exceptions[0] from None


async def _wait_for_redis(command: str, chosen: Settings, redis_url: str, stop: Shutdown) -> bool:
    """Bind Redis to the servers of these settings as soon as it answers; refuse all requests until then.

    Returns False if bridge is told to stop before. Raises `AnotherServer`.
    """
    async with aclosing(connect_redis(redis_url, cluster=chosen.redis_cluster)) as redis:

        async def is_bound() -> bool:
            try:
                await servers.bind(redis, chosen.servers)
                if before := await servers.former_address(redis, chosen.web_url):
                    log.warning("web_url_changed", before=before, web_url=chosen.web_url)
            except (RedisError, OSError):
                return False
            return True

        if await is_bound():
            return True
        async with _refusing(command, chosen):
            while not (stop.is_set() or await is_bound()):
                await stop.pause(RETRY_SECONDS)
    return not stop.is_set()


def _refusing(command: str, chosen: Settings) -> AbstractAsyncContextManager[None]:
    if command == "worker" and not chosen.metrics_port:
        return nullcontext()
    from bridge.web.app import refusing

    return refusing(chosen, for_machines=command == "worker")


def _stop_when_told(shutdown: Shutdown, pipe: int | None) -> None:
    """Stop at SIGTERM, at SIGINT, and when the supervisor closes its pipe."""
    loop = asyncio.get_running_loop()

    def stop(reason: str) -> None:
        if pipe is not None:
            loop.remove_reader(pipe)
        if not shutdown.is_set():
            log.info("stopping", reason=reason)
            shutdown.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop, number.name)
    if pipe is not None:
        loop.add_reader(pipe, stop, "supervisor")


async def run(services: "Services", *, web_half: bool, worker_half: bool) -> None:
    """Run one half of bridge or both until told to stop; then drain within 25 seconds."""
    async with asyncio.TaskGroup() as group:
        if worker_half:
            group.create_task(services.worker().run())
            group.create_task(services.conflict_poller().run())
            group.create_task(services.thread_updater().run())
            group.create_task(services.github_reader().run())
            group.create_task(services.connection_monitor().run())
        if web_half or services.settings.metrics_port:
            group.create_task(_serve(services, for_machines=not web_half))
    log.info("stopped")


async def _serve(services: "Services", *, for_machines: bool) -> None:
    # A worker without METRICS_PORT does not load it.
    from bridge.web.app import serving

    try:
        async with serving(services, for_machines=for_machines):
            await services.stop.wait()
    finally:
        # Besides cancelling: a cancel that meets a call to Redis can be swallowed (python/cpython#86296).
        services.stop.set()
