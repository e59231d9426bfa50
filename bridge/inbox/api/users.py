"""The API's users and flows (Flowdock's API documents, "Users" and "Flows")."""

from aiohttp import web

from bridge.inbox.api import shapes
from bridge.inbox.api.requests import answer_to, caller, members_flow, only_members
from bridge.inbox.context import API, INBOX
from bridge.inbox.flows import TeamFlow
from bridge.inbox.people import InboxPerson

routes = web.RouteTableDef()


@routes.get(f"{API}/user")
async def show_user(request: web.Request) -> web.Response:
    """Show the person whose token came along."""
    person = await caller(request, "profile")
    return answer_to(person, shapes.user(person))


@routes.get(f"{API}/flows")
async def list_flows(request: web.Request) -> web.Response:
    """List the person's flows, each with its users if `?users=1`."""
    person, inbox = await caller(request, "flow"), request.app[INBOX]
    flows = await inbox.flows.of(person.id)
    if request.query.get("users") == "1":
        return answer_to(person, [shapes.flow(inbox, one, await _members(request, one)) for one in flows])
    return answer_to(person, [shapes.flow(inbox, one) for one in flows])


@routes.get(f"{API}/flows/find")
async def find_flow(request: web.Request) -> web.Response:
    """Show the flow with `?id=`."""
    person, inbox = await caller(request, "flow"), request.app[INBOX]
    found = await inbox.flows.get(request.query.get("id", ""))
    return await _shown(request, person, await only_members(inbox, found, person))


@routes.get(f"{API}/flows/{{org}}/{{flow}}")
async def show_flow(request: web.Request) -> web.Response:
    """Show a flow."""
    person = await caller(request, "flow")
    return await _shown(request, person, await members_flow(request, person))


async def _shown(request: web.Request, person: InboxPerson, flow: TeamFlow) -> web.Response:
    return answer_to(person, shapes.flow(request.app[INBOX], flow, await _members(request, flow)))


async def _members(request: web.Request, flow: TeamFlow) -> list[InboxPerson]:
    inbox = request.app[INBOX]
    found = await inbox.people.those(await inbox.flows.members(flow.id))
    return sorted(found.values(), key=lambda person: person.nick.lower())
