"""Streaming (Flowdock's API documents, "Streaming"): messages as they come, as JSON lines or as events."""

import asyncio
from contextlib import ExitStack, suppress
from functools import lru_cache

import orjson
from aiohttp import web

from bridge.core.digits import whole_number
from bridge.inbox.api import shapes
from bridge.inbox.api.requests import ApiRefusal, caller, member, only_members
from bridge.inbox.context import API, INBOX
from bridge.inbox.flows.flows import TeamFlow
from bridge.inbox.people.people import InboxPerson
from bridge.inbox.threads import feed

MOST_FLOWS = 100

ALIVE = b"\n"
"""A sign of life between JSON's lines: after a whole line end, old clients would parse an empty message."""

STREAM = f"{API}/stream/flows"

routes = web.RouteTableDef()


@routes.get(STREAM)
async def stream_flows(request: web.Request) -> web.StreamResponse:
    """Stream the flows of `?filter=org/flow,id,…`; without a filter, all flows of the person."""
    person, inbox = await caller(request, "flow"), request.app[INBOX]
    if "filter" not in request.query:
        return await _stream(request, person, await inbox.flows.of(person.id))
    names = [name for name in request.query["filter"].split(",") if name][:MOST_FLOWS]
    found = [await (inbox.flows.at(name) if "/" in name else inbox.flows.get(name)) for name in names]
    return await _stream(request, person, [await only_members(inbox, flow, person) for flow in found])


@routes.get(f"{STREAM}/{{org}}/{{flow}}")
async def stream_flow(request: web.Request) -> web.StreamResponse:
    """Stream one flow."""
    person, flow = await member(request)
    return await _stream(request, person, [flow])


async def _stream(request: web.Request, person: InboxPerson, flows: list[TeamFlow]) -> web.StreamResponse:
    with request.app[INBOX].feed.reading(person.id):
        return await _send_all(request, person, flows)


async def _send_all(request: web.Request, person: InboxPerson, flows: list[TeamFlow]) -> web.StreamResponse:
    """Send what came since `Last-Event-ID`, then each message as it comes, while the person may read it."""
    inbox = request.app[INBOX]
    as_events = "text/event-stream" in request.query.get("accept", request.headers.get("Accept", ""))
    last = await _positions(request, flows)
    kind = "text/event-stream" if as_events else "application/json"
    response = web.StreamResponse(
        headers={"Content-Type": kind, "Flowdock-User": str(person.id), "X-Accel-Buffering": "no"}
    )
    await response.prepare(request)
    with ExitStack() as waiting, suppress(ApiRefusal):
        changed = asyncio.Event()
        for flow in flows:
            waiting.enter_context(inbox.feed.waiting(flow.id, changed))
        while not inbox.feed.is_closed:
            changed.clear()
            is_all = True
            for flow in flows:
                # Asked for each page: a slow reader may take days for what was missed.
                await caller(request, "flow")
                await only_members(inbox, flow, person)
                sent = await _send(request, response, flow, last[flow.id], as_events=as_events)
                last[flow.id] = sent[-1] if sent else last[flow.id]
                is_all = is_all and len(sent) < feed.AT_ONCE
            if is_all and not await feed.wait_for_news(changed):
                await response.write(b":\n\n" if as_events else ALIVE)
    return response


async def _positions(request: web.Request, flows: list[TeamFlow]) -> dict[str, int]:
    messages = request.app[INBOX].messages
    last = whole_number(request.headers.get("Last-Event-ID", ""), longest=15)
    if last is not None:
        # One that was never given, as of a Redis before it was restored, would hide all news up to it.
        last = min(last, await messages.last())
        return {flow.id: last for flow in flows}
    return {flow.id: await messages.newest(flow.id) for flow in flows}


async def _send(
    request: web.Request, response: web.StreamResponse, flow: TeamFlow, last: int, *, as_events: bool
) -> list[int]:
    """Send a page of a flow's messages after `last`; returns their ids."""
    found = await request.app[INBOX].feed.after(flow.id, last)
    for one in found:
        await response.write(_encoded(one, as_events=as_events))
    return [one.message.id for one in found]


@lru_cache(maxsize=16)
def _encoded(news: feed.News, *, as_events: bool) -> bytes:
    """Encode a message once for all streams that send it at one moment."""
    data = orjson.dumps(shapes.message(news.message, news.thread))
    return b"id: %d\ndata: %s\n\n" % (news.message.id, data) if as_events else data + b"\r\n"
