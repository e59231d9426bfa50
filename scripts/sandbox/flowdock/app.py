"""The application, put together from its parts."""

from collections.abc import AsyncIterator

from aiohttp import ClientSession, DummyCookieJar, web

from bridge.core.errors import BridgeError
from bridge.inbox.app import install_api
from bridge.inbox.context import API
from bridge.inbox.people.sessions import MEMBERSHIPS, SESSIONS, SessionStore
from bridge.storage.client import close_redis, connect_redis
from bridge.web.http.bodies import BODIES, Bodies
from bridge.web.http.cookies import HTTPS
from bridge.web.http.rate_limit import LIMITS, Limits
from scripts.sandbox import faults
from scripts.sandbox.flowdock import door, driver
from scripts.sandbox.flowdock.config import STAND_IN, Config, RecordingInbox


def create_app(config: Config) -> web.Application:
    """Return the stand-in as an aiohttp application; what its Redis holds is lost when it starts."""
    app = web.Application(middlewares=[_readable_errors, door.forget])
    faults.install(app, below=API)
    app[STAND_IN] = inbox = RecordingInbox(
        redis=connect_redis(config.redis_url),
        http=ClientSession(cookie_jar=DummyCookieJar(), trace_configs=[driver.traced()]),
        web_url=config.web_url,
        application_url=config.application_url,
        client_id=config.client_id,
        client_secret=config.client_secret,
    )
    app[BODIES], app[LIMITS], app[HTTPS] = Bodies(), Limits(), False
    app[SESSIONS], app[MEMBERSHIPS] = SessionStore(inbox.redis), door.NoMemberships()
    app.cleanup_ctx.append(_begin)
    install_api(app, inbox)
    for module in (door, driver):
        app.add_routes(module.routes)
    return app


async def _begin(app: web.Application) -> AsyncIterator[None]:
    inbox = app[STAND_IN]
    await driver.begin_anew(inbox)
    yield
    await inbox.http.close()
    await close_redis(inbox.redis)


@web.middleware
async def _readable_errors(request: web.Request, handler: faults.Handler) -> web.StreamResponse:
    """Answer what the inbox refuses a person; programs' refusals it answers itself."""
    try:
        return await handler(request)
    except BridgeError as error:
        return web.Response(status=error.status, text=str(error))
