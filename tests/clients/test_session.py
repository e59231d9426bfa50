"""The session for addresses that people choose: it connects to the internet, and to nothing else."""

import asyncio

import aiohttp
import pytest

from bridge.clients.session import open_session


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]"])
async def test_it_connects_to_no_private_address(host: str) -> None:
    reached: list[str] = []

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.append(host)
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        writer.close()

    address = "::1" if host == "[::1]" else "127.0.0.1"
    server = await asyncio.start_server(answer, address, 0)
    url = f"http://{host}:{server.sockets[0].getsockname()[1]}/"
    async with server, open_session(public_only=True) as outside, open_session() as inside:
        with pytest.raises(aiohttp.ClientConnectorError):
            await outside.get(url)
        assert reached == []
        # The control: bridge's own calls, to GitHub within a network, get there.
        async with inside.get(url) as response:
            assert (response.status, reached) == (204, [host])
