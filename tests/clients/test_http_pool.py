"""Posts over kept-alive connections, to servers that answer, and to servers that do not."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
import yarl

from bridge.clients import http_pool
from bridge.clients.http_answer import BadAnswer
from bridge.clients.http_pool import HttpPool
from scripts.sandbox.house import until
from tests.kits.push import tls

OK = b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n{}"
LAST = OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
HEADERS = {"Content-Type": "application/json"}


@dataclass
class Server:
    """A server on loopback, and the requests that it read of each connection."""

    port: int = 0
    connections: list[list[bytes]] = field(default_factory=list)
    open: list[asyncio.StreamWriter] = field(default_factory=list)


@asynccontextmanager
async def serving(
    answer: bytes, *, hold: asyncio.Event | None = None, context: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[Server, HttpPool]]:
    """A server that gives this answer to all, once it may, and a pool for it."""
    server = Server()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests: list[bytes] = []
        server.connections.append(requests)
        server.open.append(writer)
        try:
            while head := await reader.read(65_536):
                requests.append(head)
                if hold is not None:
                    await hold.wait()
                writer.write(answer)
                if answer == LAST:
                    break
        except ConnectionError:
            pass
        finally:
            server.open.remove(writer)
            writer.close()

    listening = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=context)
    server.port = listening.sockets[0].getsockname()[1]
    pool = HttpPool(yarl.URL(f"{'https' if context else 'http'}://127.0.0.1:{server.port}/v1/messages"))
    async with listening:
        try:
            yield server, pool
        finally:
            pool.close()
            await until(_has(lambda: not server.open), "a connection is left open")


async def posted(pool: HttpPool, *, seconds: float = 5) -> int:
    return (await pool.post(b"{}", HEADERS, seconds=seconds)).status


async def test_a_post_is_as_http_demands() -> None:
    async with serving(OK) as (server, pool):
        headers = {**HEADERS, "X-Request-Id": "d1", "X-Odd": "a\r\nb: c", "X-Empty": ""}
        answer = await pool.post("é".encode(), headers, seconds=5)
    assert (answer.status, answer.body, answer.headers) == (202, b"{}", {"content-length": "2"})
    assert server.connections == [
        [
            f"POST /v1/messages HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
            "User-Agent: bridge (GitHub to Flowdock)\r\nAccept-Encoding: identity\r\n"
            "Content-Type: application/json\r\nX-Request-Id: d1\r\nContent-Length: 2\r\n\r\né".encode()
        ]
    ]


async def test_a_connection_serves_one_call_after_the_other() -> None:
    async with serving(OK) as (server, pool):
        for _ in range(3):
            assert await posted(pool) == 202
        assert await asyncio.gather(*(posted(pool) for _ in range(3))) == [202] * 3
    assert sorted(map(len, server.connections)) in ([1, 1, 4], [1, 2, 3])


async def test_no_more_connections_are_open_than_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_pool, "MOST", 2)
    hold = asyncio.Event()
    async with serving(OK, hold=hold) as (server, pool):
        posts = [asyncio.create_task(posted(pool)) for _ in range(5)]
        await until(_has(lambda: len(server.connections) == 2), "no two connections")
        hold.set()
        assert await asyncio.gather(*posts) == [202] * 5
    assert len(server.connections) == 2


@pytest.mark.parametrize("answer", [LAST, OK + b"more", b"HTTP/1.0 202 OK\r\nContent-Length: 0\r\n\r\n"])
async def test_a_connection_that_may_not_be_used_again_is_closed(answer: bytes) -> None:
    async with serving(answer) as (server, pool):
        assert [await posted(pool) for _ in range(3)] == [202] * 3
        await until(_has(lambda: not server.open), "a connection is left open")
    assert list(map(len, server.connections)) == [1, 1, 1]


async def test_a_connection_that_the_server_closed_is_not_used_again() -> None:
    async with serving(OK) as (server, pool):
        assert await posted(pool) == 202
        server.open[0].close()
        await until(_has(lambda: not server.open), "the connection is still open")
        assert await posted(pool) == 202
    assert list(map(len, server.connections)) == [1, 1]


async def test_an_answer_that_nobody_asked_for_closes_the_connection() -> None:
    async with serving(OK) as (server, pool):
        assert await posted(pool) == 202
        server.open[0].write(b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n")
        await until(_has(lambda: not server.open), "the connection is still open")
        assert await posted(pool) == 202
    assert list(map(len, server.connections)) == [1, 1]


async def test_unused_connections_are_closed_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_pool, "IDLE_SECONDS", 0.05)
    async with serving(OK) as (server, pool):
        assert await asyncio.gather(*(posted(pool) for _ in range(3))) == [202] * 3
        await until(_has(lambda: not server.open), "a connection is left open")
        # And those after them.
        assert await posted(pool) == 202
        await until(_has(lambda: not server.open), "a connection is left open")


async def test_an_answer_that_never_comes_is_a_timeout_and_costs_its_connection() -> None:
    hold = asyncio.Event()
    async with serving(OK, hold=hold) as (server, pool):
        with pytest.raises(TimeoutError):
            await posted(pool, seconds=0.05)
        hold.set()
        assert await posted(pool) == 202
    assert list(map(len, server.connections)) == [1, 1]


@pytest.mark.parametrize(
    "answer", [b"", OK[:-1] + b"", b"nonsense\r\n\r\n"], ids=["none", "half", "nonsense"]
)
async def test_an_answer_that_breaks_off_is_an_error(answer: bytes) -> None:
    async with serving(answer) as (server, pool):
        post = asyncio.create_task(posted(pool))
        await until(_has(lambda: server.connections and server.connections[0]), "no request comes")
        for writer in list(server.open):
            writer.close()
        with pytest.raises(BadAnswer):
            await post


async def test_nobody_who_listens_is_an_error() -> None:
    async with serving(OK) as (_, pool):
        pass
    with pytest.raises(ConnectionRefusedError):
        await posted(pool)


async def test_over_tls_the_server_must_be_the_one_that_was_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(OK, context=tls().server) as (_, pool):
        with pytest.raises(ssl.SSLCertVerificationError):
            await posted(pool)
    monkeypatch.setenv("SSL_CERT_FILE", str(tls().certificate))
    async with serving(OK, context=tls().server) as (server, pool):
        assert [await posted(pool) for _ in range(2)] == [202] * 2
        assert list(map(len, server.connections)) == [2]
        with pytest.raises(ssl.SSLCertVerificationError, match="ostname"):
            await posted(HttpPool(yarl.URL(f"https://localhost:{server.port}")))


def _has(condition: Callable[[], object]) -> Callable[[], Awaitable[bool]]:
    async def holds() -> bool:
        return bool(condition())

    return holds
