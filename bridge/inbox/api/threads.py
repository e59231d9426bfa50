"""The API's reading of threads and messages (Flowdock's API documents, "Threads" and "List Messages")."""

from aiohttp import web

from bridge.inbox.api import shapes
from bridge.inbox.api.requests import ApiRefusal, answer_to, caller, invalid, members_flow
from bridge.inbox.context import API, INBOX
from bridge.inbox.flows import TeamFlow
from bridge.inbox.people import InboxPerson
from bridge.inbox.stored import InboxThread, StoredMessage

MOST = 100
"""Threads or messages of one answer."""

LATEST = 10**15

FLOW = f"{API}/flows/{{org}}/{{flow}}"
THREAD = f"{FLOW}/threads/{{thread}}"

routes = web.RouteTableDef()


@routes.get(f"{FLOW}/threads")
async def list_threads(request: web.Request) -> web.Response:
    """List threads, the newest activity first: `limit` of them, `until` a message's id."""
    person, flow = await reader(request)
    found = await request.app[INBOX].messages.threads(
        flow.id, before=_number(request, "until", LATEST), limit=_limit(request)
    )
    return answer_to(person, [shapes.thread(one) for one in found])


@routes.get(THREAD)
async def show_thread(request: web.Request) -> web.Response:
    """Show a thread."""
    person, flow = await reader(request)
    return answer_to(person, shapes.thread(await wanted_thread(request, flow)))


@routes.get(f"{THREAD}/messages")
async def list_thread_messages(request: web.Request) -> web.Response:
    """List a thread's messages, the newest `limit` of them, between `since_id` and `until_id`."""
    person, flow = await reader(request)
    thread = await wanted_thread(request, flow)
    found = await request.app[INBOX].messages.messages(
        thread,
        after=_number(request, "since_id", 0),
        before=_number(request, "until_id", LATEST),
        limit=_limit(request),
    )
    return answer_to(person, [shapes.message(one) for one in _wanted(request, found)])


@routes.get(f"{FLOW}/messages")
async def list_messages(request: web.Request) -> web.Response:
    """List a flow's messages likewise: the newest, or with `sort=asc` the oldest; by `event` and `tags`."""
    person, flow = await reader(request)
    found = await request.app[INBOX].messages.flow_messages(
        flow.id,
        after=_number(request, "since_id", 0),
        before=_number(request, "until_id", LATEST),
        limit=_limit(request),
        newest=request.query.get("sort") != "asc",
    )
    return answer_to(person, [shapes.message(one) for one in _wanted(request, found)])


@routes.get(f"{FLOW}/messages/{{id}}")
async def show_message(request: web.Request) -> web.Response:
    """Show a message with its thread."""
    person, flow = await reader(request)
    found = await wanted_message(request, flow, request.match_info["id"])
    thread = await request.app[INBOX].messages.thread(flow.id, found.thread_id)
    return answer_to(person, shapes.message(found, thread))


async def reader(request: web.Request) -> tuple[InboxPerson, TeamFlow]:
    """Return a person with the scope `flow`, and the flow in the path; raises `ApiRefusal`."""
    person = await caller(request, "flow")
    return person, await members_flow(request, person)


async def wanted_message(request: web.Request, flow: TeamFlow, wanted: str) -> StoredMessage:
    """Return the flow's message with an id; raises `ApiRefusal`."""
    is_id = wanted.isascii() and wanted.isdecimal() and len(wanted) < 16
    found = await request.app[INBOX].messages.message(flow.id, int(wanted)) if is_id else None
    if found is None:
        raise ApiRefusal(404, "There is no such message in this flow, or it is no longer kept.")
    return found


async def wanted_thread(request: web.Request, flow: TeamFlow) -> InboxThread:
    """Return the flow's thread in the path; raises `ApiRefusal`."""
    found = await request.app[INBOX].messages.thread(flow.id, request.match_info["thread"])
    if found is None:
        raise ApiRefusal(404, "There is no such thread in this flow, or it is no longer kept.")
    return found


def _wanted(request: web.Request, found: list[StoredMessage]) -> list[StoredMessage]:
    """Return the messages of the events and with all of the tags that are asked for."""
    events = set(filter(None, request.query.get("event", "").split(",")))
    tags = set(filter(None, request.query.get("tags", "").split(",")))
    return [
        one
        for one in found
        if (not events or one.content["event"] in events) and tags <= set(one.content.get("tags") or ())
    ]


def _limit(request: web.Request) -> int:
    return max(1, min(MOST, _number(request, "limit", 30)))


def _number(request: web.Request, name: str, default: int) -> int:
    value = request.query.get(name, "")
    if value and not (value.isascii() and value.isdecimal() and len(value) < 16):
        raise invalid({name: ["must be a number"]})
    return int(value) if value else default
