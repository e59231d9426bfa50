"""Bounds on request bodies: in bytes, in seconds, and in how many large ones are read at once.

aiohttp does not bound the time, nor the size if a handler reads the body itself. The time to send *headers*
is bounded by `bridge.web.app.IDLE_SECONDS`: until they are complete, aiohttp takes a connection for idle.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from aiohttp import web
from aiohttp.typedefs import Handler

from bridge.core.errors import Malformed, RequestRefused, TooLarge, Unavailable, WrongContentType
from bridge.core.github.webhook import WEBHOOK_PATH
from bridge.queue.offload import LARGE
from bridge.settings import INBOX_API

SECONDS = 20
"""Seconds for a body: less than the 30 after which Heroku's router gives up."""

Body = TypeVar("Body", bytes, bytearray)

LARGE_AT_ONCE = 2
"""Large bodies held at once, each of up to GitHub's limit of 25 MiB."""


class TooSlow(RequestRefused):
    """The body did not arrive in time."""

    status = 408
    advice = "Try again on a better connection."


@dataclass(frozen=True, kw_only=True)
class Bodies:
    """An application's bounds; `seconds` for a body, and to wait for a large one's turn."""

    seconds: float = SECONDS
    large: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(LARGE_AT_ONCE))


BODIES = web.AppKey("bodies", Bodies)


async def read_body(request: web.Request, bounds: Bodies, *, limit: int) -> bytes:
    """Read the whole body; raises `TooLarge` if it is over `limit` bytes, `TooSlow` if it takes too long."""
    content = request.content
    if content.at_eof():
        # It is empty, or a middleware has read it.
        return _within(limit, await request.read())
    if content.is_eof() and content.exception() is None:
        # It is all here, as usual: no time limit is needed.
        return _within(limit, content.read_nowait())
    if (request.content_length or 0) > limit:
        raise TooLarge(f"the body is larger than {limit} bytes")
    body = bytearray()
    async with _in_time(bounds):
        async for chunk in content.iter_chunked(65536):
            body += chunk
            _within(limit, body)
    return bytes(body)


def _within(limit: int, body: Body) -> Body:
    if len(body) > limit:
        raise TooLarge(f"the body is larger than {limit} bytes")
    return body


def refuse_encoded(request: web.Request) -> None:
    """Raise `WrongContentType` for a compressed body: a few of its bytes may cost seconds of work.

    GitHub, Flowdock and browsers' forms send none.
    """
    if "Content-Encoding" in request.headers:
        raise WrongContentType("bridge accepts no compressed bodies: send this one without Content-Encoding")


@asynccontextmanager
async def turn(request: web.Request, bounds: Bodies) -> AsyncIterator[None]:
    """Have a request wait for its turn if its body is large or of unknown length; raises `Unavailable`."""
    length = request.content_length
    if length is not None and length <= LARGE:
        yield
        return
    try:
        async with asyncio.timeout(bounds.seconds):
            await bounds.large.acquire()
    except TimeoutError:
        raise Unavailable("too many large requests at once: try again in a moment") from None
    try:
        yield
    finally:
        bounds.large.release()


@web.middleware
async def read_forms(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Read a form in time, before its handler asks for it.

    Raises `WrongContentType`, `Malformed`, `TooSlow`, or aiohttp's own error for a body that is too large.
    """
    if is_form(request):
        if request.content_type.startswith("multipart/"):
            raise WrongContentType("send forms as application/x-www-form-urlencoded")
        async with _in_time(request.app[BODIES]):
            body = await request.read()
        _check_text(body, request.charset or "utf-8")
    return await handler(request)


def _check_text(body: bytes, charset: str) -> None:
    """Refuse a form that is not in UTF-8, the pages' encoding: aiohttp would decode any charset."""
    if charset.lower() not in ("utf-8", "utf8"):
        raise WrongContentType("send forms in UTF-8")
    try:
        body.decode()
    except UnicodeDecodeError:
        raise Malformed("the form is not in UTF-8") from None


def is_form(request: web.Request) -> bool:
    """Tell whether a request brings a form to a page; handlers for machines read bodies themselves."""
    for_machines = request.path.startswith((WEBHOOK_PATH, "/repos/", f"{INBOX_API}/"))
    return request.method == "POST" and request.match_info.route.resource is not None and not for_machines


@asynccontextmanager
async def _in_time(bounds: Bodies) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(bounds.seconds):
            yield
    except web.RequestPayloadError:
        raise Malformed("the body does not match its headers, or ends too early") from None
    except TimeoutError:
        raise TooSlow(f"the body did not arrive within {bounds.seconds:g} seconds") from None
