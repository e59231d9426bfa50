"""aiohttp's server, with a shortcut around the application, and with plain answers to malformed HTTP.

The application cannot answer malformed HTTP. The answer has bridge's headers and does not name
aiohttp, and the log does not quote the request.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

import structlog
from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import HttpProcessingError

log = structlog.get_logger()

Handle = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
BEGUN = web.RequestKey("begun", web.StreamResponse)
"""A streamed response, once its status has been sent: an error cuts it off."""


class Runner(web.AppRunner):
    """Serves an application by a shortcut; `headers` go with each answer to malformed HTTP."""

    __slots__ = ("_headers", "_options", "_shortcut")

    def __init__(
        self,
        app: web.Application,
        *,
        headers: Mapping[str, str],
        shortcut: Callable[[Handle], Handle],
        **options: Any,
    ) -> None:
        super().__init__(app, **options)
        self._headers = headers
        self._shortcut = shortcut
        self._options = {name: value for name, value in options.items() if name not in _OF_RUNNER}

    async def setup(self) -> None:
        """Prepare to serve."""
        await super().setup()
        if server := super().server:
            server.request_handler = self._shortcut(server.request_handler)

    @property
    def server(self) -> web.Server | None:
        """The factory that a site calls for each connection."""
        server = super().server
        return server and _Server(server, self._headers, self._options)


_OF_RUNNER = {"shutdown_timeout", "handle_signals"}


class _Server(web.Server):
    def __init__(self, server: web.Server, headers: Mapping[str, str], options: Mapping[str, Any]) -> None:
        super().__init__(server.request_handler, request_factory=server.request_factory)
        self._of_runner = server
        self._headers = headers
        self._options = options

    def __call__(self) -> web.RequestHandler:
        loop = asyncio.get_running_loop()
        return _Protocol(self._of_runner, headers=self._headers, loop=loop, **self._options)


class _Protocol(web.RequestHandler):
    __slots__ = ("_headers",)

    def __init__(self, server: web.Server, *, headers: Mapping[str, str], **options: Any) -> None:
        super().__init__(server, **options)
        self._headers = headers

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Log the error's name, and answer with the status alone: aiohttp would quote the request in both."""
        if isinstance(exc, HttpProcessingError):
            # The malformed line may hold a cookie or a token, and anybody may send any number of them.
            log.info("malformed_request", client=request.remote, error=type(exc).__name__)
        else:
            super().handle_error(request, status, exc, message)
        return _Refusal(status, self._headers)


class _Refusal(web.StreamResponse):
    def __init__(self, status: int, headers: Mapping[str, str]) -> None:
        super().__init__(status=status, headers=headers)
        self.force_close()

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        lines = [
            f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}",
            *(f"{name}: {value}" for name, value in self.headers.items()),
            "Content-Length: 0",
            "Connection: close",
        ]
        if request.transport is not None:
            request.transport.write("\r\n".join([*lines, "", ""]).encode())
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        """Write nothing more: the answer has no body."""
