"""The home page: bridge and how to install it for a visitor, their flows for a signed-in user."""

from aiohttp import web
from redis.exceptions import RedisError

from bridge.clients.github_credentials import App
from bridge.clients.github_webhooks import EVENTS
from bridge.core.errors import BridgeError, FlowdockFailing, FlowdockRejected
from bridge.services import Services
from bridge.web import render
from bridge.web.auth import sessions
from bridge.web.context import SERVICES, Session
from bridge.web.http.visits import VISITOR
from bridge.web.pages import chart
from bridge.web.pages.overview import FlowState, Overview

routes = web.RouteTableDef()


@routes.get("/", name="home")
async def home(request: web.Request) -> web.Response:
    """Show this installation's state and, to a signed-in user, their flows and connections."""
    services = request.app[SERVICES]
    overview = Overview(services)
    installation = await overview.installation()
    session = await _session(request, redis_answers=installation.redis_answers)
    if session is None and VISITOR in request:
        return render.redirect(sessions.sign_in_url("/"))
    flows: list[FlowState] | None = None
    failure = ""
    if session is not None:
        try:
            mine = await services.flowdock.flows(session.access_token)
            await services.members.joined(session.user.id, mine)
            flows = await overview.flows(mine)
        except (FlowdockFailing, FlowdockRejected) as error:
            failure = str(error)
    return render.page(
        request,
        "home.html",
        settings=services.settings,
        installation=installation,
        github_app=await _app(services),
        flows=flows,
        failure=failure,
        draw=chart.draw,
        events=EVENTS,
    )


async def _session(request: web.Request, *, redis_answers: bool) -> Session | None:
    """Return the session; None while Redis, which keeps it, is away."""
    return await sessions.current(request) if redis_answers else None


async def _app(services: Services) -> App | None:
    try:
        return await services.credentials.app()
    except (BridgeError, RedisError, OSError):
        return None
