"""A running process: the halves of bridge over open services, until it is told to stop."""

import asyncio
import signal

import structlog

from bridge.services import Services

log = structlog.get_logger()


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
