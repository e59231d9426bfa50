"""Live updates of the pages, as server-sent events: each message as the pieces of HTML that it changes.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import asyncio
import math
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Self

import aiohttp_jinja2
import orjson
from aiohttp import web

from bridge.core.digits import whole_number
from bridge.inbox.context import INBOX, PAGES, Inbox
from bridge.inbox.flows.flows import TeamFlow
from bridge.inbox.pages.flows import rows
from bridge.inbox.pages.places import FLOW, opened, path_of
from bridge.inbox.pages.thread import entries, head
from bridge.inbox.people import sessions
from bridge.inbox.people.people import InboxPerson
from bridge.inbox.threads import feed, lists
from bridge.inbox.threads.stored import CHANGED, DELETED, InboxThread, StoredMessage

RETRY_MS = 2000

routes = web.RouteTableDef()


@routes.get(f"{FLOW}/events")
async def stream(request: web.Request) -> web.StreamResponse:
    """Send a flow's news since `Last-Event-ID` or `?since=`, and as it comes; `?thread=` alone."""
    person, flow = await opened(request)
    with request.app[INBOX].feed.reading(person.id):
        return await _stream_flow(request, person, flow)


async def _stream_flow(request: web.Request, person: InboxPerson, flow: TeamFlow) -> web.StreamResponse:
    inbox, is_list = request.app[INBOX], "thread" not in request.query
    # One that was never given, as of a Redis before it was restored, would hide all news up to it.
    last = min(_position(request), await inbox.messages.last())
    snoozed = await _Snoozed.of(inbox, person)
    response = await _opened(request)
    alive_at = time.monotonic()
    with inbox.feed.waiting(flow.id) as changed:
        while not inbox.feed.is_closed and await _may_read(request, flow, person):
            changed.clear()
            for thread in await inbox.messages.get_many(await snoozed.back() if is_list else []):
                if thread.flow_id == flow.id:
                    await response.write(await _news(request, person, flow, thread))
            found = await inbox.feed.after(flow.id, last)
            for one in found:
                last = one.message.id
                if one.thread and request.query.get("thread", one.thread.id) == one.thread.id:
                    await response.write(await _news(request, person, flow, one.thread, one.message))
            if len(found) < feed.AT_ONCE:
                await feed.wait_for_news(changed)
            # Also while other threads have news all the time: only a write finds that the reader has left.
            if time.monotonic() >= alive_at + feed.HEARTBEAT:
                await response.write(b": still here\n\n")
                alive_at = time.monotonic()
    return response


@dataclass
class _Snoozed:
    """The threads that a person snoozed, looked at once a heartbeat."""

    inbox: Inbox
    person: InboxPerson
    away: set[str] = field(default_factory=set)
    looked: float = -math.inf

    @classmethod
    async def of(cls, inbox: Inbox, person: InboxPerson) -> Self:
        found = cls(inbox, person)
        await found.back()
        return found

    async def back(self) -> list[str]:
        """Put back those whose time has come; return all that are back since the last look."""
        if time.monotonic() <= self.looked + feed.HEARTBEAT:
            return []
        await self.inbox.lists.wake(self.person.id)
        before = self.away
        self.away = set(await self.inbox.lists.triaged(self.person.id, "snoozed", lists.MOST))
        self.looked = time.monotonic()
        return sorted(before - self.away)


@routes.get(f"{PAGES}/events")
async def stream_all(request: web.Request) -> web.StreamResponse:
    """Say whenever something is new in one of a person's flows, or a snoozed thread returns."""
    person = await sessions.required(request)
    with request.app[INBOX].feed.reading(person.id):
        return await _stream_all(request, person)


async def _stream_all(request: web.Request, person: InboxPerson) -> web.StreamResponse:
    inbox = request.app[INBOX]
    snoozed = await _Snoozed.of(inbox, person)
    response, changed = await _opened(request), asyncio.Event()
    with ExitStack() as waiting:
        for flow in await inbox.flows.of(person.id):
            waiting.enter_context(inbox.feed.waiting(flow.id, changed))
        last = _position(request)
        if last != await inbox.messages.last():
            changed.set()
        while not inbox.feed.is_closed and await sessions.signed_in(request):
            is_woken = await feed.wait_for_news(changed)
            changed.clear()
            seen, last = last, await inbox.messages.last()
            if not await snoozed.back() and not (is_woken and seen != last):
                await response.write(b": still here\n\n")
                continue
            flow_ids = [one.id for one in await inbox.flows.of(person.id)]
            unread = sum((await inbox.lists.unread(person.id, flow_ids)).values())
            await response.write(b"event: news\ndata: %s\n\n" % orjson.dumps({"unread": unread}))
    return response


async def _opened(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"})
    await response.prepare(request)
    await response.write(f"retry: {RETRY_MS}\n\n".encode())
    return response


def _position(request: web.Request) -> int:
    since = request.headers.get("Last-Event-ID") or request.query.get("since") or ""
    return whole_number(since, longest=15) or 0


async def _may_read(request: web.Request, flow: TeamFlow, person: InboxPerson) -> bool:
    """Tell whether the person is still signed in and in the flow: a stream may last for days."""
    signed_in, is_in = await asyncio.gather(
        sessions.signed_in(request), request.app[INBOX].flows.may_see(flow.id, person.id)
    )
    return signed_in is not None and is_in


async def _news(
    request: web.Request,
    person: InboxPerson,
    flow: TeamFlow,
    thread: InboxThread,
    message: StoredMessage | None = None,
) -> bytes:
    """Write what a message changes on the page; without one, a thread of the list that is back."""
    inbox, cookie = request.app[INBOX], sessions.cookie_of(request)
    is_change = message is not None and message.content["event"] in (CHANGED, DELETED)
    changed = message.content["content"]["message"] if message and is_change else 0
    context = {
        "flow": flow,
        "path": path_of(flow),
        "here": path_of(flow, "threads", thread.id),
        "csrf": cookie.csrf if cookie else "",
    }
    if "thread" in request.query:
        pieces = ["head"]
        context |= await head(request, person, flow, thread)
        if message and (shown := await inbox.messages.subject(message)):
            pieces.append("entry")
            context["entry"] = (await entries(request, person, [shown]))[0]
    else:
        pieces = ["row"]
        context["row"] = (await rows(request, person, [thread]))[0]
    data = {
        "thread": thread.id,
        "message": message.id if message else 0,
        "changed": changed,
        "done": thread.is_done,
        "unread": (await inbox.lists.unread(person.id, [flow.id]))[flow.id],
    } | {piece: aiohttp_jinja2.render_string(f"inbox/_{piece}.html", request, context) for piece in pieces}
    position = b"id: %d\n" % message.id if message else b""
    return position + b"event: news\ndata: %s\n\n" % orjson.dumps(data)
