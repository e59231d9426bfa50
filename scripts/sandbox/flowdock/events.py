"""The inbox's live updates as server-sent events (the HTML standard, "Server-sent events").

A message's event carries the id `epoch-number`; a browser that lost the connection names the last one it
saw, and gets what it missed. Where the epoch is another (the server was restarted or reset), numbers mean
nothing any more, and the event `reset` asks the page to begin anew.
"""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import aiohttp_jinja2
from aiohttp import web

from scripts.sandbox.flowdock.config import WORLD
from scripts.sandbox.flowdock.pages import members_flow, sources_context
from scripts.sandbox.flowdock.people import Flow
from scripts.sandbox.flowdock.state import Message, World
from scripts.sandbox.flowdock.views import item

RETRY_MS = 1000
# Often enough for a proxy not to close a quiet connection, and for us to notice a closed one.
HEARTBEAT = 15

routes = web.RouteTableDef()


@routes.get("/app/{org}/{flow}/events")
async def stream(request: web.Request) -> web.StreamResponse:
    """Answer with the flow's news since `Last-Event-ID` or `?since=`, then as it happens."""
    flow, world = members_flow(request), request.app[WORLD]
    epoch, last = _position(request, world)
    response = web.StreamResponse(
        headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    )
    await response.prepare(request)
    await response.write(f"retry: {RETRY_MS}\n\n".encode())
    version = request.query.get("sources", "")
    with _waiting(world) as changed, suppress(ConnectionResetError):
        while not world.closed and epoch == world.epoch:
            changed.clear()
            if version != str(world.sources_version):
                version = str(world.sources_version)
                await response.write(_event("sources", _sources(request, flow)))
            for message in world.messages_after(flow, last):
                last = message.id
                await response.write(_event("news", _news(request, world, message), f"{epoch}-{last}"))
            if not await _wait(changed):
                await response.write(b": still here\n\n")
    if epoch != world.epoch:
        await response.write(_event("reset", {}))
    return response


def _position(request: web.Request, world: World) -> tuple[str, int]:
    since = request.headers.get("Last-Event-ID") or request.query.get("since") or ""
    epoch, _, number = since.partition("-")
    if not since:
        return world.epoch, world.last_message
    return epoch, int(number) if number.isdecimal() else 0


@contextmanager
def _waiting(world: World) -> Iterator[asyncio.Event]:
    event = asyncio.Event()
    world.waiting.add(event)
    try:
        yield event
    finally:
        world.waiting.discard(event)


async def _wait(changed: asyncio.Event) -> bool:
    """Until something changed; False if nothing did for a while."""
    try:
        async with asyncio.timeout(HEARTBEAT):
            return await changed.wait()
    except TimeoutError:
        return False


def _news(request: web.Request, world: World, message: Message) -> dict[str, object]:
    """Return a message and its thread as they are now, as pieces of the page."""
    context = {
        **sources_context(request, message.flow),
        "item": item(world, world.threads[message.thread]),
        "message": message,
        "open_id": None,
    }
    return {"thread": message.thread, "message": message.id} | {
        part: aiohttp_jinja2.render_string(f"_{part}.html", request, context)
        for part in ("row", "head", "entry")
    }


def _sources(request: web.Request, flow: Flow) -> dict[str, object]:
    context = sources_context(request, flow)
    return {
        part: aiohttp_jinja2.render_string(f"_{part}.html", request, context)
        for part in ("banners", "sources")
    }


def _event(name: str, data: dict[str, object], identity: str = "") -> bytes:
    head = f"id: {identity}\n" if identity else ""
    return f"{head}event: {name}\ndata: {json.dumps(data)}\n\n".encode()
