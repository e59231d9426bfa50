"""How many connections are open at once: aiohttp has no bound, and to open thousands costs next to nothing.

Over the bound the one that has waited longest for its client is closed: first those that wait for a request
or its headers, then those that wait for a body. So whoever opens connections and is slow on them makes room
for those who are not. Where all requests are complete and at work, the new connection is answered 503.

This costs a look at a number for each connection, and nothing for a request.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from aiohttp.web_protocol import ERROR, RequestHandler

Handle = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

OPEN_AT_ONCE = 500
"""Below the 1,024 files that a process may have open on many systems, with room for calls to the outside."""

_FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
)


class Runner(web.AppRunner):
    """Serves an application on `open_at_once` connections at most; all else is as for aiohttp's own.

    `shorten` is given the way that requests are handled, and gives another in its place. `unread` gives
    the match that counts where what came cannot be read as a request: the answer then has the application's
    headers.
    """

    __slots__ = ("_open_at_once", "_shorten", "_unread")

    def __init__(
        self,
        app: web.Application,
        *,
        open_at_once: int = OPEN_AT_ONCE,
        shorten: Callable[[Handle], Handle] = lambda whole: whole,
        unread: Callable[[], web.UrlMappingMatchInfo | None] = lambda: None,
        **options: Any,
    ) -> None:
        super().__init__(app, **options)
        self._open_at_once = open_at_once
        self._shorten = shorten
        self._unread = unread

    async def _make_server(self) -> web.Server:
        server = await super()._make_server()
        server.request_handler = self._shorten(server.request_handler)
        make, unread = server.request_factory, self._unread()

        def of_the_app(message: Any, *others: Any) -> web.BaseRequest:
            request = make(message, *others)
            # As `web/short.py` does it for deliveries; tests/attacks/test_small.py holds it to its meaning.
            if message is ERROR and isinstance(request, web.Request):
                request._match_info = unread
            return request

        server.request_factory = of_the_app
        made = server.connection_made

        def bounded(handler: RequestHandler, transport: asyncio.Transport) -> None:
            made(handler, transport)
            # tests/web/http/test_connection_limit.py holds what is read here of aiohttp's own to its meaning.
            if len(server._connections) > self._open_at_once:
                _make_room(server._connections, transport)

        # The one place that hears of each connection, and has no hook of its own.
        server.connection_made = bounded  # type: ignore[method-assign]
        return server


def _make_room(connections: dict[RequestHandler, asyncio.Transport], newest: asyncio.Transport) -> None:
    """Close the connection whose client is the slowest, or else the newest."""
    waiting = [
        (order, handler._next_keepalive_close_time, handler)
        for handler, transport in connections.items()
        if not transport.is_closing() and (order := _waits(handler)) is not None
    ]
    if waiting:
        min(waiting, key=lambda one: one[:2])[2].force_close()
    else:
        newest.write(_FULL)
        newest.close()


def _waits(handler: RequestHandler) -> int | None:
    """0: for a request or its headers, 1: for a body, None: not for its client."""
    if handler._waiter is not None:
        return 0
    request = handler._current_request
    return 1 if request is not None and not request.content.is_eof() else None
