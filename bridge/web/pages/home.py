"""The home page: what bridge is and how to use it, or a signed-in user's flows."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from aiohttp import web
from redis.exceptions import RedisError

from bridge.clients.github_credentials import App
from bridge.clients.github_webhooks import EVENTS
from bridge.core.errors import BridgeError, FlowdockFailing, FlowdockRejected
from bridge.core.model import Connection, Flow
from bridge.queue.inspect import DeadLetterSummary
from bridge.services import Services
from bridge.storage.delivery_log import Digest
from bridge.web import render
from bridge.web.auth import sessions
from bridge.web.context import SERVICES
from bridge.web.http.visits import VISITOR
from bridge.web.pages import chart

REDIS_SECONDS = 3
"""Seconds that the page waits for Redis's answer."""

routes = web.RouteTableDef()


@dataclass(frozen=True, kw_only=True)
class ConnectionState:
    """The summary of a connection.

    `repository` is its present name; `digest` is None until a first delivery brings the repository's id.
    """

    connection: Connection
    repository: str
    digest: Digest | None
    dead: Sequence[DeadLetterSummary] = ()
    """Dead letters, the newest first."""


@routes.get("/", name="home")
async def home(request: web.Request) -> web.Response:
    """Show this installation's state and, to a signed-in user, their flows and connections."""
    services = request.app[SERVICES]
    vitals = await _vitals(services)
    # Redis keeps the sessions.
    session = await sessions.current(request) if vitals else None
    if session is None and VISITOR in request:
        return render.redirect(sessions.sign_in_url("/"))
    flows: list[tuple[Flow, list[ConnectionState]]] = []
    failure = ""
    if session is not None:
        try:
            mine = await services.flowdock.flows(session.access_token)
            await services.members.joined(session.user.id, mine)
            flows = await _flows(services, mine)
        except (FlowdockFailing, FlowdockRejected) as error:
            failure = str(error)
    return render.page(
        request,
        "home.html",
        settings=services.settings,
        vitals=vitals,
        github_app=await _app(services),
        flows=flows,
        failure=failure,
        draw=chart.draw,
        events=EVENTS,
    )


async def _app(services: Services) -> App | None:
    try:
        return await services.credentials.app()
    except (BridgeError, RedisError, OSError):
        return None


async def _vitals(services: Services) -> tuple[int, float | None] | None:
    """Return `QueueView.vitals`; None while Redis is away."""
    try:
        async with asyncio.timeout(REDIS_SECONDS):
            return await services.queue_view.vitals()
    except (RedisError, OSError):
        return None


async def _flows(services: Services, flows: Iterable[Flow]) -> list[tuple[Flow, list[ConnectionState]]]:
    """Return these flows with the states of their connections, sorted by name."""
    found = {flow.path.lower(): (flow, list[ConnectionState]()) for flow in flows}
    mine = [one for one in await services.connections.all() if one.flow.lower() in found]
    for state in await _states(services, mine):
        found[state.connection.flow.lower()][1].append(state)
    return sorted(found.values(), key=lambda one: one[0].name.lower())


async def _states(services: Services, connections: Sequence[Connection]) -> list[ConnectionState]:
    """Return the summaries of connections by their repositories' names, in as few round trips as for one."""
    known = [(one.repository_id, one.id) for one in connections if one.repository_id is not None]
    digests = await services.delivery_log.digests(known)
    dead = await services.queue_view.dead_letters_of(known)
    names = await services.pulls.repository_names(repository_id for repository_id, _ in known)
    states = [
        ConnectionState(
            connection=one,
            repository=names.get(one.repository_id or 0, one.repository),
            digest=digests.get(one.id),
            dead=dead.get(one.id, ()),
        )
        for one in connections
    ]
    return sorted(states, key=lambda state: state.repository.lower())
