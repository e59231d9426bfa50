"""The web application: routes over services, and what serves them."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp_jinja2
import jinja2
import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from bridge.core.errors import BridgeError, Unavailable
from bridge.core.urls import avatar_origins
from bridge.inbox.api import addresses
from bridge.services import Services
from bridge.settings import Settings
from bridge.web import fast_path, inbox, render
from bridge.web.auth import handover, linking, oauth_callback, sessions
from bridge.web.auth.oauth_callback import GITHUB_CALLBACKS
from bridge.web.context import FOR_MACHINES, SERVICES
from bridge.web.endpoints import actions, health, webhook
from bridge.web.http import bodies, middleware, once, rate_limit, server
from bridge.web.http.bodies import BODIES, Bodies
from bridge.web.http.cookies import HTTPS
from bridge.web.http.rate_limit import LIMITS, Limits
from bridge.web.http.server import Handle
from bridge.web.pages import account, connection, deliveries, github_app, help, home, setup

_WEB = Path(__file__).parent
DRAIN_SECONDS = 20
IDLE_SECONDS = 95
"""Seconds until a connection without a whole request is closed: a little longer than proxies keep theirs."""
LINGERING_SECONDS = 3
"""Seconds to read the rest of a refused body, so that its sender sees the answer."""
MAX_LINE = 8190
"""Bytes of a request's line, and of each of its headers (at most 128)."""

_ENDPOINTS = (webhook, actions, health)
_SIGN_IN = (oauth_callback, linking, handover, sessions)
_PAGES = (home, account, deliveries, setup, github_app, connection, help)
_BESIDE_INBOX = (oauth_callback, health, help)
"""All that there is beside an inbox that runs alone."""

log = structlog.get_logger()


def create_app(services: Services, *, for_machines: bool = False) -> web.Application:
    """Make the web application; `for_machines`: a worker's own, with health and metrics alone."""
    settings = services.settings
    app = web.Application(
        middlewares=[middleware.around, rate_limit.by_address, bodies.read_forms, once.answer],
        client_max_size=64 * 1024,
    )
    app[SERVICES] = services
    app[FOR_MACHINES] = for_machines
    app[HTTPS] = settings.web_url.startswith("https:")
    app[LIMITS] = Limits(page_limit=settings.page_limit, action_limit=settings.action_limit)
    app[BODIES] = Bodies()
    app[sessions.FLOWDOCK_SIGN_IN] = sessions.FlowdockSignIn()
    app[linking.LENDER] = linking.AccountLender()
    callbacks: dict[str, Handler] = {handover.STATE: handover.signed_in, "": linking.signed_in_at_github}
    app[GITHUB_CALLBACKS] = callbacks
    aiohttp_jinja2.setup(
        app,
        loader=_templates(),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        auto_reload=False,
        filters=render.FILTERS,
    )
    aiohttp_jinja2.get_env(app).globals.update(_names(settings))
    if for_machines:
        app.add_routes(health.routes)
    else:
        _add_routes(app, services)
    app.on_response_prepare.append(middleware.add_headers(middleware.safe_headers(settings)))
    return app


def _add_routes(app: web.Application, services: Services) -> None:
    alone = bool(services.settings.inbox_application_url)
    for module in _BESIDE_INBOX if alone else (*_ENDPOINTS, *_SIGN_IN, *_PAGES):
        app.add_routes(module.routes)
    if alone:
        app.router.add_get("/", inbox.at_root, name="home")
    if services.settings.inbox:
        inbox.install(app, services)
    app.router.add_static("/static/", _WEB / "static", name="static")


def _names(settings: Settings) -> dict[str, str | bool | tuple[str, ...]]:
    """Return what every template knows; `bridge_url` is empty where bridge's pages are here."""
    return {
        "has_inbox": settings.inbox,
        "chat": settings.chat,
        "bridge_url": settings.inbox_application_url,
        # Any other host would learn who reads what, and when.
        "avatar_hosts": tuple(f"{one}/" for one in avatar_origins(settings.github_url)),
    }


def _templates() -> jinja2.BaseLoader:
    own = jinja2.FileSystemLoader(_WEB / "templates")
    return jinja2.ChoiceLoader([own, jinja2.PrefixLoader({"inbox": jinja2.PackageLoader("bridge.inbox")})])


def make_runner(app: web.Application, **options: Any) -> web.AppRunner:
    """Make the application's runner; `options` replace those that aiohttp's runner is given."""
    return _runner(app, app[SERVICES].settings, partial(_around, app), **options)


def _runner(
    app: web.Application, settings: Settings, shortcut: Callable[[Handle], Handle], **options: Any
) -> web.AppRunner:
    usual: dict[str, Any] = {
        "access_log": None,
        "shutdown_timeout": DRAIN_SECONDS,
        "handle_signals": False,
        # Also bounds the time to send a request's headers.
        "keepalive_timeout": IDLE_SECONDS,
        "lingering_time": LINGERING_SECONDS,
        "max_line_size": MAX_LINE,
        "max_field_size": MAX_LINE,
        # A compressed body is refused (`bodies.refuse_encoded`), and never inflated before.
        "auto_decompress": False,
    }
    headers = middleware.safe_headers(settings)
    return server.Runner(app, headers=headers, shortcut=shortcut, **usual | options)


def _around(app: web.Application, whole: Handle) -> Handle:
    settings = app[SERVICES].settings
    if app[FOR_MACHINES]:
        return whole
    handle = addresses.at_root(whole) if settings.inbox else whole
    return handle if settings.inbox_application_url else fast_path.shortcut(app, handle)


@asynccontextmanager
async def serving(services: Services, *, for_machines: bool = False) -> AsyncIterator[None]:
    """Serve the web application on PORT, or a worker's own on METRICS_PORT.

    On leaving, finish the requests under way.
    """
    app = create_app(services, for_machines=for_machines)
    async with _listening(make_runner(app), services.settings, for_machines=for_machines) as port:
        log.info("listening", port=port, web_url=services.settings.web_url)
        async with inbox.notifying(app):
            yield


@asynccontextmanager
async def refusing(settings: Settings, *, for_machines: bool = False) -> AsyncIterator[None]:
    """Listen as `serving` does, but answer that Redis is away: a process that starts has no services yet."""
    app, away = web.Application(), Unavailable()

    async def refuse(_: web.Request) -> web.Response:
        headers = {"Retry-After": str(away.retry_after)}
        return web.json_response({"error": str(away)}, status=away.status, headers=headers)

    app.router.add_get("/healthz", health.healthz)
    app.router.add_route("*", "/{any:.*}", refuse)
    app.on_response_prepare.append(middleware.add_headers(middleware.safe_headers(settings)))
    runner = _runner(app, settings, lambda whole: whole)
    async with _listening(runner, settings, for_machines=for_machines):
        yield


@asynccontextmanager
async def _listening(runner: web.AppRunner, settings: Settings, *, for_machines: bool) -> AsyncIterator[int]:
    """Listen, and yield the port; raises `BridgeError` if that cannot be had."""
    port = settings.metrics_port if for_machines else settings.port
    # Only then: otherwise a port that is taken must be refused.
    share = settings.web_concurrency > 1 or None
    await runner.setup()
    try:
        site = web.TCPSite(runner, settings.listen_address, port, backlog=1024, reuse_port=share)
        try:
            await site.start()
        except OSError as error:
            raise BridgeError(f"cannot listen on port {port}: {error}") from None
        yield port
    finally:
        await runner.cleanup()
