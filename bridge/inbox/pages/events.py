"""Live updates of the pages, as server-sent events: each message as the pieces of HTML that it changes.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import asyncio
from contextlib import ExitStack, suppress

import aiohttp_jinja2
import orjson
from aiohttp import web

from bridge.inbox import sessions
from bridge.inbox.context import INBOX, PAGES
from bridge.inbox.feed import came
from bridge.inbox.flows import TeamFlow
from bridge.inbox.pages.flows import rows
from bridge.inbox.pages.places import FLOW, opened, path_of
from bridge.inbox.pages.thread import entries, head
from bridge.inbox.people import InboxPerson
from bridge.inbox.stored import CHANGED, DELETED, StoredMessage

RETRY_MS = 2000
AT_ONCE = 100

routes = web.RouteTableDef()


@routes.get(f"{FLOW}/events")
async def stream(request: web.Request) -> web.StreamResponse:
    """Send a flow's news since `Last-Event-ID` or `?since=`, and as it comes; `?thread=` alone."""
    person, flow = await opened(request)
    inbox, last = request.app[INBOX], _position(request)
    response = await _opened(request)
    with inbox.feed.waiting(flow.id) as changed, suppress(ConnectionResetError):
        while not inbox.feed.is_closed and await _may_read(request, flow, person):
            changed.clear()
            found = await inbox.messages.flow_messages(flow.id, after=last, limit=AT_ONCE, newest=False)
            for message in found:
                last = message.id
                if request.query.get("thread", message.thread_id) == message.thread_id:
                    await response.write(await _news(request, person, flow, message))
            if len(found) < AT_ONCE and not await came(changed):
                await response.write(b": still here\n\n")
    return response


@routes.get(f"{PAGES}/events")
async def stream_all(request: web.Request) -> web.StreamResponse:
    """Say whenever something is new in one of a person's flows, or a snoozed thread returns."""
    person, inbox = await sessions.required(request), request.app[INBOX]
    response, changed = await _opened(request), asyncio.Event()
    with ExitStack() as waiting, suppress(ConnectionResetError):
        for flow in await inbox.flows.of(person.id):
            waiting.enter_context(inbox.feed.waiting(flow.id, changed))
        if _position(request) != await inbox.messages.last():
            changed.set()
        while not inbox.feed.is_closed and await sessions.signed_in(request):
            if not await came(changed) and not await inbox.desks.wake(person.id):
                await response.write(b": still here\n\n")
                continue
            changed.clear()
            seen = [one.id for one in await inbox.flows.of(person.id)]
            unread = sum((await inbox.desks.unread(person.id, seen)).values())
            await response.write(b"event: news\ndata: %s\n\n" % orjson.dumps({"unread": unread}))
    return response


async def _opened(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"})
    await response.prepare(request)
    await response.write(f"retry: {RETRY_MS}\n\n".encode())
    return response


def _position(request: web.Request) -> int:
    since = request.headers.get("Last-Event-ID") or request.query.get("since") or ""
    return int(since) if since.isdecimal() and len(since) < 16 else 0


async def _may_read(request: web.Request, flow: TeamFlow, person: InboxPerson) -> bool:
    """Tell whether the person is still signed in and in the flow: a stream may last for days."""
    return await sessions.signed_in(request) is not None and await request.app[INBOX].flows.has(
        flow.id, person.id
    )


async def _news(request: web.Request, person: InboxPerson, flow: TeamFlow, message: StoredMessage) -> bytes:
    inbox = request.app[INBOX]
    thread = await inbox.messages.thread(flow.id, message.thread_id)
    if thread is None:
        return b""
    cookie, unread = sessions.cookie_of(request), (await inbox.desks.unread(person.id, [flow.id]))[flow.id]
    path = path_of(flow)
    changed = message.content["content"]["message"] if message.content["event"] in (CHANGED, DELETED) else 0
    shown = await inbox.messages.message(flow.id, changed) if changed else message
    context = {
        "flow": flow,
        "path": path,
        "here": path_of(flow, "threads", thread.id),
        "csrf": cookie.csrf if cookie else "",
        "row": (await rows(request, person, [thread]))[0],
        "entry": (await entries(request, person, [shown]))[0] if shown else None,
        **await head(request, person, flow, thread),
    }
    pieces = (("head", "entry") if shown else ("head",)) if "thread" in request.query else ("row",)
    data = {
        "thread": thread.id,
        "message": message.id,
        "changed": changed,
        "done": thread.is_done,
        "unread": unread,
    } | {piece: aiohttp_jinja2.render_string(f"inbox/_{piece}.html", request, context) for piece in pieces}
    return b"id: %d\nevent: news\ndata: %s\n\n" % (message.id, orjson.dumps(data))
