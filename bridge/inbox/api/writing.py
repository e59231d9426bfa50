"""People's own messages (Flowdock's API documents, "Send a message"): each belongs to a thread."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from bridge.inbox.api import shapes
from bridge.inbox.api.requests import (
    ApiRefusal,
    answer_to,
    caller,
    invalid,
    member,
    only_members,
    read_object,
)
from bridge.inbox.api.threads import FLOW, THREAD, wanted_message, wanted_thread
from bridge.inbox.context import API, INBOX
from bridge.inbox.flows.flows import TeamFlow
from bridge.inbox.people.people import InboxPerson
from bridge.inbox.replies import MAX_REPLY, change_reply, post_reply
from bridge.inbox.tags import listed
from bridge.inbox.threads.validation import BLANK, NOT_LIST, NOT_LISTED, NOT_TEXT

LEFT_OUT = {
    "status": "The inbox has no status messages.",
    "file": "The inbox stores no files.",
}

routes = web.RouteTableDef()


@routes.post(f"{THREAD}/messages")
async def write(request: web.Request) -> web.Response:
    """Write in a thread: `{"event": "message", "content": …, "tags": […]}`."""
    person, flow = await member(request)
    thread = await wanted_thread(request, flow)
    return await _written(request, person, flow, thread.id, await read_object(request))


@routes.post(f"{FLOW}/messages")
async def write_in_flow(request: web.Request) -> web.Response:
    """Write in the thread of `thread_id`."""
    person, flow = await member(request)
    return await _written(request, person, flow, "", await read_object(request))


@routes.post(f"{FLOW}/messages/{{id}}/comments")
async def comment(request: web.Request) -> web.Response:
    """Write in the thread of the message in the path."""
    person, flow = await member(request)
    parent = await wanted_message(request, flow, request.match_info["id"])
    return await _written(request, person, flow, parent.thread_id, await read_object(request))


@routes.post(f"{API}/comments")
async def comment_by_id(request: web.Request) -> web.Response:
    """Write in the thread of `message`, in the flow of `flow`."""
    body = await read_object(request)
    person, flow = await _named_flow(request, body)
    parent = await wanted_message(request, flow, str(body.get("message", "")))
    return await _written(request, person, flow, parent.thread_id, body)


@routes.put(f"{FLOW}/messages/{{id}}")
async def change(request: web.Request) -> web.Response:
    """Give one's own message other `content`, and other `tags` if they are given."""
    person, flow = await member(request)
    message = await wanted_message(request, flow, request.match_info["id"])
    body = await read_object(request)
    given = body.get("tags")
    tags = listed([tag for tag in message.content["tags"] if tag[:1] != ":"] if given is None else given)
    errors = _errors(body, "message")
    if tags is None:
        errors["tags"] = [NOT_LIST]
    if errors:
        raise invalid(errors)
    inbox = request.app[INBOX]
    await change_reply(inbox, person, message, str(body["content"]).strip(), tags=tags or ())
    changed = await inbox.messages.message(flow.id, message.id)
    return answer_to(person, shapes.message(changed) if changed else {})


@routes.delete(f"{FLOW}/messages/{{id}}")
async def delete(request: web.Request) -> web.Response:
    """Delete one's own message."""
    person, flow = await member(request)
    message = await wanted_message(request, flow, request.match_info["id"])
    await request.app[INBOX].changes.change(message, person.id, None)
    return web.Response(status=204, headers={"Flowdock-User": str(person.id)})


async def write_by_flow_id(request: web.Request, body: dict[str, Any]) -> web.Response:
    """Write in the thread of `thread_id`, in the flow of `flow`: `POST /messages` of a person."""
    person, flow = await _named_flow(request, body)
    return await _written(request, person, flow, "", body)


async def _named_flow(request: web.Request, body: Mapping[str, Any]) -> tuple[InboxPerson, TeamFlow]:
    person, inbox = await caller(request, "flow"), request.app[INBOX]
    return person, await only_members(inbox, await inbox.flows.get(str(body.get("flow", ""))), person)


async def _written(
    request: web.Request, person: InboxPerson, flow: TeamFlow, thread_id: str, body: Mapping[str, Any]
) -> web.Response:
    event = body.get("event", "message")
    if isinstance(event, str) and event in LEFT_OUT:
        raise ApiRefusal(404, LEFT_OUT[event])
    thread_id = thread_id or str(body.get("thread_id") or "")
    if not thread_id:
        raise ApiRefusal(404, "The inbox has no chat outside threads: give a thread's id as thread_id.")
    inbox, tags = request.app[INBOX], listed(body.get("tags"))
    thread = await inbox.messages.thread(flow.id, thread_id)
    errors = _errors(body, event)
    if tags is None:
        errors["tags"] = [NOT_LIST]
    if thread is None:
        errors["thread_id"] = ["is not a thread of this flow"]
    if errors:
        raise invalid(errors)
    posted = await post_reply(
        inbox, person, flow, thread_id, str(body["content"]).strip(), tags=tags or (), uuid=body.get("uuid")
    )
    message = await inbox.messages.message(flow.id, posted)
    return answer_to(person, shapes.message(message, thread) if message else {"id": posted}, status=201)


def _errors(body: Mapping[str, Any], event: object) -> dict[str, list[str]]:
    text, uuid, errors = body.get("content"), body.get("uuid"), {}
    if event not in ("message", "comment"):
        errors["event"] = [NOT_LISTED]
    if not isinstance(text, str) or not text.strip():
        errors["content"] = [BLANK]
    elif len(text) > MAX_REPLY:
        errors["content"] = [f"is longer than {MAX_REPLY} characters"]
    if uuid is not None and not isinstance(uuid, str):
        errors["uuid"] = [NOT_TEXT]
    return errors
