"""`POST /messages` (Flowdock's API documents, "Messages" and "Threads")."""

from typing import Any

import orjson
from aiohttp import web

from bridge.core.errors import Malformed
from bridge.inbox.api import shapes
from bridge.inbox.api.requests import ApiRefusal, invalid, posting_source, read_object
from bridge.inbox.api.writing import write_by_flow_id
from bridge.inbox.context import API, INBOX, Inbox
from bridge.inbox.flows.sources import FlowSource
from bridge.inbox.tags import listed, resolved
from bridge.inbox.threads.extension import MEMBER
from bridge.inbox.threads.messages import Accepted, UnknownThread
from bridge.inbox.threads.validation import BLANK, check_message

WAIT_HEADER = "X-flowdock-wait-for-message"

routes = web.RouteTableDef()


@routes.post(f"{API}/messages")
async def post_message(request: web.Request) -> web.Response:
    """Take a source's message: 202, or 200 with the message where the client asked to wait for it.

    A message with a `flow` and without a `flow_token` is a person's.
    """
    body, inbox = await read_object(request), request.app[INBOX]
    if "flow" in body and "flow_token" not in {*body, *request.query}:
        return await write_by_flow_id(request, body)
    source = await posting_source(request, body)
    accepted = await take(
        inbox, source, {name: value for name, value in body.items() if name != "flow_token"}
    )
    if WAIT_HEADER not in request.headers:
        return web.Response(body=b"{}", status=202, content_type="application/json", charset="utf-8")
    message = await inbox.messages.message(source.flow_id, accepted.id)
    if message is None:
        raise ApiRefusal(410, "The first message with this uuid is no longer kept.")
    thread = await inbox.messages.thread(source.flow_id, message.thread_id)
    return web.json_response(shapes.message(message, thread))


async def take(inbox: Inbox, source: FlowSource, content: dict[str, Any]) -> Accepted:
    """Check and take a source's message, its tags resolved; raises `ApiRefusal`."""
    if isinstance(content.get("tags"), str):
        content["tags"] = listed(content["tags"])
    thread = content.get("thread")
    if source.client_id != inbox.client_id and isinstance(thread, dict):
        content["thread"] = {name: value for name, value in thread.items() if name != MEMBER}
    if errors := check_message(content, thread_known=True):
        raise invalid(errors)
    content["tags"] = await resolved(inbox, source.flow_id, content.get("tags") or ())
    try:
        return await inbox.messages.post(source.flow_id, source.id, content)
    except UnknownThread:
        raise invalid({"thread": [BLANK]}) from None
    except orjson.JSONEncodeError:
        # Reading goes deeper than writing.
        raise Malformed("The body nests too deeply.") from None
