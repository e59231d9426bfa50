"""Help: what to do when something does not work."""

from contextlib import suppress

from aiohttp import web
from redis.exceptions import RedisError

from bridge.web import render
from bridge.web.auth import sessions

routes = web.RouteTableDef()


@routes.get("/help", name="help")
async def show(request: web.Request) -> web.Response:
    """Show what usually goes wrong, and what to do; to everyone."""
    with suppress(RedisError, OSError):
        await sessions.current(request)
    return render.page(request, "help.html")
