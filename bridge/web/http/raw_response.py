"""Answers whose bytes are known beforehand, for the one route that has to be fast.

aiohttp puts an answer's headers together each time, which takes longer than to check a delivery's signature.
These are written as they are.
"""

import time
from email.utils import formatdate
from http import HTTPStatus

from aiohttp import HttpVersion11, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.web_request import BaseRequest

_HEADERS = {
    "Content-Type": "application/json; charset=utf-8",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


class PrebuiltResponse(web.StreamResponse):
    """A status with JSON, the same over and over; to be had by `to`."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(status=status)
        self._content = body
        lines = [
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
            f"Content-Length: {len(body)}",
            *(f"{name}: {value}" for name, value in _HEADERS.items()),
            "Date: ",
        ]
        self._before = "\r\n".join(lines).encode()
        self._after = b"\r\n\r\n" + body
        self._second = 0
        self._bytes = b""

    def to(self, request: web.BaseRequest) -> web.StreamResponse:
        """The answer to a request: this one, or aiohttp's own where the connection is not to stay open."""
        if request.keep_alive and request.version == HttpVersion11:
            return self
        return web.Response(status=self.status, body=self._content, headers=_HEADERS)

    @property
    def prepared(self) -> bool:
        """Never: each time is the first."""
        return False

    @property
    def keep_alive(self) -> bool:
        """Always: see `to`."""
        return True

    async def prepare(self, request: BaseRequest) -> AbstractStreamWriter | None:
        """Write it all; raises `ConnectionResetError` if the client has gone."""
        transport = request.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the client has gone")
        transport.write(self._now())
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        """Nothing: it is written."""

    def _now(self) -> bytes:
        if (second := int(time.time())) != self._second:
            self._second = second
            self._bytes = self._before + formatdate(second, usegmt=True).encode() + self._after
        return self._bytes
