"""The wire to an outside service, which a test can cut: what was under way breaks, nothing gets through."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from scripts.sandbox.house import free_port


class Wire:
    """Carries connections to `to`, until it is cut; mended, it carries new ones."""

    def __init__(self, to: str) -> None:
        self._to = urlsplit(to)
        self._port = free_port()
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        """The address to speak to instead."""
        return f"http://127.0.0.1:{self._port}"

    async def mend(self) -> None:
        """Carry connections."""
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", self._port)

    async def cut(self) -> None:
        """Refuse connections, and break those there are."""
        if self._server is not None:
            self._server.close()
        for writer in list(self._open):
            writer.transport.abort()
        if self._server is not None:
            await self._server.wait_closed()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(self._to.hostname, self._to.port)
        except OSError:
            writer.transport.abort()
            return
        ends = {writer, far_writer}
        self._open |= ends
        await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))
        self._open -= ends


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
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
