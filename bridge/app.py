"""The wiring: services, routes and worker made into a running process."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp_jinja2
import jinja2
import structlog
from aiohttp import web

from bridge.services import Services
from bridge.web import (
    account,
    actions,
    configure,
    filters,
    health,
    home,
    journal,
    linking,
    manifest,
    middleware,
    sessions,
    setup,
    webhook,
)
from bridge.web.keys import SERVICES

_WEB = Path(__file__).parent / "web"
DRAIN_SECONDS = 20

log = structlog.get_logger()


def create_app(services: Services) -> web.Application:
    """The web application over open services."""
    app = web.Application(
        middlewares=[middleware.log_requests, middleware.answer_errors], client_max_size=64 * 1024
    )
    app[SERVICES] = services
    aiohttp_jinja2.setup(
        app,
        loader=jinja2.FileSystemLoader(_WEB / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        filters=filters.FILTERS,
    )
    for module in (
        webhook,
        actions,
        linking,
        sessions,
        health,
        home,
        account,
        journal,
        setup,
        manifest,
        configure,
    ):
        app.add_routes(module.routes)
    app.router.add_static("/static/", _WEB / "static", name="static")
    app.on_response_prepare.append(middleware.safe_headers(services.settings))
    return app


@asynccontextmanager
async def serving(services: Services) -> AsyncIterator[None]:
    """The web application on PORT; on leaving, requests under way are finished."""
    runner = web.AppRunner(
        create_app(services), access_log=None, shutdown_timeout=DRAIN_SECONDS, handle_signals=False
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, port=services.settings.port, backlog=1024).start()
        log.info("listening", port=services.settings.port, web_url=services.settings.web_url)
        yield
    finally:
        await runner.cleanup()


async def run(services: Services, *, web_half: bool, worker_half: bool) -> None:
    """Run one half of bridge or both until SIGTERM or SIGINT; then drain within 25 seconds."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _told_to_stop, services, number)
    async with asyncio.TaskGroup() as group:
        if worker_half:
            group.create_task(services.worker().run())
            group.create_task(services.watcher().run())
            group.create_task(services.caretaker().run())
        if web_half:
            group.create_task(_serve(services))
    log.info("stopped")


async def _serve(services: Services) -> None:
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
