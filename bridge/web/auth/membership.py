"""Access to connections: for members of the flow, as Flowdock confirms at that moment."""

from aiohttp import web

from bridge.core.errors import FlowdockRejected, NotAMember, NotFound
from bridge.core.model import Connection
from bridge.web.auth import sessions
from bridge.web.context import SERVICES, Session


class NotYours(NotFound):
    """No such connection, or another flow's: the answer is the same, so nothing is revealed."""

    advice = "Sign in as a member of the flow, or open the connection from the flow's settings."
    sentence = "this connection does not exist, or belongs to a flow you are not in"


async def connection_for(request: web.Request, connection_id: str) -> tuple[Session, Connection]:
    """Return the session and a connection, if the user is a member of its flow; ask Flowdock each time.

    Raises `SignInNeeded`, `NotYours`, `SignedOut` or `FlowdockFailing`.
    """
    session = await sessions.required(request)
    connection = await request.app[SERVICES].connections.get(connection_id)
    return session, await member_of(request, session, connection)


async def member_of(request: web.Request, session: Session, connection: Connection | None) -> Connection:
    """Return the connection if it exists and the user is in its flow; raises as `connection_for` does."""
    # A flow token that was made by hand names no flow: nobody can show that they are in it.
    if connection is None or not connection.flow:
        raise NotYours
    services = request.app[SERVICES]
    try:
        await services.flowdock.flow(connection.flow, session.access_token)
    except (NotAMember, FlowdockRejected):
        await services.members.left(session.user.id, connection.flow)
        raise NotYours from None
    return connection
