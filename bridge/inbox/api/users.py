"""The API's users and flows (Flowdock's API documents, "Users" and "Flows")."""

from aiohttp import web

from bridge.inbox.api import shapes
from bridge.inbox.api.requests import ApiRefusal, answer_to, caller, member, only_members
from bridge.inbox.context import API, INBOX
from bridge.inbox.flows.flows import TeamFlow
from bridge.inbox.people.people import InboxPerson

routes = web.RouteTableDef()


@routes.get(f"{API}/user")
async def show_user(request: web.Request) -> web.Response:
    """Show the person whose token came along."""
    person = await caller(request, "profile")
    return answer_to(person, shapes.user(person))


@routes.get(f"{API}/users")
async def list_users(request: web.Request) -> web.Response:
    """List the people who share a flow with the caller."""
    person = await caller(request, "flow")
    return answer_to(person, [shapes.user(one) for one in await _known(request, person)])


@routes.get(f"{API}/users/{{id}}")
async def show_known_user(request: web.Request) -> web.Response:
    """Show one of them."""
    person = await caller(request, "flow")
    for one in await _known(request, person):
        if str(one.id) == request.match_info["id"]:
            return answer_to(person, shapes.user(one))
    raise ApiRefusal(404, "There is no such person, or you share no flow with them.")


@routes.get(f"{API}/flows/all")
@routes.get(f"{API}/flows")
async def list_flows(request: web.Request) -> web.Response:
    """List the person's flows, each with its users if `?users=1`."""
    person, inbox = await caller(request, "flow"), request.app[INBOX]
    flows = await inbox.flows.of(person.id)
    if request.query.get("users") == "1":
        return answer_to(person, [shapes.flow(inbox, one, await inbox.members(one)) for one in flows])
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
    return await _shown(request, *await member(request))


@routes.get(f"{API}/flows/{{org}}/{{flow}}/users")
async def list_flow_users(request: web.Request) -> web.Response:
    """List the members of a flow."""
    person, flow = await member(request)
    return answer_to(person, [shapes.user(one) for one in await request.app[INBOX].members(flow)])


async def _shown(request: web.Request, person: InboxPerson, flow: TeamFlow) -> web.Response:
    inbox = request.app[INBOX]
    return answer_to(person, shapes.flow(inbox, flow, await inbox.members(flow)))


async def _known(request: web.Request, person: InboxPerson) -> list[InboxPerson]:
    inbox = request.app[INBOX]
    return await inbox.members(*await inbox.flows.of(person.id))
