"""Stands in for Flowdock or GitHub: it answers every request the same after a while, and counts.

A protocol of its own instead of a web framework, so that it is not what is measured. Messages to Flowdock
are counted by their uuid. `GET /_count` tells what came, `POST /_reset` forgets it.
"""

import argparse
import asyncio
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_UUID = re.compile(rb'"uuid": *"([^"]+)"')


@dataclass(kw_only=True)
class Count:
    """The count of requests; the times are seconds of the system's monotonic clock."""

    posts: int = 0
    uuids: set[bytes] = field(default_factory=set)
    size: int = 0
    """Of all bodies together, in bytes."""
    first: float = 0
    last: float = 0

    def add(self, body: bytes) -> None:
        """Count a request."""
        self.last = time.monotonic()
        self.first = self.first or self.last
        self.posts += 1
        self.size += len(body)
        if found := _UUID.search(body):
            self.uuids.add(found[1])

    def told(self) -> bytes:
        """As JSON, the uuids by their number."""
        return json.dumps({**vars(self), "uuids": len(self.uuids)}).encode()


class Answers(asyncio.Protocol):
    """One connection; a request is answered `delay` seconds after it is whole, those that follow in turn."""

    def __init__(self, answer: bytes, delay: float, count: list[Count]) -> None:
        self._answer, self._delay, self._count = answer, delay, count
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep where the answers go."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  (a TCP server's)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each request that is whole."""
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end]
            length = int(found[1]) if (found := _LENGTH.search(head)) else 0
            if len(self._buffer) < end + 4 + length:
                return
            body, self._buffer = self._buffer[end + 4 : end + 4 + length], self._buffer[end + 4 + length :]
            self._handle(head.partition(b" HTTP/")[0], body)

    def _handle(self, line: bytes, body: bytes) -> None:
        if line == b"GET /_count":
            self._write(_response(200, self._count[0].told()))
        elif line == b"POST /_reset":
            self._count[0] = Count()
            self._write(_response(200, b"{}"))
        else:
            self._count[0].add(body)
            if self._delay:
                asyncio.get_running_loop().call_later(self._delay, self._write, self._answer)
            else:
                self._write(self._answer)

    def _write(self, answer: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(answer)


def _response(status: int, body: bytes) -> bytes:
    return (
        b"HTTP/1.1 %d OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        % (status, len(body))
    ) + body


async def _serve(port: int, protocol: Callable[[], Answers]) -> None:
    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


def main() -> None:
    """Serve until told to end."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--status", type=int, default=202)
    parser.add_argument("--answer", default="{}", help="the JSON of every answer")
    parser.add_argument("--delay", type=float, default=0, help="in seconds")
    options = parser.parse_args()
    answer, count = _response(options.status, options.answer.encode()), [Count()]
    asyncio.run(_serve(options.port, lambda: Answers(answer, options.delay, count)))


if __name__ == "__main__":
    main()
