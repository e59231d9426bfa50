"""A pool of kept-alive connections to one address, for thousands of posts.

aiohttp's client takes three times the CPU for a POST. This one has what such a POST needs, and no more: no
redirects, no cookies, no compression, no proxy.
"""

import asyncio
import socket
import ssl
from collections import deque
from collections.abc import Mapping
from typing import cast

import aiohappyeyeballs
import yarl

from bridge.clients.http_answer import Answer, BadAnswer, read_answer
from bridge.clients.session import USER_AGENT

MOST = 512
"""Connections at once; further calls wait for one."""

IDLE_SECONDS = 15
"""Seconds that an unused connection is kept. Servers keep theirs longer: none is closed under a call."""

NEXT_ADDRESS_SECONDS = 0.25
"""Seconds until the next address of a host is tried, too (RFC 8305)."""


class HttpPool:
    """Posts to `url`, an address of http or https."""

    def __init__(self, url: yarl.URL) -> None:
        self._url = url
        self._head = (
            f"POST {url.raw_path_qs} HTTP/1.1\r\nHost: {url.host_port_subcomponent}\r\n"
            f"User-Agent: {USER_AGENT}\r\nAccept-Encoding: identity\r\n"
        )
        self._places = asyncio.Semaphore(MOST)
        self._idle: deque[tuple[float, _Connection]] = deque()
        self._sweep: asyncio.TimerHandle | None = None
        self._tls: ssl.SSLContext | None = None

    async def post(self, body: bytes, headers: Mapping[str, str], *, seconds: float) -> Answer:
        """Post a body within a time; headers that HTTP does not allow are left out. Raises `OSError`."""
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items() if _is_allowed(value))
        head = f"{self._head}{lines}Content-Length: {len(body)}\r\n\r\n"
        async with asyncio.timeout(seconds), self._places:
            connection = self._taken() or await self._opened()
            try:
                answer = await connection.exchange(head.encode() + body)
            except BaseException:
                connection.abort()
                raise
        self._release(connection, answer)
        return answer

    def close(self) -> None:
        """Close the connections that are not in use."""
        if self._sweep is not None:
            self._sweep.cancel()
        while self._idle:
            self._idle.pop()[1].abort()

    def _taken(self) -> "_Connection | None":
        while self._idle:
            _, connection = self._idle.pop()
            if connection.is_open:
                return connection
        return None

    async def _opened(self) -> "_Connection":
        loop, host = asyncio.get_running_loop(), self._url.raw_host or ""
        if self._url.scheme == "https" and self._tls is None:
            self._tls = ssl.create_default_context()
        addresses = await loop.getaddrinfo(host, self._url.port, type=socket.SOCK_STREAM)
        opened = await aiohappyeyeballs.start_connection(addresses, happy_eyeballs_delay=NEXT_ADDRESS_SECONDS)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        name = host if self._tls else None
        _, connection = await loop.create_connection(
            _Connection, sock=opened, ssl=self._tls, server_hostname=name
        )
        return connection

    def _release(self, connection: "_Connection", answer: Answer) -> None:
        if not (answer.keeps_open and connection.is_open):
            connection.abort()
            return
        self._idle.append((asyncio.get_running_loop().time(), connection))
        if self._sweep is None:
            self._sweep = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._close_unused)

    def _close_unused(self) -> None:
        loop = asyncio.get_running_loop()
        while self._idle and self._idle[0][0] <= loop.time() - IDLE_SECONDS:
            self._idle.popleft()[1].abort()
        self._sweep = None
        if self._idle:
            self._sweep = loop.call_at(self._idle[0][0] + IDLE_SECONDS, self._close_unused)


class _Connection(asyncio.Protocol):
    """A connection: one call after the other."""

    def __init__(self) -> None:
        self.is_open = True
        self._data = b""
        self._answer: asyncio.Future[Answer] | None = None
        self._transport: asyncio.Transport | None = None

    async def exchange(self, request: bytes) -> Answer:
        """Send a request and return its answer; raises `OSError`."""
        if self._transport is None or not self.is_open:
            raise BadAnswer("the connection was closed")
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        try:
            return await self._answer
        finally:
            self._data, self._answer = b"", None

    def abort(self) -> None:
        """Close it at once."""
        self.is_open = False
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Read the answer, once it is whole."""
        self._data += data
        self._look(ended=False)

    def eof_received(self) -> None:
        """Read an answer that ends with the connection."""
        self.is_open = False
        self._look(ended=True)

    def connection_lost(self, error: Exception | None) -> None:
        """Fail the call that is under way."""
        self.is_open = False
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error or BadAnswer("the connection was closed"))

    def _look(self, *, ended: bool) -> None:
        if self._answer is None or self._answer.done():
            # Nobody asked.
            self.abort()
            return
        try:
            if answer := read_answer(self._data, ended=ended):
                self._answer.set_result(answer)
        except BadAnswer as error:
            self._answer.set_exception(error)


def _is_allowed(value: str) -> bool:
    return value.isascii() and value.isprintable() and value != ""
