"""The API's reading of threads and messages, and people's own messages (Flowdock's API documents)."""

from typing import Any

from aiohttp import web

from bridge.inbox.api import shapes
from bridge.inbox.api.requests import ApiRefusal, answer_to, caller, invalid, members_flow, read_object
from bridge.inbox.context import API, INBOX
from bridge.inbox.flows import TeamFlow
from bridge.inbox.messages import InboxThread, StoredMessage
from bridge.inbox.people import InboxPerson
from bridge.inbox.replies import MAX_REPLY, post_reply
from bridge.inbox.validation import BLANK

MOST = 100
"""Threads or messages of one answer."""

LATEST = 10**15

_FLOW = f"{API}/flows/{{org}}/{{flow}}"
_THREAD = f"{_FLOW}/threads/{{thread}}"

routes = web.RouteTableDef()


@routes.get(f"{_FLOW}/threads")
async def list_threads(request: web.Request) -> web.Response:
    """List threads, the newest activity first: `limit` of them, `until` a message's id."""
    person, flow = await _reader(request)
    found = await request.app[INBOX].messages.threads(
        flow.id, before=_number(request, "until", LATEST), limit=_limit(request)
    )
    return answer_to(person, [shapes.thread(one) for one in found])


@routes.get(_THREAD)
async def show_thread(request: web.Request) -> web.Response:
    """Show a thread."""
    person, flow = await _reader(request)
    return answer_to(person, shapes.thread(await _thread(request, flow)))


@routes.get(f"{_THREAD}/messages")
async def list_thread_messages(request: web.Request) -> web.Response:
    """List a thread's messages, the newest `limit` of them, between `since_id` and `until_id`."""
    person, flow = await _reader(request)
    thread = await _thread(request, flow)
    found = await request.app[INBOX].messages.messages(
        thread,
        after=_number(request, "since_id", 0),
        before=_number(request, "until_id", LATEST),
        limit=_limit(request),
    )
    return answer_to(person, [shapes.message(one) for one in _wanted(request, found)])


@routes.get(f"{_FLOW}/messages")
async def list_messages(request: web.Request) -> web.Response:
    """List a flow's messages likewise: the newest, or with `sort=asc` the oldest; by `event` and `tags`."""
    person, flow = await _reader(request)
    found = await request.app[INBOX].messages.flow_messages(
        flow.id,
        after=_number(request, "since_id", 0),
        before=_number(request, "until_id", LATEST),
        limit=_limit(request),
        newest=request.query.get("sort") != "asc",
    )
    return answer_to(person, [shapes.message(one) for one in _wanted(request, found)])


@routes.get(f"{_FLOW}/messages/{{id}}")
async def show_message(request: web.Request) -> web.Response:
    """Show a message with its thread."""
    person, flow = await _reader(request)
    messages, wanted = request.app[INBOX].messages, request.match_info["id"]
    found = await messages.message(flow.id, int(wanted)) if wanted.isdecimal() and len(wanted) < 16 else None
    if found is None:
        raise ApiRefusal(404, "There is no such message in this flow, or it is no longer kept.")
    return answer_to(person, shapes.message(found, await messages.thread(flow.id, found.thread_id)))


@routes.post(f"{_THREAD}/messages")
async def write(request: web.Request) -> web.Response:
    """Write in a thread: `{"event": "message", "content": …, "tags": […]}`."""
    person, flow = await _reader(request)
    thread = await _thread(request, flow)
    return await _written(request, person, flow, thread, await read_object(request))


@routes.post(f"{_FLOW}/messages")
async def write_by_thread_id(request: web.Request) -> web.Response:
    """Write in the thread of `thread_id`; a message outside any thread is not taken."""
    person, flow = await _reader(request)
    body = await read_object(request)
    thread = await request.app[INBOX].messages.thread(flow.id, str(body.get("thread_id", "")))
    if thread is None:
        raise invalid({"thread_id": ["is not a thread of this flow"]})
    return await _written(request, person, flow, thread, body)


async def _written(
    request: web.Request, person: InboxPerson, flow: TeamFlow, thread: InboxThread, body: dict[str, Any]
) -> web.Response:
    text, uuid = body.get("content"), body.get("uuid")
    errors = {}
    if body.get("event", "message") not in ("message", "comment"):
        errors["event"] = ["is not included in the list"]
    if not isinstance(text, str) or not text.strip():
        errors["content"] = [BLANK]
    elif len(text) > MAX_REPLY:
        errors["content"] = [f"is longer than {MAX_REPLY} characters"]
    if uuid is not None and not isinstance(uuid, str):
        errors["uuid"] = ["must be a string"]
    if errors:
        raise invalid(errors)
    inbox = request.app[INBOX]
    posted = await post_reply(inbox, person, flow, thread.id, str(text).strip(), uuid=uuid)
    message = await inbox.messages.message(flow.id, posted)
    return answer_to(person, shapes.message(message, thread) if message else {"id": posted}, status=201)


async def _reader(request: web.Request) -> tuple[InboxPerson, TeamFlow]:
    person = await caller(request, "flow")
    return person, await members_flow(request, person)


async def _thread(request: web.Request, flow: TeamFlow) -> InboxThread:
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
