"""The routes below `/_sandbox/`, by which a test or a demo drives the stand-in and looks into it."""

from dataclasses import asdict
from typing import Any

from aiohttp import web

from scripts.sandbox.flowdock.actions import perform
from scripts.sandbox.flowdock.config import CONFIG, GRANTS, HTTP, WORLD
from scripts.sandbox.flowdock.people import Flow, User, find_flow, find_user
from scripts.sandbox.flowdock.requests import Refusal, read_body, require_member
from scripts.sandbox.flowdock.sources import add_source, flow_json
from scripts.sandbox.flowdock.state import Message, Thread, World

routes = web.RouteTableDef()


@routes.post("/_sandbox/sources")
async def create_source(request: web.Request) -> web.Response:
    """Answer with a source without OAuth: `{"flow": "acme/main", "name": …, "external_url": …}`."""
    body = await read_body(request)
    return await add_source(request, _flow(body.get("flow")), body, creator=None)


@routes.delete("/_sandbox/sources/{id}")
async def delete_source(request: web.Request) -> web.Response:
    """Remove a source, as a user of its flow would."""
    world = request.app[WORLD]
    wanted = request.match_info["id"]
    source = next((one for one in world.sources.values() if str(one.id) == wanted), None)
    if source is None:
        raise Refusal(404, f"There is no source {wanted}.")
    world.change_source(source, removed=True)
    return web.Response(status=204)


@routes.post("/_sandbox/members")
async def set_member(request: web.Request) -> web.Response:
    """Let a user into a flow or out of it: `{"flow": "acme/ops", "user": 1003 or "cy", "member": true}`."""
    body = await read_body(request)
    flow, user = _flow(body.get("flow")), _user(body.get("user"))
    request.app[WORLD].set_member(flow, user, member=bool(body.get("member", True)))
    return web.json_response(flow_json(flow, request))


@routes.post("/_sandbox/click")
async def click(request: web.Request) -> web.Response:
    """Click a button: `{"user": 1001 or "ann", "flow": …, "thread": external id, "action": name or end}`."""
    body = await read_body(request)
    flow, user = _flow(body.get("flow")), _user(body.get("user"))
    require_member(request, user, flow)
    thread = _thread(request.app[WORLD], flow, str(body.get("thread")), body.get("source"))
    action = _button(thread, str(body.get("action")))
    outcome = await perform(request.app[HTTP], request.app[CONFIG], user, action)
    return web.json_response(asdict(outcome))


@routes.get("/_sandbox/messages")
async def list_messages(request: web.Request) -> web.Response:
    """Answer with every accepted message, in order, its fields as sent; `?only=uuid,repeat`: those alone."""
    flow = _asked_flow(request)
    world = request.app[WORLD]
    messages = [_message_json(world, one) for one in world.messages if flow in {None, one.flow}]
    if only := request.query.get("only"):
        messages = [{name: one.get(name) for name in only.split(",")} for one in messages]
    return web.json_response(messages)


@routes.get("/_sandbox/threads")
async def list_threads(request: web.Request) -> web.Response:
    """Answer with every thread in its current state, the newest activity first."""
    flow, threads = _asked_flow(request), request.app[WORLD].threads.values()
    newest_first = sorted(threads, key=lambda thread: thread.last.id, reverse=True)
    return web.json_response([_thread_json(one) for one in newest_first if flow in {None, one.flow}])


@routes.post("/_sandbox/reset")
async def reset(request: web.Request) -> web.Response:
    """Forget messages, threads, sources, tokens, and who came into a flow or left it."""
    request.app[WORLD].reset()
    request.app[GRANTS].reset()
    return web.Response(status=204)


def _flow(path: object) -> Flow:
    flow = find_flow(str(path))
    if flow is None:
        raise Refusal(404, f"There is no flow {path}.")
    return flow


def _user(key: object) -> User:
    user = find_user(key)
    if user is None:
        raise Refusal(404, f"There is no user {key}.")
    return user


def _asked_flow(request: web.Request) -> Flow | None:
    return _flow(request.query["flow"]) if "flow" in request.query else None


def _thread(world: World, flow: Flow, external_id: str, source: object) -> Thread:
    """Return the thread by its external id: unless a source is named, one of a source that is still there."""
    candidates = [
        thread
        for thread in world.threads_of(flow)
        if thread.external_id == external_id and str(source or thread.source) == str(thread.source)
    ]
    if not candidates:
        raise Refusal(404, f"There is no thread {external_id} in the flow {flow.path}.")
    return min(candidates, key=lambda thread: world.sources[thread.source].removed)


def _button(thread: Thread, wanted: str) -> dict[str, Any]:
    buttons = [one for one in thread.state.get("actions") or [] if one["@type"] == "UpdateAction"]
    for button in buttons:
        if button["name"] == wanted or (wanted and button["target"]["urlTemplate"].endswith(wanted)):
            return dict(button)
    offered = ", ".join(button["name"] for button in buttons) or "none"
    raise Refusal(404, f"The thread {thread.external_id} has no button {wanted}; it has: {offered}.")


def _message_json(world: World, message: Message) -> dict[str, Any]:
    return {
        **message.content,
        "user_tags": world.user_tags(message.flow, message.content.get("tags") or ()),
        "id": message.id,
        "sent": int(message.sent * 1000),
        "source": message.source,
        "repeat": message.repeat,
    }


def _thread_json(thread: Thread) -> dict[str, Any]:
    state = thread.state
    return {
        "id": thread.id,
        "external_thread_id": thread.external_id,
        "source": thread.source,
        "flow": thread.flow.path,
        "title": state["title"],
        "external_url": state.get("external_url"),
        "status": state.get("status"),
        "fields": state.get("fields") or [],
        "body": state.get("body"),
        "actions": state.get("actions") or [],
        "messages": thread.activities + thread.discussions,
    }
