"""How a request's body is read: so many bytes, within so many seconds, and few large ones at once.

aiohttp bounds neither the time nor, where a handler reads by itself, the size. What a client may take to send
its *headers* is bounded by the connection's idle time (`bridge.web.app.IDLE_SECONDS`): until they are
complete, aiohttp takes a connection for idle.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from aiohttp import web

from bridge.core.errors import Malformed, RequestRefused, TooLarge, Unavailable, WrongContentType
from bridge.core.github.webhook import WEBHOOK_PATH
from bridge.queue.offload import LARGE

SECONDS = 20
"""How long a body may take: below the 30 seconds after which Heroku's router gives up."""

Body = TypeVar("Body", bytes, bytearray)

LARGE_AT_ONCE = 2
"""How many large bodies are held at once: GitHub's limit of 25 MiB, and what is made of it, times this."""


class TooSlow(RequestRefused):
    """The body did not arrive in time."""

    status = 408
    advice = "Try again on a better connection."


@dataclass(frozen=True, kw_only=True)
class Bodies:
    """An application's bounds; `seconds` for a body, and for the wait until a large one may be read."""

    seconds: float = SECONDS
    large: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(LARGE_AT_ONCE))


BODIES = web.AppKey("bodies", Bodies)


async def read_body(request: web.Request, *, limit: int) -> bytes:
    """The whole body; raises `TooLarge` once it is over `limit` bytes, `TooSlow` if it does not arrive."""
    if (request.content_length or 0) > limit:
        raise TooLarge(f"the body is larger than {limit} bytes")
    content = request.content
    if content.is_eof() and content.exception() is None:
        # All there already, as most are: no clock is needed.
        return _within(limit, content.read_nowait())
    body = bytearray()
    async with _in_time(request):
        async for chunk in content.iter_chunked(65536):
            body += chunk
            _within(limit, body)
    return bytes(body)


def _within(limit: int, body: Body) -> Body:
    if len(body) > limit:
        raise TooLarge(f"the body is larger than {limit} bytes")
    return body


def may_be_large(request: web.Request) -> bool:
    """Whether the body is large, or may turn out so: one of unsaid length."""
    said = request.content_length
    return said is None or said > LARGE


def refuse_encoded(request: web.Request) -> None:
    """Raise `WrongContentType` for a compressed body: a few bytes of it make a machine work for seconds.

    Neither GitHub nor Flowdock nor a browser's form sends one.
    """
    if "Content-Encoding" in request.headers:
        raise WrongContentType("bridge takes no compressed bodies: send it without Content-Encoding")


@asynccontextmanager
async def one_of_few(request: web.Request) -> AsyncIterator[None]:
    """Around a request whose body may be large: it waits its turn; raises `Unavailable`."""
    bodies = request.app[BODIES]
    try:
        async with asyncio.timeout(bodies.seconds):
            await bodies.large.acquire()
    except TimeoutError:
        raise Unavailable("too many large requests at once: try again in a moment") from None
    try:
        yield
    finally:
        bodies.large.release()


@web.middleware
async def read_forms(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Read a form before its handler asks for it, in time; machines' bodies are left to their handlers.

    Raises `WrongContentType`, `Malformed`, `TooSlow`, or aiohttp's own where it is too large.
    """
    route = request.match_info.route
    if request.method == "POST" and route.resource is not None and not is_for_machines(request.path):
        if request.content_type.startswith("multipart/"):
            raise WrongContentType("send forms as application/x-www-form-urlencoded")
        async with _in_time(request):
            body = await request.read()
        _check_text(body, request.charset or "utf-8")
    return await handler(request)


def _check_text(body: bytes, charset: str) -> None:
    """Browsers send forms as the page is, in UTF-8; aiohttp would try whatever a client calls a charset."""
    if charset.lower() not in ("utf-8", "utf8"):
        raise WrongContentType("send forms in UTF-8")
    try:
        body.decode()
    except UnicodeDecodeError:
        raise Malformed("the form is not in UTF-8") from None


def is_for_machines(path: str) -> bool:
    """Whether a path takes a body that its own handler reads, and bounds."""
    return path.startswith((WEBHOOK_PATH, "/repos/"))


@asynccontextmanager
async def _in_time(request: web.Request) -> AsyncIterator[None]:
    seconds = request.app[BODIES].seconds
    try:
        async with asyncio.timeout(seconds):
            yield
    except web.RequestPayloadError:
        raise Malformed("the body does not match its headers, or ends too early") from None
    except TimeoutError:
        raise TooSlow(f"the body did not arrive within {seconds:g} seconds") from None
