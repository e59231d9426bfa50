"""`POST /messages` (Flowdock's API documents, "Messages" and "Threads")."""

from typing import Any

from aiohttp import web

from bridge.inbox.api.messages import WAIT_HEADER
from bridge.inbox.messages import thread_id
from bridge.inbox.validation import check_message
from scripts.sandbox.flowdock.config import CONFIG, WORLD
from scripts.sandbox.flowdock.requests import invalid, read_body
from scripts.sandbox.flowdock.sources import source_of_token
from scripts.sandbox.flowdock.state import Message, Source, Thread, World

routes = web.RouteTableDef()


@routes.post("/messages")
async def post_message(request: web.Request) -> web.Response:
    """Accept a message: 202 and `{}`, or 200 and the message where the client asked to wait for it."""
    content = await read_body(request)
    source = source_of_token(request, content.get("flow_token"))
    world = request.app[WORLD]
    errors = check_message(content, thread_known=_is_known(world, source, content))
    if errors:
        raise invalid(errors)
    message = world.accept(source, content)
    if WAIT_HEADER not in request.headers:
        return web.json_response({}, status=202)
    # A repeat may name a thread that was never made: its uuid was used in another one.
    thread = world.threads.get(message.thread)
    answer = _message_json(message)
    if thread is not None:
        answer["thread"] = _thread_json(thread, request.app[CONFIG].application_name)
    return web.json_response(answer)


def _is_known(world: World, source: Source, content: dict[str, Any]) -> bool:
    external_id = content.get("external_thread_id")
    return isinstance(external_id, str) and thread_id(source.id, external_id) in world.threads


def _message_json(message: Message) -> dict[str, Any]:
    return {
        "tags": [],
        "attachments": [],
        **message.content,
        "id": message.id,
        "sent": int(message.sent * 1000),
        "app": "influx",
        "user": "0",
        "flow": message.flow.id,
        "thread_id": message.thread,
    }


def _thread_json(thread: Thread, application: str) -> dict[str, Any]:
    return {
        "actions": [],
        "fields": [],
        **thread.state,
        "id": thread.id,
        "source": {"id": thread.source, "application": application},
        "activities": thread.activities,
        "internal_comments": 0,
        "external_comments": thread.discussions,
    }
