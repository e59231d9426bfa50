"""The application, put together from its parts."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp_jinja2
import jinja2
from aiohttp import ClientSession, DummyCookieJar, web

from scripts.sandbox import faults
from scripts.sandbox.flowdock import driver, guard, messages, oauth, sources
from scripts.sandbox.flowdock.config import CONFIG, GRANTS, HTTP, WORLD, Config
from scripts.sandbox.flowdock.grants import Grants
from scripts.sandbox.flowdock.state import World

HERE = Path(__file__).parent
LARGEST_BODY = 1024 * 1024


def create_app(config: Config) -> web.Application:
    """Return the stand-in as an aiohttp application, empty: no sources, no threads, nobody signed in."""
    # aiohttp refuses what reaches its limit; we refuse what exceeds ours.
    app = web.Application(client_max_size=LARGEST_BODY + 1, middlewares=[guard.readable_errors])
    faults.install(app)
    app.middlewares.append(guard.same_origin)
    app[CONFIG] = config
    app[WORLD] = World()
    app[GRANTS] = Grants()
    aiohttp_jinja2.setup(
        app,
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    for module in (oauth, sources, messages, driver):
        app.add_routes(module.routes)
    app.on_response_prepare.append(guard.add_headers)
    app.cleanup_ctx.append(_http)
    return app


async def _http(app: web.Application) -> AsyncIterator[None]:
    async with ClientSession(cookie_jar=DummyCookieJar()) as session:
        app[HTTP] = session
        yield
