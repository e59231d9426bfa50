"""The wire between two processes, which a test can cut, or hold: what was under way breaks, or gets stuck."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal
from urllib.parse import urlsplit

from scripts.sandbox.house import free_port, until

Way = Literal["going", "coming"]
Pair = tuple[asyncio.StreamWriter, asyncio.StreamWriter]


class Wire:
    """Carries connections to `to` (of http, or Redis on a unix socket), until it is cut or held."""

    def __init__(self, to: str) -> None:
        self._to = urlsplit(to)
        self._port = free_port()
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._holds: list[tuple[Way, bytes]] = []
        self._stuck: list[Pair] = []
        self._dropped = asyncio.Event()

    @property
    def url(self) -> str:
        """The address to speak to instead."""
        return f"{'redis' if self._to.scheme == 'unix' else 'http'}://127.0.0.1:{self._port}"

    async def mend(self) -> None:
        """Carry connections."""
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", self._port)

    async def cut(self) -> None:
        """Refuse connections, and break those there are."""
        if self._server is not None:
            self._server.close()
        for writer in list(self._open):
            writer.transport.abort()
        self.drop()
        if self._server is not None:
            await self._server.wait_closed()

    def hold(self, way: Way, mark: bytes) -> None:
        """Have a connection get stuck where `mark` would pass, too: `going` to the far end, or `coming`."""
        self._holds.append((way, mark))

    async def held(self, count: int) -> None:
        """Wait until that many connections are stuck."""

        async def enough() -> bool:
            return len(self._stuck) >= count

        await until(enough, f"{count} connections do not get stuck")

    def drop(self) -> None:
        """Break what is stuck, so that nothing of it arrives, and hold nothing from then on."""
        self._holds.clear()
        for pair in self._stuck:
            for writer in pair:
                writer.transport.abort()
        self._stuck.clear()
        self._dropped.set()
        self._dropped = asyncio.Event()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await self._connected()
        except OSError:
            writer.transport.abort()
            return
        ends = (writer, far_writer)
        self._open.update(ends)
        await asyncio.gather(
            self._copy("going", reader, far_writer, ends), self._copy("coming", far_reader, writer, ends)
        )
        self._open.difference_update(ends)

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._to.scheme == "unix":
            return await asyncio.open_unix_connection(self._to.path)
        return await asyncio.open_connection(self._to.hostname, self._to.port)

    async def _copy(
        self, way: Way, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, ends: Pair
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                if any(held == way and mark in data for held, mark in self._holds):
                    self._stuck.append(ends)
                    await self._dropped.wait()
                    return
                writer.write(data)
                await writer.drain()
        with contextlib.suppress(OSError):
            writer.close()


@asynccontextmanager
async def open_wire(to: str) -> AsyncIterator[Wire]:
    """A wire that carries connections, cut in the end."""
    wire = Wire(to)
    await wire.mend()
    try:
        yield wire
    finally:
        await wire.cut()
